//! What somebody has left, and the headers that say so.

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::BoxError;

/// What a limit has left for somebody.
pub(super) struct Usage {
    pub(super) limit: u64,
    pub(super) remaining: u64,
    /// Seconds until there is more.
    pub(super) reset: u64,
}

/// The headers of a period.
pub(super) struct Names {
    limit: HeaderName,
    remaining: HeaderName,
}

impl Names {
    pub(super) fn of(period: &str) -> Result<Self, BoxError> {
        Ok(Self {
            limit: format!("x-ratelimit-limit-{period}").parse()?,
            remaining: format!("x-ratelimit-remaining-{period}").parse()?,
        })
    }
}

/// The headers for a response: those of the periods, the longest first, and those of the one that has
/// the least left.
pub(super) fn headers<'a>(
    usages: impl IntoIterator<Item = (&'a Names, Usage)>,
    passes: bool,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut tightest: Option<Usage> = None;
    for (names, usage) in usages {
        headers.insert(names.limit.clone(), usage.limit.into());
        headers.insert(names.remaining.clone(), usage.remaining.into());
        if tightest.as_ref().is_none_or(|tightest| usage.remaining < tightest.remaining) {
            tightest = Some(usage);
        }
    }
    if let Some(Usage { limit, remaining, reset }) = tightest {
        headers.insert(HeaderName::from_static("ratelimit-limit"), limit.into());
        headers.insert(HeaderName::from_static("ratelimit-remaining"), remaining.into());
        headers.insert(HeaderName::from_static("ratelimit-reset"), reset.into());
        if !passes {
            headers.insert(RETRY_AFTER, HeaderValue::from(reset));
        }
    }
    headers
}
