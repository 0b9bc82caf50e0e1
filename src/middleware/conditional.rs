//! Conditional requests for responses that functions have made (RFC 9110, section 13), as nginx
//! answers them: 304 where the client has it already, 412 where it asked for something else.

use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::transaction::Transaction;

/// What the conditions of a request make of its response.
enum Verdict {
    /// The client has asked for something else.
    Failed,
    /// The client has it already.
    Known,
}

/// Makes the response another where the conditions of the request say so. Whether they do.
pub(super) fn apply(transaction: &mut Transaction) -> bool {
    let verdict = verdict(transaction);
    match verdict {
        None => {}
        Some(Verdict::Failed) => {
            let failed = StatusCode::PRECONDITION_FAILED.as_u16();
            let page = transaction.page_for_exit(failed);
            let response = &mut transaction.response;
            response.clear_body();
            response.set_status(failed);
            if let Some(page) = page {
                response.put(CONTENT_TYPE, page.content_type);
                response.end_with(page.body, true);
            }
        }
        Some(Verdict::Known) => {
            let response = &mut transaction.response;
            response.clear_body();
            response.set_status(StatusCode::NOT_MODIFIED.as_u16());
            for name in [CONTENT_TYPE, CONTENT_ENCODING, ACCEPT_RANGES] {
                response.remove_header(&name);
            }
        }
    }
    verdict.is_some()
}

fn verdict(transaction: &Transaction) -> Option<Verdict> {
    let response = &transaction.response;
    if response.status() != 200 || response.ignores_conditions {
        return None;
    }
    let (asked, made) = (transaction.request.headers(), response.headers());
    if fails(asked, made) {
        return Some(Verdict::Failed);
    }
    is_known(asked, made).then_some(Verdict::Known)
}

/// Whether the client wants this only if it is something else than it is.
fn fails(asked: &HeaderMap, made: &HeaderMap) -> bool {
    let unmodified = asked.get(IF_UNMODIFIED_SINCE).and_then(time);
    let changed = unmodified.is_some_and(|since| {
        made.get(LAST_MODIFIED).and_then(time).is_some_and(|modified| modified > since)
    });
    changed || (asked.contains_key(IF_MATCH) && !matches(asked, &IF_MATCH, made, Compare::Strongly))
}

/// Whether the client has what the response is.
fn is_known(asked: &HeaderMap, made: &HeaderMap) -> bool {
    let since = asked.get(IF_MODIFIED_SINCE);
    let asks_for_tag = asked.contains_key(IF_NONE_MATCH);
    if since.is_none() && !asks_for_tag {
        return false;
    }
    // nginx's `if_modified_since exact`: a copy of another time is another copy.
    let is_same_time = |since| {
        made.get(LAST_MODIFIED).and_then(time).is_some_and(|modified| time(since) == Some(modified))
    };
    since.is_none_or(is_same_time)
        && (!asks_for_tag || matches(asked, &IF_NONE_MATCH, made, Compare::Weakly))
}

/// How entity tags are compared: weakly, `W/"a"` and `"a"` are the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compare {
    Strongly,
    Weakly,
}

/// Whether one of the entity tags in the header `name` is that of the response.
fn matches(asked: &HeaderMap, name: &HeaderName, made: &HeaderMap, compare: Compare) -> bool {
    let lists = asked.get_all(name).iter().map(|list| list.as_bytes().trim_ascii());
    let mut lists = lists.peekable();
    if lists.peek() == Some(&&b"*"[..]) {
        return true;
    }
    let Some(tag) = made.get(ETAG).map(HeaderValue::as_bytes) else { return false };
    let opaque = |tag| match compare {
        Compare::Strongly => tag,
        Compare::Weakly => <[u8]>::strip_prefix(tag, b"W/").unwrap_or(tag),
    };
    let mut tags = lists.flat_map(|list| list.split(|&byte| byte == b','));
    tags.any(|one| opaque(one.trim_ascii()) == opaque(tag))
}

fn time(value: &HeaderValue) -> Option<std::time::SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}
