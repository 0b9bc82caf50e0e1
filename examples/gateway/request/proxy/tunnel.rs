//! Connections that become something else: WebSocket and other upgrades.

use http::{Response, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::headers;
use super::response_body::ResponseBody;
use crate::request::hop_by_hop::remove_named_by_connection;

/// The answer of a service as the client gets it; where both want another protocol, their bytes pass
/// from then on.
pub(super) fn answer(
    mut response: Response<ResponseBody>,
    client: Option<OnUpgrade>,
) -> Response<ResponseBody> {
    let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let service = (switches && client.is_some()).then(|| hyper::upgrade::on(&mut response));
    if let (Some(client), Some(service)) = (client, service) {
        tokio::spawn(pass(client, service));
    }
    let protocol = response.headers().get(header::UPGRADE).cloned().filter(|_| switches);
    remove_named_by_connection(response.headers_mut());
    headers::remove_hop_by_hop(response.headers_mut(), false);
    if let Some(protocol) = protocol {
        headers::switch_to(response.headers_mut(), protocol);
    }
    response
}

/// Passes bytes both ways until one side closes.
async fn pass(client: OnUpgrade, service: OnUpgrade) {
    let both = tokio::try_join!(client, service);
    if let Ok((client, service)) = both {
        let (mut client, mut service) = (TokioIo::new(client), TokioIo::new(service));
        // Either side may go away at any time: that is how such a connection ends.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut service).await;
    }
}
