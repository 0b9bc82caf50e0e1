//! [`Control`]: what `Cache-Control` says.

use std::time::SystemTime;

use http::header::{CACHE_CONTROL, EXPIRES};
use http::{HeaderMap, HeaderValue};

/// The directives of a message.
pub(super) struct Control<'a>(Vec<(&'a str, Option<&'a str>)>);

impl<'a> Control<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let lists = headers.get_all(CACHE_CONTROL).iter().filter_map(|list| list.to_str().ok());
        let directives = lists.flat_map(|list| list.split(','));
        let pairs = directives.map(|directive| match directive.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
            None => (directive.trim(), None),
        });
        Self(pairs.collect())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    pub(super) fn seconds(&self, name: &str) -> Option<u64> {
        let (_, value) = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        (*value)?.parse().ok()
    }

    /// For how many seconds a response with these headers is good.
    pub(super) fn lifetime(&self, headers: &HeaderMap) -> u64 {
        let named = self.seconds("s-maxage").or_else(|| self.seconds("max-age"));
        named.or_else(|| until(headers.get(EXPIRES)?)).unwrap_or_default()
    }
}

/// Seconds from now to a date.
fn until(date: &HeaderValue) -> Option<u64> {
    let date = httpdate::parse_http_date(date.to_str().ok()?).ok()?;
    Some(date.duration_since(SystemTime::now()).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_have_values_or_none() {
        let mut headers = HeaderMap::new();
        headers.append(CACHE_CONTROL, HeaderValue::from_static("Public, max-age=\"7\""));
        headers.append(CACHE_CONTROL, HeaderValue::from_static("s-maxage=x,no-store"));
        let control = Control::of(&headers);
        assert!(control.has("public") && control.has("no-store") && !control.has("private"));
        assert_eq!((control.seconds("max-age"), control.seconds("s-maxage")), (Some(7), None));
        assert_eq!(control.lifetime(&headers), 7);
    }

    #[test]
    fn a_date_says_how_long_where_nothing_else_does() {
        let in_a_minute = SystemTime::now() + std::time::Duration::from_secs(60);
        let date = httpdate::fmt_http_date(in_a_minute);
        let headers = HeaderMap::from_iter([(EXPIRES, date.parse().unwrap())]);
        let lifetime = Control::of(&headers).lifetime(&headers);
        assert!((50..=60).contains(&lifetime), "{lifetime}");
        let past = HeaderMap::from_iter([(EXPIRES, HeaderValue::from_static("0"))]);
        assert_eq!(Control::of(&past).lifetime(&past), 0);
    }
}
