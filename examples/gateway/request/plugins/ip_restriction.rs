//! `ip-restriction`: from where anybody may call.

use std::net::IpAddr;
use std::sync::Arc;

use http::{Request, StatusCode};
use ipnet::IpNet;
use serde::Deserialize;
use tower::{Service, ServiceExt};

use super::message::refusal;
use super::{Around, Body, BoxError, Next, once};
use crate::request::flight::Flight;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    message: Option<String>,
}

struct Restriction {
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
    status: StatusCode,
    message: Option<String>,
}

pub(super) fn layer(config: Config) -> Result<Arc<dyn Around>, BoxError> {
    let networks = |list: &[String]| -> Result<Vec<IpNet>, BoxError> {
        list.iter().map(|text| network(text)).collect()
    };
    Ok(Arc::new(Arc::new(Restriction {
        allow: networks(&config.allow)?,
        deny: networks(&config.deny)?,
        status: StatusCode::from_u16(config.status.unwrap_or(403))?,
        message: config.message,
    })))
}

/// A network, or a single address.
fn network(text: &str) -> Result<IpNet, BoxError> {
    match text.parse::<IpAddr>() {
        Ok(address) => Ok(address.into()),
        Err(_) => Ok(text.parse()?),
    }
}

impl Restriction {
    fn allows(&self, client: IpAddr) -> bool {
        let is_in = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&client));
        !is_in(&self.deny) && (self.allow.is_empty() || is_in(&self.allow))
    }
}

impl Around for Arc<Restriction> {
    fn around(&self, next: Next) -> Next {
        let restriction = Self::clone(self);
        once(next, async move |request: Request<Body>, mut next: Next| {
            let client = Flight::of(&request).expect("the first layer puts it there").client;
            let client = client.to_canonical();
            if restriction.allows(client) {
                return next.ready().await?.call(request).await;
            }
            let text = || format!("IP address not allowed: {client}");
            let text = restriction.message.clone().unwrap_or_else(text);
            Ok(refusal(&request, restriction.status, &text))
        })
    }
}
