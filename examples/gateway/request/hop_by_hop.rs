//! Headers that are between two neighbours only (RFC 9110, section 7.6.1).

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// What the sender says of this connection: names of headers, `close`, `keep-alive`, `upgrade`.
pub(crate) fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::CONNECTION).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Removes what the sender has called its neighbour's business (RFC 9110, section 7.6.1), but for
/// what a message would not be itself without. What is always the neighbour's business stays.
pub(crate) fn remove_named_by_connection(headers: &mut HeaderMap) {
    let mut said = headers.get_all(header::CONNECTION).iter();
    let is_usual = |value: &HeaderValue| matches!(value.as_bytes(), b"keep-alive" | b"close");
    // Nearly all say nothing, or one of these.
    if said.next().is_none_or(is_usual) && said.next().is_none() {
        return;
    }
    let named: Vec<HeaderName> = connection_options(headers)
        .filter(|name| !matches!(*name, "" | "close" | "keep-alive" | "upgrade"))
        .filter_map(|name| name.parse().ok())
        .filter(|name| !is_vital(name) && !HOP_BY_HOP.contains(name))
        .collect();
    for name in named {
        headers.remove(name);
    }
}

/// What is between two neighbours only, by whatever name `Connection` has for it.
pub(crate) static HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    // hyper has answered it, or will when the body is asked for.
    header::EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
];

/// Removes those of [`HOP_BY_HOP`] that are there, but for one.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap, kept: Option<&HeaderName>) {
    // One look at each name that is there costs less than one for each that might be.
    let mut found = [false; HOP_BY_HOP.len()];
    for name in headers.keys() {
        if let Some(at) = place(name) {
            found[at] = true;
        }
    }
    let found = HOP_BY_HOP.iter().zip(found).filter(|(_, found)| *found);
    for (name, _) in found.filter(|(name, _)| Some(*name) != kept) {
        headers.remove(name);
    }
}

/// The place of a name in [`HOP_BY_HOP`]. Text is compared by its length first, and most names have another.
fn place(name: &HeaderName) -> Option<usize> {
    Some(match name.as_str() {
        "connection" => 0,
        "transfer-encoding" => 1,
        "upgrade" => 2,
        "expect" => 3,
        "keep-alive" => 4,
        "proxy-connection" => 5,
        "te" => 6,
        _ => return None,
    })
}

/// Whether a request would not be itself without the header, whatever `Connection` says of it.
fn is_vital(name: &HeaderName) -> bool {
    // A client must not have the gateway forget who it is.
    *name == "x-forwarded-for"
        || [header::HOST, header::CONTENT_LENGTH, header::CONTENT_TYPE, header::AUTHORIZATION]
            .contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_at_its_place() {
        for (at, name) in HOP_BY_HOP.iter().enumerate() {
            assert_eq!(place(name), Some(at), "{name}");
        }
        assert_eq!(place(&header::EXPIRES), None);
        assert_eq!(place(&header::VIA), None);
    }
}
