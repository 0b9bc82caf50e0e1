//! `ngx.var`: nginx's variables.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, HeaderName, SET_COOKIE, TE, VIA};
use http::{HeaderMap, HeaderValue, Version};
use mlua::Value;

use super::arguments::tostring;
use super::fixed_variables::is_fixed;
use crate::binding::refuse_at;
use crate::binding::{Call, Namespace, bindings};
use crate::extension::Tls;
use crate::lua::raise_at;
use crate::message::headers::{self, Refused};
use crate::message::uri;
use crate::phase::Phase;
use crate::transaction::{Request, RequestBody, Transaction};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.var",
    bindings: bindings! {
        "VARIABLE", super::REQUEST, calls get;
        "VARIABLE =", super::REQUEST, calls set;
    },
};

fn get(call: &mut Call<'_>, name: Value) -> mlua::Result<Value> {
    let name = match name {
        Value::String(name) => name.to_string_lossy().to_ascii_lowercase(),
        // Captures of a location's regular expression: there is none.
        Value::Integer(_) | Value::Number(_) => return Ok(Value::Nil),
        _ => return Err(raise_at(call.lua, "bad variable name")),
    };
    let value = match name.split_once('_') {
        Some(("arg", name)) => arg(call, name),
        Some(("cookie", name)) => cookie(call, name),
        Some(("http", "host")) => header(call, "host"),
        Some(("http", name)) => joined(call.tx.request.headers(), name),
        Some(("sent", rest)) if rest.starts_with("http_") => {
            joined(call.tx.response.headers(), &rest[5..])
        }
        Some(("upstream", rest)) if rest.starts_with("http_") => upstream_header(call, &rest[5..]),
        Some(("upstream", rest)) if rest.starts_with("cookie_") => {
            upstream_cookie(call, &rest[7..])
        }
        _ => plain(call, &name)?,
    };
    value.map_or(Ok(Value::Nil), |value| Ok(Value::String(call.string(value)?)))
}

/// A variable whose name is all of it.
fn plain(call: &mut Call<'_>, name: &str) -> mlua::Result<Option<Vec<u8>>> {
    if let "time_iso8601" | "time_local" = name {
        return time(call, name).map(Some);
    }
    let text = of_request(call, name)
        .or_else(|| of_connection(call, name))
        .or_else(|| of_response(call, name))
        .or_else(|| of_process(call, name));
    let value = text.map(String::into_bytes).or_else(|| bytes(call, name));
    Ok(value.or_else(|| settable(call, name)))
}

fn of_request(call: &Call<'_>, name: &str) -> Option<String> {
    let request = &call.tx.request;
    match name {
        "args" | "query_string" => request.query().map(str::to_owned),
        "host" => Some(request.host_or_server(call.settings)),
        "is_args" => {
            Some(if request.query().unwrap_or_default().is_empty() { "" } else { "?" }.to_owned())
        }
        "kong_request_id" | "request_id" => Some(request.id().as_str().to_owned()),
        "request" => {
            let (method, uri) = (request.method(), request.original_path_and_query());
            Some(format!("{method} {uri} {:?}", request.version()))
        }
        "request_body_file" => call.tx.body_file().map(str::to_owned),
        "request_length" => Some(request.length().to_string()),
        "request_method" => Some(request.method().to_string()),
        "request_uri" => Some(request.original_path_and_query().to_owned()),
        _ => None,
    }
}

fn of_connection(call: &Call<'_>, name: &str) -> Option<String> {
    let request = &call.tx.request;
    let connection = request.connection();
    match name {
        "http2" => Some(if request.version() == Version::HTTP_2 { "h2" } else { "" }.to_owned()),
        "https" => Some(if request.scheme() == "https" { "on" } else { "" }.to_owned()),
        "realip_remote_addr" => Some(connection?.peer_addr().ip().to_string()),
        "remote_addr" => request.client_ip(call.settings).map(|address| address.to_string()),
        "remote_port" | "realip_remote_port" => Some(connection?.peer_addr().port().to_string()),
        "scheme" => Some(request.scheme().to_owned()),
        "server_addr" => Some(connection?.local_addr()?.ip().to_string()),
        "server_port" => Some(request.port().to_string()),
        "server_protocol" => Some(format!("{:?}", request.version())),
        "ssl_server_name" => request.tls().and_then(Tls::server_name).map(str::to_owned),
        _ => None,
    }
}

fn of_response(call: &Call<'_>, name: &str) -> Option<String> {
    let (request, response) = (&call.tx.request, &call.tx.response);
    match name {
        "body_bytes_sent" => Some(response.body_bytes.to_string()),
        "bytes_sent" => Some(response.length().to_string()),
        "request_completion" => {
            Some(if call.tx.site.phase == Phase::Log { "OK" } else { "" }.to_owned())
        }
        "request_time" => Some(format!("{:.3}", call.tx.age().as_secs_f64())),
        "status" => Some(format!("{:03}", response.status())),
        "upstream_addr" => addresses(call),
        "upstream_header_time" | "upstream_response_time" => {
            let times = call.tx.times();
            let waited = times.answered.zip(times.called).map(|(end, start)| end - start);
            waited.map(|waited| format!("{:.3}", waited.as_secs_f64()))
        }
        "upstream_scheme" => Some(request.upstream.scheme().unwrap_or(request.scheme()).to_owned()),
        "upstream_status" => response.service_status().map(|status| status.to_string()),
        "upstream_uri" => Some(request.upstream_path().to_owned()),
        _ => None,
    }
}

/// Where the request was sent, one address after the other.
fn addresses(call: &Call<'_>) -> Option<String> {
    let tries = call.tx.tries()?;
    let addresses: Vec<_> = tries.iter().map(|one| one.addr.to_string()).collect();
    (!addresses.is_empty()).then(|| addresses.join(", "))
}

fn of_process(call: &Call<'_>, name: &str) -> Option<String> {
    match name {
        "hostname" => Some(std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".to_owned())),
        "msec" => {
            let now = call.tx.started_at() + call.tx.age();
            Some(format!("{:.3}", now.as_secs_f64()))
        }
        "nginx_version" => Some("1.27.1".to_owned()),
        "pid" => Some(std::process::id().to_string()),
        "server_name" => Some(call.settings.server_name.clone()),
        _ => None,
    }
}

/// Those that need not be text.
fn bytes(call: &Call<'_>, name: &str) -> Option<Vec<u8>> {
    let request = &call.tx.request;
    match name {
        "binary_remote_addr" => Some(match request.client_ip(call.settings)? {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        }),
        "content_length" => header(call, "content-length"),
        "content_type" => header(call, "content-type"),
        "proxy_add_x_forwarded_for" => forwarded_for(call),
        "remote_user" => remote_user(request),
        "request_body" => match &request.body {
            RequestBody::Read(body) | RequestBody::Replaced(body) if !body.is_empty() => {
                Some(body.to_vec())
            }
            _ => None,
        },
        "upstream_host" => header(call, "host"),
        "uri" | "document_uri" => Some(uri::decode_path(request.path().as_bytes())),
        _ => None,
    }
}

/// The variables of Kong's configuration, which are empty until they are set.
const SETTABLE: [&str; 4] = ["ctx_ref", "limit_rate", "upstream_connection", "upstream_upgrade"];

/// Those that become headers of what the service gets.
static HEADERS: [(&str, HeaderName); 8] = [
    ("upstream_te", TE),
    ("upstream_via", VIA),
    ("upstream_x_forwarded_for", HeaderName::from_static("x-forwarded-for")),
    ("upstream_x_forwarded_host", HeaderName::from_static("x-forwarded-host")),
    ("upstream_x_forwarded_path", HeaderName::from_static("x-forwarded-path")),
    ("upstream_x_forwarded_port", HeaderName::from_static("x-forwarded-port")),
    ("upstream_x_forwarded_prefix", HeaderName::from_static("x-forwarded-prefix")),
    ("upstream_x_forwarded_proto", HeaderName::from_static("x-forwarded-proto")),
];

fn header_named(variable: &str) -> Option<&'static HeaderName> {
    HEADERS.iter().find(|(name, _)| *name == variable).map(|(_, header)| header)
}

fn settable(call: &Call<'_>, name: &str) -> Option<Vec<u8>> {
    if let Some(header) = header_named(name) {
        let mut headers = call.tx.request.upstream.headers();
        if let Some((_, value)) = headers.find(|(key, _)| *key == header) {
            return Some(value.as_bytes().to_vec());
        }
        let forwarded = if name == "upstream_x_forwarded_for" { forwarded_for(call) } else { None };
        return Some(forwarded.unwrap_or_default());
    }
    let set = call.tx.rare().and_then(|rare| rare.variables.get(name));
    match set {
        Some(value) => Some(value.to_vec()),
        None if name == "kong_proxy_mode" => Some(b"http".to_vec()),
        None => SETTABLE.contains(&name).then(Vec::new),
    }
}

/// What the proxies before have said of the client, and who is the last of them.
fn forwarded_for(call: &Call<'_>) -> Option<Vec<u8>> {
    let peer = call.tx.request.connection()?.peer_addr().ip().to_string();
    let before = joined(call.tx.request.headers(), "x-forwarded-for");
    Some(match before {
        Some(before) => [&before[..], peer.as_bytes()].join(&b", "[..]),
        None => call.tx.request.client_ip(call.settings)?.to_string().into_bytes(),
    })
}

/// The name in `Authorization: Basic`.
fn remote_user(request: &Request) -> Option<Vec<u8>> {
    let credentials = request.headers().get(AUTHORIZATION)?.as_bytes();
    let (scheme, encoded) = credentials.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let decoded = super::string::decode(encoded.trim_ascii())?;
    let end = decoded.iter().position(|&byte| byte == b':')?;
    Some(decoded[..end].to_vec())
}

fn time(call: &Call<'_>, name: &str) -> mlua::Result<Vec<u8>> {
    let format = if name == "time_local" { "%d/%b/%Y:%H:%M:%S %z" } else { "%Y-%m-%dT%H:%M:%S%z" };
    let mut text = super::time::date(call, format)?.to_string_lossy();
    if name == "time_iso8601" && text.len() > 2 {
        // nginx writes the offset with a colon, `strftime` without.
        text.insert(text.len() - 2, ':');
    }
    Ok(text.into_bytes())
}

/// The value of a query argument as it stands, not decoded.
fn arg(call: &Call<'_>, name: &str) -> Option<Vec<u8>> {
    let mut args = call.tx.request.query()?.split('&');
    args.find_map(|arg| {
        let (key, value) = arg.split_once('=')?;
        key.eq_ignore_ascii_case(name).then(|| value.as_bytes().to_vec())
    })
}

fn cookie(call: &Call<'_>, name: &str) -> Option<Vec<u8>> {
    let headers = headers::get_all(call.tx.request.headers(), b"cookie");
    let mut cookies = headers.flat_map(|header| header.as_bytes().split(|&byte| byte == b';'));
    cookies.find_map(|cookie| {
        let cookie = cookie.trim_ascii();
        let end = cookie.iter().position(|&byte| byte == b'=')?;
        let is_wanted = cookie[..end].eq_ignore_ascii_case(name.as_bytes());
        is_wanted.then(|| cookie[end + 1..].to_vec())
    })
}

/// The first value of a header of the request's.
fn header(call: &Call<'_>, name: &str) -> Option<Vec<u8>> {
    call.tx.request.header(name.as_bytes()).map(|value| value.as_bytes().to_vec())
}

/// All values of a header, in one text.
fn joined(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    join(headers::get_all(headers, name.as_bytes()), name)
}

fn upstream_header(call: &Call<'_>, name: &str) -> Option<Vec<u8>> {
    let headers = call.tx.response.service_headers();
    let named = headers.filter(|(key, _)| headers::same_name(key, name.as_bytes()));
    join(named.map(|(_, value)| value), name)
}

/// The value of a cookie that the service has set.
fn upstream_cookie(call: &Call<'_>, name: &str) -> Option<Vec<u8>> {
    let mut headers = call.tx.response.service_headers().filter(|(key, _)| *key == SET_COOKIE);
    headers.find_map(|(_, value)| {
        let cookie = value.as_bytes().split(|&byte| byte == b';').next()?;
        let end = cookie.iter().position(|&byte| byte == b'=')?;
        let is_wanted = cookie[..end].trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        is_wanted.then(|| cookie[end + 1..].to_vec())
    })
}

fn join<'a>(values: impl Iterator<Item = &'a HeaderValue>, name: &str) -> Option<Vec<u8>> {
    let values: Vec<_> = values.map(HeaderValue::as_bytes).collect();
    let separator = if name == "cookie" { &b"; "[..] } else { b", " };
    (!values.is_empty()).then(|| values.join(separator))
}

fn set(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    let Value::String(name) = name else {
        return Err(raise_at(call.lua, "bad variable name"));
    };
    let name = name.to_string_lossy().to_ascii_lowercase();
    let value = if value.is_nil() { call.string("")? } else { tostring(call, value)? };
    set_text(call, &name, &value.as_bytes())
}

/// Sets the variable `name`, in lower case.
pub(super) fn set_text(call: &mut Call<'_>, name: &str, value: &[u8]) -> mlua::Result<()> {
    assign(call.tx, name, value).map_err(|why| why.raise(call, name))
}

/// Why a variable cannot have a value.
pub(crate) enum Unset {
    /// There is none of the name that could be set.
    Unknown,
    /// It is what nginx says it is.
    Fixed,
    Unfit(String),
    Refused(Refused),
}

/// Gives the variable `name`, in lower case, the value `value`.
pub(crate) fn assign(tx: &mut Transaction, name: &str, value: &[u8]) -> Result<(), Unset> {
    let text = || String::from_utf8_lossy(value);
    let unfit = |why: http::Error| Unset::Unfit(why.to_string());
    match name {
        "args" => tx.request.set_query(value).map_err(unfit)?,
        "upstream_uri" => tx.request.set_upstream_path(text().into_owned()).map_err(unfit)?,
        "upstream_scheme" => {
            let scheme = if value == b"https" { "https" } else { "http" };
            tx.request.upstream.scheme = Some(scheme);
        }
        "upstream_host" => tx.request.set_header(&HOST.into(), [value], &mut tx.share)?,
        name => match (header_named(name), known(name)) {
            (Some(header), _) => tx.request.upstream.set_header(header, value, &mut tx.share)?,
            (None, Some(known)) => {
                let value = tx.share.keep_one(value).map_err(|_| Refused::OutOfMemory)?;
                tx.rare_mut().variables.insert(known, value);
            }
            (None, None) if is_fixed(name) => return Err(Unset::Fixed),
            (None, None) => return Err(Unset::Unknown),
        },
    }
    if let Some(subrequest) = tx.rare().and_then(|rare| rare.subrequest.as_ref())
        && subrequest.shares()
    {
        let subrequest = Arc::clone(subrequest);
        let value = tx.share.keep(value).map_err(|_| Refused::OutOfMemory)?;
        subrequest.note(name, &value);
    }
    Ok(())
}

/// The variable `name`, if it is one of Kong's configuration that nothing but functions looks at.
fn known(name: &str) -> Option<&'static str> {
    let of_kong = SETTABLE.iter().chain(&["kong_proxy_mode"]);
    of_kong.copied().find(|known| *known == name)
}

/// Whether a function can set the variable `name`.
pub(super) fn is_settable(name: &str) -> bool {
    matches!(name, "args" | "upstream_uri" | "upstream_scheme" | "upstream_host")
        || header_named(name).is_some()
        || known(name).is_some()
}

/// The variables that functions have set, but for the query's: that is a request's own.
pub(super) fn set_by_functions(tx: &Transaction) -> Vec<(String, Bytes)> {
    let upstream = &tx.request.upstream;
    let of = |name: &str, value: &[u8]| (name.to_owned(), Bytes::copy_from_slice(value));
    let headers = upstream.headers().filter_map(|(header, value)| {
        let (name, _) = HEADERS.iter().find(|(_, known)| known == header)?;
        Some(of(name, value.as_bytes()))
    });
    let plain = tx.rare().into_iter().flat_map(|rare| &rare.variables);
    let plain = plain.map(|(name, value)| ((*name).to_owned(), value.clone()));
    let scheme = upstream.scheme.map(|scheme| of("upstream_scheme", scheme.as_bytes()));
    headers.chain(plain).chain(scheme).collect()
}

impl Unset {
    #[cold]
    fn raise(self, call: &Call<'_>, name: &str) -> mlua::Error {
        match self {
            Self::Refused(why) => refuse_at(call.lua, why),
            Self::Fixed => raise_at(call.lua, &format!("variable \"{name}\" not changeable")),
            Self::Unfit(why) => raise_at(call.lua, &format!("variable \"{name}\": {why}")),
            Self::Unknown => raise_at(
                call.lua,
                &format!(
                    "variable \"{name}\" not found for writing; maybe it is a built-in variable \
                     that is not changeable or you forgot to use \"set ${name} '';\" in the config \
                     file to define it first"
                ),
            ),
        }
    }
}

impl From<Refused> for Unset {
    fn from(why: Refused) -> Self {
        Self::Refused(why)
    }
}
