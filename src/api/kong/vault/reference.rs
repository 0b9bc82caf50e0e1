//! References to secrets: `{vault://env/name/key?prefix=KONG_#1}`.

use crate::message::uri;

/// A reference in its parts.
#[derive(Debug, PartialEq)]
pub(super) struct Reference {
    /// The vault's.
    pub(super) name: String,
    pub(super) resource: Vec<u8>,
    /// The field of a resource that is an object.
    pub(super) key: Option<Vec<u8>>,
    pub(super) query: Option<String>,
    pub(super) version: Option<f64>,
}

/// Whether a text has the form of a reference.
pub(super) fn is_reference(text: &[u8]) -> bool {
    text.starts_with(b"{vault://") && text.ends_with(b"}")
}

impl Reference {
    /// Takes apart a text that has the form of a reference.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn parse(reference: &str) -> Result<Self, String> {
        let fault = |what: &str| format!("reference {what} [{reference}]");
        let url = reference.strip_prefix("{vault://").unwrap_or_default();
        let url = url.strip_suffix('}').unwrap_or_default();
        let (url, fragment) = split(url, '#');
        let (authority, rest) = url.split_at(url.find('/').unwrap_or(url.len()));
        let name = host(authority).ok_or_else(|| fault("url is missing host"))?;
        let (path, query) = split(rest, '?');
        let (path, _params) = split(path, ';');
        if path.is_empty() {
            return Err(fault("url is missing path"));
        }
        let resource = &path[1..];
        if resource.is_empty() {
            return Err(fault("url has empty path"));
        }
        let version = fragment.map(|version| {
            let number = version.trim().parse().ok().filter(|number: &f64| number.is_finite());
            number.ok_or_else(|| fault("url has invalid version"))
        });
        let version = version.transpose()?;
        let mut parts: Vec<_> =
            resource.split('/').filter(|part| !part.is_empty()).map(unescape).collect();
        let names_field = parts.len() > 1 && !resource.ends_with('/');
        let key = names_field.then(|| parts.pop()).flatten();
        if parts.is_empty() {
            return Err(fault("url has invalid path"));
        }
        let query = query.filter(|query| !query.is_empty()).map(str::to_owned);
        Ok(Self { name: name.to_owned(), resource: parts.join(&b'/'), key, query, version })
    }

    /// The environment variable that the `env` vault looks for. The reference's own `prefix` comes
    /// before the `configured` one.
    pub(super) fn variable(&self, configured: Option<&str>) -> String {
        let own = uri::args(self.query.as_deref().unwrap_or_default().as_bytes())
            .find(|(name, _)| **name == *b"prefix")
            .and_then(|(_, value)| Some(String::from_utf8_lossy(&value?).into_owned()))
            .filter(|prefix| is_prefix(prefix));
        let prefix = own.as_deref().or(configured).unwrap_or_default();
        let resource = String::from_utf8_lossy(&self.resource);
        let previous = if self.version == Some(2.0) { "_PREVIOUS" } else { "" };
        format!("{prefix}{resource}").replace('-', "_").to_ascii_uppercase() + previous
    }
}

fn split(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// The host of an authority, without user and port.
fn host(authority: &str) -> Option<&str> {
    let host = authority.split_once('@').map_or(authority, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => host,
    };
    Some(host.trim_start_matches('[').trim_end_matches(']')).filter(|host| !host.is_empty())
}

fn unescape(part: &str) -> Vec<u8> {
    uri::unescape(part.as_bytes()).into_owned()
}

/// Whether a variable's name may begin with this.
fn is_prefix(prefix: &str) -> bool {
    let is_start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let mut bytes = prefix.bytes();
    bytes.next().is_some_and(is_start) && bytes.all(|byte| is_start(byte) || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_the_names_that_the_env_vault_gives_them() {
        for (reference, configured, expected) in [
            ("{vault://env/my-secret}", None, "MY_SECRET"),
            ("{vault://env/my-secret/field}", None, "MY_SECRET"),
            ("{vault://env/a/b/}", None, "A/B"),
            ("{vault://env/name?prefix=KONG_}", None, "KONG_NAME"),
            ("{vault://env/name?prefix=KONG_}", Some("other_"), "KONG_NAME"),
            ("{vault://env/name?prefix=1-}", Some("other_"), "OTHER_NAME"),
            ("{vault://env/name}", Some("other_"), "OTHER_NAME"),
            ("{vault://env/name#1}", None, "NAME"),
            ("{vault://env/name#2}", None, "NAME_PREVIOUS"),
        ] {
            let parsed = Reference::parse(reference).unwrap();
            assert_eq!(parsed.variable(configured), expected, "{reference}");
        }
    }
}
