//! `hmac-auth`: requests that are signed with a secret.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{AUTHORIZATION, DATE, HOST, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use http::{HeaderMap, Request, Version};
use regex::Regex;
use serde::Deserialize;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{Around, Body, Identity, Refusal, Scheme, challenge, read_body};
use crate::BoxError;
use crate::configured::entities::Kind;
use crate::in_force::consumers::Proof;
use crate::request::flight::Flight;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Config {
    hide_credentials: bool,
    /// In seconds.
    #[serde(default = "five_minutes")]
    clock_skew: f64,
    #[serde(default)]
    anonymous: Option<String>,
    validate_request_body: bool,
    #[serde(default)]
    enforce_headers: Vec<String>,
    #[serde(default)]
    algorithms: Vec<String>,
    #[serde(default)]
    realm: Option<String>,
}

const fn five_minutes() -> f64 {
    300.0
}

struct HmacAuth {
    skew: Duration,
    challenge: HeaderValue,
    config: Config,
}

pub(in super::super) fn layer(config: Config) -> Result<Arc<dyn Around>, BoxError> {
    let challenge = challenge("hmac", config.realm.as_deref())?;
    let skew = Duration::try_from_secs_f64(config.clock_skew)?;
    Ok(super::layer(HmacAuth { skew, challenge, config }))
}

const NO_DATE: &str = "HMAC signature cannot be verified, a valid date or x-date header is \
                       required for HMAC Authentication";
const NOT_VALID: &str = "HMAC signature cannot be verified";
const NOT_SAME: &str = "HMAC signature does not match";

const X_DATE: HeaderName = HeaderName::from_static("x-date");
const DIGEST: HeaderName = HeaderName::from_static("digest");

impl Scheme for HmacAuth {
    fn anonymous(&self) -> Option<&str> {
        self.config.anonymous.as_deref()
    }

    async fn prove(
        &self,
        mut request: Request<Body>,
        flight: &Flight,
    ) -> (Request<Body>, Result<Identity, Refusal>) {
        let mut found = self.find(&mut request, flight);
        if found.is_ok() && self.config.validate_request_body {
            let body;
            (request, body) = read_body(request).await;
            if !body.is_some_and(|body| has_digest(request.headers(), &body)) {
                found = Err(NOT_SAME);
            }
        }
        let refusal = |text| Refusal::error(text, &self.challenge);
        (request, found.map(Identity::from).map_err(refusal))
    }
}

impl HmacAuth {
    fn find(&self, request: &mut Request<Body>, flight: &Flight) -> Result<Proof, &'static str> {
        let text = |name: &HeaderName| Some(request.headers().get(name)?.to_str().ok()?.to_owned());
        let [of_proxy, own] = [&PROXY_AUTHORIZATION, &AUTHORIZATION].map(text);
        if of_proxy.is_none() && own.is_none() {
            return Err("Unauthorized");
        }
        if ![X_DATE, DATE].iter().any(|name| self.is_now(request.headers(), name)) {
            return Err(NO_DATE);
        }
        let of_proxy = of_proxy.as_deref().and_then(Claim::parse);
        let header = if of_proxy.is_some() { PROXY_AUTHORIZATION } else { AUTHORIZATION };
        let claim = of_proxy.or_else(|| Claim::parse(own.as_deref()?));
        let signed = claim.as_ref().map(|claim| claim.signed(request, flight));
        if self.config.hide_credentials {
            request.headers_mut().remove(header);
        }
        let claim = claim.filter(|claim| self.allows(claim)).ok_or(NOT_VALID)?;
        let proof = flight.snapshot().credential(Kind::HmacAuths, &claim.username);
        let proof = proof.ok_or(NOT_VALID)?;
        let secret = proof.credential.secret.as_deref().unwrap_or_default().as_bytes();
        let is_same = claim.is_made_with(secret, &signed.unwrap_or_default());
        is_same.then_some(proof).ok_or(NOT_SAME)
    }

    /// Whether a header has a time that is near.
    fn is_now(&self, headers: &HeaderMap, name: &HeaderName) -> bool {
        let time = headers.get(name).and_then(|value| value.to_str().ok());
        let Some(time) = time.and_then(|time| httpdate::parse_http_date(time).ok()) else {
            return false;
        };
        let now = SystemTime::now();
        let skew = now.duration_since(time).or_else(|_| time.duration_since(now));
        skew.is_ok_and(|skew| skew.as_secs() <= self.skew.as_secs())
    }

    fn allows(&self, claim: &Claim) -> bool {
        let enforced = &self.config.enforce_headers;
        enforced.iter().all(|header| claim.headers.contains(header))
            && self.config.algorithms.contains(&claim.algorithm)
    }
}

/// What `Authorization` says.
struct Claim {
    username: String,
    algorithm: String,
    headers: Vec<String>,
    signature: String,
}

impl Claim {
    fn parse(header: &str) -> Option<Self> {
        static FORM: LazyLock<Regex> = LazyLock::new(|| {
            let form = r#"\s*[Hh]mac\s*username="(.+)",\s*algorithm="(.+)",\s*headers="(.+)",\s*signature="(.+)""#;
            Regex::new(form).expect("it is one")
        });
        let found = FORM.captures(header)?;
        Some(Self {
            username: found[1].to_owned(),
            algorithm: found[2].to_owned(),
            headers: found[3].split(' ').map(str::to_owned).collect(),
            signature: found[4].to_owned(),
        })
    }

    /// What is signed: a line for each header that it names.
    fn signed(&self, request: &Request<Body>, flight: &Flight) -> Vec<u8> {
        let target = flight.matched().map_or_else(|| request.uri(), |matched| &matched.uri);
        let target = target.path_and_query().map_or("/", |target| target.as_str());
        let mut lines = Vec::new();
        for (position, name) in self.headers.iter().enumerate() {
            if position > 0 {
                lines.push(b'\n');
            }
            match (header(request, name), name.as_str()) {
                (Some(value), _) => {
                    lines.extend([name.as_bytes(), b": ", value].concat());
                }
                (None, "@request-target") => {
                    let method = request.method().as_str().to_ascii_lowercase();
                    lines.extend(format!("{name}: {method} {target}").into_bytes());
                }
                (None, "request-line") => {
                    let version = version(request.version());
                    lines.extend(
                        format!("{} {target} HTTP/{version}", request.method()).into_bytes(),
                    );
                }
                (None, _) => lines.extend(format!("{name}:").into_bytes()),
            }
        }
        lines
    }

    fn is_made_with(&self, secret: &[u8], signed: &[u8]) -> bool {
        let Ok(signature) = STANDARD.decode(&self.signature) else { return false };
        match self.algorithm.as_str() {
            "hmac-sha1" => is_code::<Hmac<Sha1>>(secret, signed, &signature),
            "hmac-sha256" => is_code::<Hmac<Sha256>>(secret, signed, &signature),
            "hmac-sha384" => is_code::<Hmac<Sha384>>(secret, signed, &signature),
            "hmac-sha512" => is_code::<Hmac<Sha512>>(secret, signed, &signature),
            _ => false,
        }
    }
}

fn is_code<M: Mac + KeyInit>(secret: &[u8], signed: &[u8], code: &[u8]) -> bool {
    let Ok(mac) = <M as KeyInit>::new_from_slice(secret) else { return false };
    mac.chain_update(signed).verify_slice(code).is_ok()
}

/// The first value of a header; in HTTP/2, the host is no header.
fn header<'a>(request: &'a Request<Body>, name: &str) -> Option<&'a [u8]> {
    if let Some(value) = request.headers().get(name) {
        return Some(value.as_bytes());
    }
    let is_host = name.eq_ignore_ascii_case(HOST.as_str());
    is_host.then(|| request.uri().authority().map(|host| host.as_str().as_bytes())).flatten()
}

const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2.0",
        _ => "1.1",
    }
}

/// Whether `Digest` is that of the body. An empty body needs none.
fn has_digest(headers: &HeaderMap, body: &[u8]) -> bool {
    let Some(given) = headers.get(&DIGEST) else { return body.is_empty() };
    given.as_bytes() == format!("SHA-256={}", STANDARD.encode(Sha256::digest(body))).as_bytes()
}
