//! What becomes of a response's headers.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{BoxError, Config, split};

/// What is to be done, in this order.
pub(super) struct OfHeaders {
    remove: Vec<HeaderName>,
    rename: Vec<(HeaderName, HeaderName)>,
    replace: Vec<(HeaderName, HeaderValue)>,
    add: Vec<(HeaderName, HeaderValue)>,
    append: Vec<(HeaderName, HeaderValue)>,
}

impl OfHeaders {
    pub(super) fn new(config: &Config) -> Result<Self, BoxError> {
        let values = |steps: &[String]| pairs(steps, HeaderValue::from_bytes);
        let names: Result<_, _> =
            config.remove.headers.iter().map(|step| name(split(step).0)).collect();
        Ok(Self {
            remove: names?,
            rename: pairs(&config.rename.headers, HeaderName::from_bytes)?,
            replace: values(&config.replace.headers)?,
            add: values(&config.add.headers)?,
            append: values(&config.append.headers)?,
        })
    }

    /// Whether a header is there is asked of the response as it came, as Kong does: one that is removed
    /// is not added again.
    pub(super) fn transform(&self, headers: &mut HeaderMap) {
        let Self { remove, rename, replace, add, append } = self;
        let steps = [remove.len(), rename.len(), replace.len(), add.len(), append.len()];
        if steps == [0; 5] {
            return;
        }
        let before = headers.clone();
        for name in remove {
            headers.remove(name);
        }
        for (old, new) in rename.iter().filter(|(old, new)| old != new) {
            if !before.contains_key(old) {
                continue;
            }
            headers.remove(old);
            headers.remove(new);
            for value in before.get_all(old) {
                headers.append(new, value.clone());
            }
        }
        let is_there = |name: &HeaderName| before.contains_key(name);
        let replaced = replace.iter().filter(|(name, _)| is_there(name));
        for (name, value) in replaced.chain(add.iter().filter(|(name, _)| !is_there(name))) {
            headers.insert(name, value.clone());
        }
        for (name, value) in append {
            headers.append(name, value.clone());
        }
    }
}

/// Names and what `value` makes of their values. What has none is left out.
fn pairs<V, E: std::fmt::Display>(
    steps: &[String],
    value: fn(&[u8]) -> Result<V, E>,
) -> Result<Vec<(HeaderName, V)>, BoxError> {
    let valued = steps.iter().map(|step| split(step));
    let valued = valued.filter_map(|(name, value)| Some((name, value?)));
    let pair = |(of, text): (&str, &str)| {
        let wrong = |error| format!("response-transformer: header '{of}': '{text}': {error}");
        Ok((name(of)?, value(text.as_bytes()).map_err(wrong)?))
    };
    valued.map(pair).collect()
}

fn name(text: &str) -> Result<HeaderName, BoxError> {
    Ok(text.parse().map_err(|_| format!("response-transformer: '{text}' is no header's name"))?)
}
