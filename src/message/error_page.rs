//! The bodies of errors, in the formats and with the words that Kong has.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

/// An error as the client sees it.
pub(crate) struct ErrorPage {
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

/// What a page says of an error to who may know.
pub(crate) struct Details<'a> {
    pub(crate) message: &'a str,
    /// Lua's stack, or nothing.
    pub(crate) traceback: &'a str,
}

const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const XML: &str = "application/xml; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Whether nginx has a page for an exit with nothing but a status.
pub(crate) const fn has_page(status: u16) -> bool {
    matches!(status, 400..=416 | 421 | 429 | 494..=497 | 500..=507)
}

/// The page of an exit with nothing but a status: plain text unless the client asks for more.
pub(crate) fn for_exit(headers: &HeaderMap, status: u16, id: &str) -> ErrorPage {
    let wanted = headers.get(ACCEPT).or_else(|| headers.get(CONTENT_TYPE));
    let content_type = wanted.map_or(PLAIN, |wanted| negotiate([wanted]));
    page(content_type, &message_of(status), id)
}

/// The page of `kong.response.error`: in the format of the content type that the function has
/// `given`, else JSON unless the client asks for something else.
pub(crate) fn for_error(
    headers: &HeaderMap,
    status: u16,
    id: &str,
    message: Option<&str>,
    given: Option<&HeaderValue>,
) -> ErrorPage {
    let content_type = match given {
        Some(given) => negotiate([given]),
        None => negotiate(headers.get_all(ACCEPT)),
    };
    let message = message.map_or_else(|| message_of(status), Cow::Borrowed);
    page(content_type, &message, id)
}

/// The page of a function that failed, or of a service that does not answer.
pub(crate) fn for_status(headers: &HeaderMap, status: u16, id: &str) -> ErrorPage {
    page(negotiate(headers.get_all(ACCEPT)), &message_of(status), id)
}

/// The page of a function that failed, with what is known of it.
pub(crate) fn for_failure(
    headers: &HeaderMap,
    status: u16,
    id: &str,
    details: &Details<'_>,
) -> ErrorPage {
    let content_type = negotiate(headers.get_all(ACCEPT));
    detailed_page(content_type, &message_of(status), id, Some(details))
}

/// The content type that suits `Accept` headers best. The first of the highest quality wins, which
/// is JSON if it is none of ours.
fn negotiate<'a>(accept: impl IntoIterator<Item = &'a HeaderValue>) -> &'static str {
    let mut best = (0.0, JSON);
    let accept = accept.into_iter().filter_map(|accept| accept.to_str().ok());
    for range in accept.flat_map(|accept| accept.split(',')) {
        let mut parameters = range.split(';').map(str::trim);
        let content_type = match parameters.next().unwrap_or_default() {
            "text/html" => HTML,
            "application/xml" => XML,
            "text/plain" | "text/*" => PLAIN,
            other if other.contains('/') => JSON,
            _ => continue,
        };
        let quality = parameters.find_map(|parameter| parameter.strip_prefix("q=")?.parse().ok());
        let quality = quality.filter(|quality| (0.0..=1.0).contains(quality)).unwrap_or(1.0);
        if quality > best.0 {
            best = (quality, content_type);
        }
    }
    best.1
}

fn page(content_type: &'static str, message: &str, id: &str) -> ErrorPage {
    detailed_page(content_type, message, id, None)
}

fn detailed_page(
    content_type: &'static str,
    message: &str,
    id: &str,
    details: Option<&Details<'_>>,
) -> ErrorPage {
    let more = details.map_or_else(String::new, |details| details.of_type(content_type));
    // Kong: puts message and id into its templates as they are. Here they are escaped, so that the
    // body is well-formed whatever a function says.
    let (message_json, id_json) = (json(message), json(id));
    let (message_xml, id_xml) = (escape_xml(message), escape_xml(id));
    let body = match content_type {
        HTML => format!(
            "<!doctype html>\n<html>\n  <head>\n    <meta charset=\"utf-8\">\n    \
             <title>Error</title>\n  </head>\n  <body>\n    <h1>Error</h1>\n    \
             <p>{message_xml}.</p>\n    <p>request_id: {id_xml}</p>\n{more}  </body>\n</html>\n"
        ),
        XML => format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error>\n  \
             <message>{message_xml}</message>\n  <requestid>{id_xml}</requestid>\n{more}</error>\n"
        ),
        PLAIN => format!("{message}\nrequest_id: {id}\n{more}"),
        _ => format!("{{\n  \"message\":{message_json},\n  \"request_id\":{id_json}{more}\n}}"),
    };
    ErrorPage { content_type, body: body.into() }
}

impl Details<'_> {
    /// What stands in a page of a content type behind the rest.
    fn of_type(&self, content_type: &str) -> String {
        let Self { message, traceback } = self;
        let xml = |text: &str| escape_xml(&printable(text)).into_owned();
        match content_type {
            HTML => format!("    <pre>{}\n{}</pre>\n", xml(message), xml(traceback)),
            XML => format!(
                "  <error>{}</error>\n  <traceback>{}</traceback>\n",
                xml(message),
                xml(traceback)
            ),
            PLAIN => format!("\n{message}\n{traceback}\n"),
            _ => format!(",\n  \"error\":{},\n  \"traceback\":{}", json(message), json(traceback)),
        }
    }
}

/// A text as JSON has it.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text without the characters that XML cannot have.
fn printable(text: &str) -> String {
    let keeps = |c: char| !c.is_control() || c == '\n' || c == '\t';
    text.chars().map(|c| if keeps(c) { c } else { '\u{fffd}' }).collect()
}

fn escape_xml(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"']) {
        return Cow::Borrowed(text);
    }
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    Cow::Owned(escaped.replace('>', "&gt;").replace('"', "&quot;"))
}

fn message_of(status: u16) -> Cow<'static, str> {
    Cow::Borrowed(match status {
        400 => "Bad request",
        401 => "Unauthorized",
        402 => "Payment required",
        403 => "Forbidden",
        404 => "Not found",
        405 => "Method not allowed",
        406 => "Not acceptable",
        407 => "Proxy authentication required",
        408 => "Request timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length required",
        412 => "Precondition failed",
        413 => "Payload too large",
        414 => "URI too long",
        415 => "Unsupported media type",
        416 => "Range not satisfiable",
        417 => "Expectation failed",
        418 => "I'm a teapot",
        421 => "Misdirected request",
        422 => "Unprocessable entity",
        423 => "Locked",
        424 => "Failed dependency",
        425 => "Too early",
        426 => "Upgrade required",
        428 => "Precondition required",
        429 => "Too many requests",
        431 => "Request header fields too large",
        451 => "Unavailable for legal reasons",
        494 => "Request header or cookie too large",
        500 => "An unexpected error occurred",
        501 => "Not implemented",
        502 => "An invalid response was received from the upstream server",
        503 => "The upstream server is currently unavailable",
        504 => "The upstream server is timing out",
        505 => "HTTP version not supported",
        506 => "Variant also negotiates",
        507 => "Insufficient storage",
        508 => "Loop detected",
        510 => "Not extended",
        511 => "Network authentication required",
        _ => return Cow::Owned(format!("The upstream server responded with {status}")),
    })
}
