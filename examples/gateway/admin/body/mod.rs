//! Bodies of requests to the Admin API: forms, uploads, JSON, and YAML where it is taken.

mod form;

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use percent_encoding::percent_decode;
use serde_json::Value;

use crate::configured::problem::Problem;
use crate::configured::schema::{Given, Object};

/// The most parameters that a form may have.
const MAX_PARAMETERS: usize = 1000;

/// What a request says.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) object: Object,
    pub(crate) given: Given,
}

/// Reads a body by its content type.
///
/// # Errors
///
/// Kong's answers to bodies that cannot be read.
pub(crate) async fn parse(content_type: Option<&str>, body: Bytes) -> Result<Arguments, Problem> {
    let Some(content_type) = content_type else {
        if body.is_empty() {
            return Ok(Arguments { object: Object::new(), given: Given::Form });
        }
        return Err(unsupported("no Content-Type"));
    };
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/json" => json(&body),
        "application/x-www-form-urlencoded" => form(urlencoded(&body)?),
        "multipart/form-data" => form(multipart(content_type, body).await?),
        _ => Err(unsupported(&kind)),
    }
}

fn unsupported(what: &str) -> Problem {
    let message = format!(
        "Unsupported media type: {what}; expected application/json, \
         application/x-www-form-urlencoded or multipart/form-data"
    );
    Problem::message(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
}

fn json(body: &[u8]) -> Result<Arguments, Problem> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(Arguments { object, given: Given::Typed }),
        _ => Err(Problem::bad_request("Cannot parse JSON body")),
    }
}

fn form(pairs: Vec<(String, String)>) -> Result<Arguments, Problem> {
    if pairs.len() > MAX_PARAMETERS {
        return Err(Problem::bad_request("Too many arguments"));
    }
    let object = form::nest(pairs).map_err(Problem::bad_request)?;
    Ok(Arguments { object, given: Given::Form })
}

/// The parameters of a query or an urlencoded body.
pub(crate) fn urlencoded(text: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let value = pair.get(at + 1..).unwrap_or_default();
            Ok((decode(&pair[..at])?, decode(value)?))
        })
        .collect()
}

fn decode(text: &[u8]) -> Result<String, Problem> {
    let spaced: Vec<u8> =
        text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded = percent_decode(&spaced).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| not_text("the form"))
}

/// A segment of a path without its percent-encoding.
pub(crate) fn decode_segment(segment: &str) -> Result<String, Problem> {
    let decoded = percent_decode(segment.as_bytes()).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| not_text("the path"))
}

fn not_text(what: &str) -> Problem {
    Problem::bad_request(format!("{what} has bytes that are not UTF-8"))
}

/// The parts of an upload, files or not: by name.
async fn multipart(content_type: &str, body: Bytes) -> Result<Vec<(String, String)>, Problem> {
    let broken = |error| Problem::bad_request(format!("Cannot parse multipart body: {error}"));
    let boundary = multer::parse_boundary(content_type).map_err(broken)?;
    let whole = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(body)]);
    let mut parts = multer::Multipart::new(whole, boundary);
    let mut pairs = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        let content = part.bytes().await.map_err(broken)?;
        let content =
            String::from_utf8(content.into()).map_err(|_| not_text(&format!("'{name}'")))?;
        if pairs.len() > MAX_PARAMETERS {
            break;
        }
        pairs.push((name, content));
    }
    Ok(pairs)
}
