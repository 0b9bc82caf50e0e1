//! Connections that become something else: WebSocket and other upgrades.

use http::{Response, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tower_lua::{ClientStream, Handover as When};

use super::headers;
use super::response_body::ResponseBody;
use crate::request::handover::Handover;
use crate::request::hop_by_hop::remove_named_by_connection;

/// The answer of a service as the client gets it; where both want another protocol, their bytes pass
/// from then on.
pub(super) fn answer(
    mut response: Response<ResponseBody>,
    client: Option<&Handover>,
) -> Response<ResponseBody> {
    let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if let Some(client) = client.filter(|_| switches) {
        let service = hyper::upgrade::on(&mut response);
        tokio::spawn(pass(client.ask(When::AfterResponse), service));
    }
    let protocol = switches.then(|| response.headers().get(header::UPGRADE).cloned()).flatten();
    remove_named_by_connection(response.headers_mut());
    headers::remove_hop_by_hop(response.headers_mut(), false);
    if let Some(protocol) = protocol {
        headers::switch_to(response.headers_mut(), protocol);
    }
    response
}

/// Passes bytes both ways until one side closes.
async fn pass(client: oneshot::Receiver<ClientStream>, service: OnUpgrade) {
    if let (Ok(mut client), Ok(service)) = tokio::join!(client, service) {
        let mut service = TokioIo::new(service);
        // Either side may go away at any time: that is how such a connection ends.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut service).await;
    }
}
