//! `basic-auth`: a username and a password.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::{Around, Body, Identity, Refusal, Scheme, challenge};
use crate::BoxError;
use crate::configured::entities::{Kind, password};
use crate::in_force::consumers::Proof;
use crate::request::flight::Flight;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Config {
    #[serde(default)]
    anonymous: Option<String>,
    hide_credentials: bool,
    realm: String,
}

struct BasicAuth {
    config: Config,
    challenge: HeaderValue,
}

pub(in super::super) fn layer(config: Config) -> Result<Arc<dyn Around>, BoxError> {
    let challenge = challenge("Basic", Some(&config.realm))?;
    Ok(super::layer(BasicAuth { config, challenge }))
}

impl Scheme for BasicAuth {
    fn anonymous(&self) -> Option<&str> {
        self.config.anonymous.as_deref()
    }

    async fn prove(
        &self,
        mut request: Request<Body>,
        flight: &Flight,
    ) -> (Request<Body>, Result<Identity, Refusal>) {
        let found = self.find(&mut request, flight);
        let refusal = || Refusal::error("Unauthorized", &self.challenge);
        (request, found.map(Identity::from).ok_or_else(refusal))
    }
}

impl BasicAuth {
    /// The credential that the request has the password of. What a proxy is told comes first.
    fn find(&self, request: &mut Request<Body>, flight: &Flight) -> Option<Proof> {
        let by_name = |name: &str| flight.snapshot().credential(Kind::BasicAuths, name);
        let of_proxy = self.take(request, &PROXY_AUTHORIZATION);
        let of_proxy = of_proxy.and_then(|(name, given)| Some((by_name(&name)?, given)));
        let found = of_proxy.or_else(|| {
            let (name, given) = self.take(request, &AUTHORIZATION)?;
            Some((by_name(&name)?, given))
        });
        let (proof, given) = found?;
        let hash = password::hash_of(&given, &proof.credential.consumer.id);
        let kept = proof.credential.secret.as_deref().unwrap_or_default();
        bool::from(hash.as_bytes().ct_eq(kept.as_bytes())).then_some(proof)
    }

    fn take(&self, request: &mut Request<Body>, header: &HeaderName) -> Option<(String, Vec<u8>)> {
        let given = request.headers().get(header).and_then(|value| parse(value.as_bytes()));
        if self.config.hide_credentials {
            request.headers_mut().remove(header);
        }
        given
    }
}

/// Username and password.
fn parse(header: &[u8]) -> Option<(String, Vec<u8>)> {
    let rest = header.trim_ascii_start();
    let rest = rest.strip_prefix(b"Basic").or_else(|| rest.strip_prefix(b"basic"))?;
    let mut decoded = STANDARD.decode(rest.trim_ascii()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':').filter(|at| *at > 0)?;
    let password = decoded.split_off(colon + 1);
    decoded.pop();
    Some((String::from_utf8(decoded).ok()?, password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_may_have_colons_and_a_username_may_not() {
        let header = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let parsed = parse(header("alice:open:sesame").as_bytes());
        assert_eq!(parsed, Some(("alice".to_owned(), b"open:sesame".to_vec())));
        for wrong in [header("alice"), header(":secret"), "Basic ?".into(), "Bearer YTpi".into()] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
