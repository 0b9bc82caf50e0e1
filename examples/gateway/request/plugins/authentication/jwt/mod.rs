//! `jwt`: signed tokens, RFC 7519.

mod token;

use std::collections::BTreeSet;
use std::sync::Arc;

use http::header::{COOKIE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::token::Token;
use super::{Around, Body, Identity, Reason, Refusal, Scheme, arguments, challenge};
use crate::BoxError;
use crate::configured::credential::Credential;
use crate::configured::entities::{Kind, now};
use crate::request::flight::Flight;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Config {
    #[serde(default)]
    uri_param_names: Vec<String>,
    #[serde(default)]
    cookie_names: Vec<String>,
    #[serde(default)]
    header_names: Vec<String>,
    #[serde(default = "iss")]
    key_claim_name: String,
    secret_is_base64: bool,
    #[serde(default)]
    claims_to_verify: Vec<String>,
    #[serde(default)]
    anonymous: Option<String>,
    run_on_preflight: bool,
    #[serde(default)]
    maximum_expiration: f64,
    #[serde(default)]
    realm: Option<String>,
}

fn iss() -> String {
    "iss".to_owned()
}

struct Jwt {
    config: Config,
    headers: Vec<HeaderName>,
    /// What is asked of who has no token, and of who has a wrong one.
    challenges: [HeaderValue; 2],
}

pub(in super::super) fn layer(config: Config) -> Result<Arc<dyn Around>, BoxError> {
    let headers = config.header_names.iter().map(|name| name.parse());
    let headers = headers.collect::<Result<_, _>>()?;
    let missing = challenge("Bearer", config.realm.as_deref())?;
    let separator = if config.realm.is_some() { "," } else { "" };
    let wrong = [missing.as_bytes(), separator.as_bytes(), b" error=\"invalid_token\""].concat();
    let challenges = [missing, HeaderValue::from_bytes(&wrong)?];
    Ok(super::layer(Jwt { config, headers, challenges }))
}

impl Scheme for Jwt {
    fn is_for(&self, request: &Request<Body>) -> bool {
        request.method() != Method::OPTIONS || self.config.run_on_preflight
    }

    fn anonymous(&self) -> Option<&str> {
        self.config.anonymous.as_deref()
    }

    async fn prove(
        &self,
        request: Request<Body>,
        flight: &Flight,
    ) -> (Request<Body>, Result<Identity, Refusal>) {
        let mut tokens = self.tokens(&request).into_iter();
        let found = match (tokens.next(), tokens.next()) {
            (None, _) => Err(self.refuse(0, message("Unauthorized"))),
            (Some(token), None) => {
                self.identity(&token, flight).map_err(|reason| self.refuse(1, reason))
            }
            _ => Err(self.refuse(1, message("Multiple tokens provided"))),
        };
        (request, found)
    }
}

fn message(text: impl Into<String>) -> Value {
    json!({ "message": text.into() })
}

impl Jwt {
    fn refuse(&self, challenge: usize, body: Value) -> Refusal {
        Refusal { reason: Reason::Exit(body), challenge: self.challenges[challenge].clone() }
    }

    /// The tokens of a request, each once.
    fn tokens(&self, request: &Request<Body>) -> BTreeSet<String> {
        let query = request.uri().query().unwrap_or_default();
        let mut tokens = BTreeSet::new();
        for name in &self.config.uri_param_names {
            tokens.extend(arguments(query, name));
        }
        for name in &self.config.cookie_names {
            tokens.extend(cookie(request.headers(), name));
        }
        for name in &self.headers {
            let value = request.headers().get(name).and_then(|value| value.to_str().ok());
            tokens.extend(value.and_then(bearer).map(str::to_owned));
        }
        tokens.retain(|token| !token.is_empty());
        tokens
    }

    /// Whose token it is, or what is wrong with it.
    fn identity(&self, token: &str, flight: &Flight) -> Result<Identity, Value> {
        let name = &self.config.key_claim_name;
        let token = Token::parse(token).map_err(|wrong| message(format!("Bad token; {wrong}")))?;
        let key = token.claims.get(name).or_else(|| token.header.get(name));
        let key = match key {
            None | Some(Value::Null) => {
                return Err(message(format!("No mandatory '{name}' in claims")));
            }
            Some(Value::String(key)) if key.is_empty() => {
                return Err(message(format!("Invalid '{name}' in claims")));
            }
            Some(Value::String(key)) => key.clone(),
            Some(other) => other.to_string(),
        };
        let proof = flight.snapshot().credential(Kind::Jwts, &key);
        let proof =
            proof.ok_or_else(|| message(format!("No credentials found for given '{name}'")))?;
        self.verify(&token, &proof.credential)?;
        self.check_claims(&token.claims).map_err(Value::Object)?;
        Ok(proof.into())
    }

    fn verify(&self, token: &Token<'_>, credential: &Credential) -> Result<(), Value> {
        let algorithm = credential.algorithm.as_deref().unwrap_or("HS256");
        if token.algorithm != algorithm {
            return Err(message("Invalid algorithm"));
        }
        let is_signed = if algorithm.starts_with("HS") {
            let secret = credential.secret.as_deref().and_then(|secret| {
                if self.config.secret_is_base64 {
                    token::decode(secret)
                } else {
                    Some(secret.as_bytes().to_vec())
                }
            });
            secret.map(|secret| token.is_signed_with(&secret))
        } else {
            let key = credential.public_key();
            key.map(|key| key.verifies(algorithm, token.signed.as_bytes(), &token.signature))
        };
        match is_signed {
            Some(true) => Ok(()),
            Some(false) => Err(message("Invalid signature")),
            None => Err(message("Invalid key/secret")),
        }
    }

    /// Whether the token is good at this time.
    fn check_claims(&self, claims: &Map<String, Value>) -> Result<(), Map<String, Value>> {
        let mut errors = Map::new();
        #[expect(clippy::cast_precision_loss, reason = "seconds are far from where that matters")]
        let now = now() as f64;
        let time = |name: &str| claims.get(name).and_then(Value::as_f64);
        for name in &self.config.claims_to_verify {
            let error = match (name.as_str(), time(name)) {
                (_, None) => "must be a number",
                ("exp", Some(time)) if time <= now => "token expired",
                ("nbf", Some(time)) if time > now => "token not valid yet",
                _ => continue,
            };
            errors.insert(name.clone(), error.into());
        }
        let most = self.config.maximum_expiration;
        let is_too_long = || time("exp").is_none_or(|time| time - now > most);
        if errors.is_empty() && most > 0.0 && is_too_long() {
            errors.insert("exp".to_owned(), "exceeds maximum allowed expiration".into());
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

fn bearer(header: &str) -> Option<&str> {
    let header = header.trim_start();
    let rest = header.strip_prefix("Bearer").or_else(|| header.strip_prefix("bearer"))?;
    let token = rest.trim_start();
    (token.len() < rest.len()).then(|| token.trim_end())
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name.trim(), value.trim()))
    });
    pairs.find(|(own, _)| *own == name).map(|(_, value)| value.to_owned())
}
