//! The body of `POST /debug/try`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response};
use serde::Deserialize;
use serde_json::Value;

use super::asked::{Asked, address, answer, header, with_plugin};
use crate::configured::entities::{Draft, Kind, State, Step};
use crate::configured::problem::Problem;
use crate::configured::schema::Object;

/// Whose functions run.
#[derive(Debug)]
pub(crate) enum Whose {
    /// These, by their phases: the `config` of a `pre-function`.
    Given(Object),
    /// Those of the plugin with this id.
    Plugin(String),
    /// Those of whatever is configured for the request.
    Configured,
}

/// The body of `POST /debug/try`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    functions: Option<Object>,
    plugin: Option<String>,
    #[serde(default)]
    request: OfRequest,
    upstream: Option<OfAnswer>,
    #[serde(default)]
    http: BTreeMap<String, OfAnswer>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OfRequest {
    method: Option<String>,
    path: Option<String>,
    scheme: Option<String>,
    client_ip: Option<IpAddr>,
    headers: BTreeMap<String, Value>,
    body: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OfAnswer {
    status: u16,
    headers: BTreeMap<String, Value>,
    body: Value,
}

impl Default for OfAnswer {
    fn default() -> Self {
        Self { status: 200, headers: BTreeMap::new(), body: Value::Null }
    }
}

/// Reads the body of `POST /debug/try`.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn read(object: Object) -> Result<(Whose, Asked), Problem> {
    let wrong = |error: serde_json::Error| Problem::bad_request(error.to_string());
    let body: Body = serde_json::from_value(object.into()).map_err(wrong)?;
    let whose = match (body.functions, body.plugin) {
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request("'functions' and 'plugin' exclude each other"));
        }
        (Some(functions), None) => Whose::Given(functions),
        (None, Some(id)) => Whose::Plugin(id),
        (None, None) => Whose::Configured,
    };
    let asked = asked(body.request, body.upstream, body.http).map_err(Problem::bad_request)?;
    Ok((whose, asked))
}

fn asked(
    request: OfRequest,
    upstream: Option<OfAnswer>,
    http: BTreeMap<String, OfAnswer>,
) -> Result<Asked, String> {
    let within = |part: &str, why: String| format!("{part}: {why}");
    let of = |part: &str, answer: OfAnswer| answer.read().map_err(|why| within(part, why));
    let answers = http.into_iter().map(|(url, answer)| {
        let answer = of(&format!("http: {url}"), answer)?;
        Ok((address(&url)?, answer))
    });
    let mut asked = request.read().map_err(|why| within("request", why))?;
    asked.answers = answers.collect::<Result<_, String>>()?;
    asked.upstream = upstream.map(|answer| of("upstream", answer)).transpose()?;
    Ok(asked)
}

impl Whose {
    /// What is in force for the request, where `state` is what is configured.
    ///
    /// # Errors
    ///
    /// When there is no such plugin, or functions are not as they should be.
    pub(crate) fn draft(self, state: &State) -> Result<Draft, Problem> {
        match self {
            Self::Configured => {
                Ok(Draft { state: state.clone(), steps: vec![Step::Clear], hashes: true })
            }
            Self::Given(functions) => with_plugin("pre-function", &functions.into()),
            Self::Plugin(id) => {
                let document = state.known(Kind::Plugins, &id)?;
                let name = document.plugin().map(|plugin| plugin.name.clone()).unwrap_or_default();
                if !["pre-function", "post-function"].contains(&name.as_str()) {
                    let message = format!("plugin: '{name}' has no functions");
                    return Err(Problem::bad_request(message));
                }
                with_plugin(&name, &document.config())
            }
        }
    }
}

impl OfRequest {
    fn read(self) -> Result<Asked, String> {
        let (body, is_json) = text_of(self.body);
        let method = self.method.as_deref().unwrap_or("GET");
        let mut asked = Asked::new(method, self.path.as_deref().unwrap_or("/"))?;
        match self.scheme.as_deref() {
            None => {}
            Some("http") => asked.is_encrypted = false,
            Some("https") => asked.is_encrypted = true,
            Some(other) => return Err(format!("scheme: expected http or https, got '{other}'")),
        }
        asked.client = self.client_ip.unwrap_or(asked.client);
        for (name, value) in headers(self.headers)? {
            asked.header(&name, value);
        }
        if is_json {
            asked.content_type("application/json");
        }
        asked.body(body);
        Ok(asked)
    }
}

impl OfAnswer {
    fn read(self) -> Result<Response<Bytes>, String> {
        let (body, is_json) = text_of(self.body);
        let mut answer = answer(self.status, body)?;
        for (name, value) in headers(self.headers)? {
            answer.headers_mut().append(name, value);
        }
        if is_json && !answer.headers().contains_key(CONTENT_TYPE) {
            let json = HeaderValue::from_static("application/json");
            answer.headers_mut().insert(CONTENT_TYPE, json);
        }
        Ok(answer)
    }
}

/// A text is itself, other values are sent as JSON.
fn text_of(body: Value) -> (Bytes, bool) {
    match body {
        Value::Null => (Bytes::new(), false),
        Value::String(text) => (text.into(), false),
        other => (other.to_string().into(), true),
    }
}

fn headers(given: BTreeMap<String, Value>) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let mut headers = Vec::new();
    for (name, value) in given {
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            let text = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                _ => {
                    return Err(format!("headers: '{name}': expected a text or an array of texts"));
                }
            };
            headers.push(header(&name, &text)?);
        }
    }
    Ok(headers)
}
