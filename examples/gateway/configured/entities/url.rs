//! URLs as entities have them, in fields.

use http::Uri;
use serde_json::Value;

use crate::configured::schema::Object;

/// Protocol, host, port and path of a URL; nothing, where it has no scheme or no host.
pub(super) fn url_fields(url: &str) -> Option<Object> {
    let uri: Uri = url.trim().parse().ok()?;
    let (protocol, host) = (uri.scheme_str()?, uri.host().filter(|host| !host.is_empty())?);
    let default_port = if ["https", "grpcs"].contains(&protocol) { 443 } else { 80 };
    let path = Some(uri.path()).filter(|path| !path.is_empty());
    // `http://host` has the path `/` for `Uri`, and none for Kong.
    let path = path.filter(|path| *path != "/" || url.trim().ends_with('/'));
    let fields = [
        ("protocol", protocol.into()),
        ("host", host.into()),
        ("port", uri.port_u16().unwrap_or(default_port).into()),
        ("path", path.map_or(Value::Null, Value::from)),
    ];
    Some(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
