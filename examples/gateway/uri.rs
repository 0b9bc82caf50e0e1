//! Paths between the client and the service.

use crate::routes::Service;

/// A path without doubled slashes and dot segments, as routes are matched against.
pub(crate) fn normalize(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let ends_in_directory = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    let slash = if ends_in_directory && !segments.is_empty() { "/" } else { "" };
    format!("/{}{slash}", segments.join("/"))
}

/// The path that the service gets: its own, then the request's, without the `stripped` bytes that
/// the route matched.
pub(crate) fn upstream_path(service: &Service, path: &str, stripped: usize) -> String {
    let path = normalize(path);
    let rest = path.get(stripped..).unwrap_or_default();
    let base = &service.path;
    match (base.is_empty(), rest.is_empty()) {
        (true, true) => "/".to_owned(),
        (false, true) => base.clone(),
        _ if rest.starts_with('/') => format!("{}{rest}", base.trim_end_matches('/')),
        _ if base.ends_with('/') => format!("{base}{rest}"),
        _ => format!("{base}/{rest}"),
    }
}
