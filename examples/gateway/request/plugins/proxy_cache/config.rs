//! What `proxy-cache` is told, under Kong's names.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(in crate::request::plugins) struct Config {
    pub(super) response_code: Vec<u16>,
    pub(super) request_method: Vec<String>,
    pub(super) content_type: Vec<String>,
    pub(super) cache_ttl: u64,
    pub(super) cache_control: bool,
    pub(super) ignore_uri_case: bool,
    pub(super) storage_ttl: Option<u64>,
    pub(super) vary_query_params: Vec<String>,
    pub(super) vary_headers: Vec<String>,
    pub(super) response_headers: Shown,
}

/// Which headers tell of the cache.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    age: bool,
    /// As some versions of Kong write it.
    #[serde(rename = "Age")]
    other_age: Option<bool>,
    #[serde(rename = "X-Cache-Status")]
    pub(super) status: bool,
    #[serde(rename = "X-Cache-Key")]
    pub(super) key: bool,
}

impl Default for Config {
    fn default() -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            response_code: vec![200, 301, 404],
            request_method: texts(&["GET", "HEAD"]),
            content_type: texts(&["text/plain", "application/json"]),
            cache_ttl: 300,
            cache_control: false,
            ignore_uri_case: false,
            storage_ttl: None,
            vary_query_params: Vec::new(),
            vary_headers: texts(&["Accept-Encoding"]),
            response_headers: Shown::default(),
        }
    }
}

impl Shown {
    pub(super) fn age(self) -> bool {
        self.other_age.unwrap_or(self.age)
    }
}

impl Default for Shown {
    fn default() -> Self {
        Self { age: true, other_age: None, status: true, key: true }
    }
}
