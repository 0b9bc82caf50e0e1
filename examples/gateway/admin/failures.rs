//! `/functions/failures`: the last failures of each function.

use std::time::Duration;

use serde_json::{Value, json};

use super::list::Page;
use super::{Answered, Call};
use crate::in_force::failures::{Failure, Owner};

/// The newest first, of one plugin if the query says so.
pub(super) fn answer(call: &Call<'_>) -> Answered {
    let page = Page::new(call)?;
    let is_wanted = |owner: &Option<Owner>| {
        let id = owner.as_ref().map(|(id, _)| id.as_str());
        page.plugin.as_ref().is_none_or(|plugin| id == Some(&plugin.to_ascii_lowercase()))
    };
    let failures = call.admin.failures.all().into_iter().filter(|(owner, _)| is_wanted(owner));
    // What a page goes on behind: higher numbers come first.
    let marked = failures
        .map(|(owner, failure)| (format!("{:020}", u64::MAX - failure.number), (owner, failure)));
    Ok(page.answer("/functions/failures", marked, |(owner, failure)| shown(owner, &failure)))
}

fn shown(owner: Option<Owner>, failure: &Failure) -> Value {
    let (id, name) = owner.unzip();
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (chunk, line) = failure.position.clone().unzip();
    json!({
        "plugin": id.map(|id| json!({ "id": id })),
        "plugin_name": name.as_deref().unwrap_or(failure.plugin.name()),
        "functions": failure.set,
        "phase": failure.phase.name(),
        "function": failure.function,
        "kind": failure.kind,
        "message": failure.message,
        "traceback": text(&failure.traceback),
        "chunk": chunk,
        "line": line,
        "request_id": text(&failure.request_id),
        "at": seconds(failure.at),
        "count": failure.count,
    })
}

/// Seconds since 1970, with three digits behind the point.
fn seconds(at: Duration) -> f64 {
    (at.as_secs_f64() * 1000.0).floor() / 1000.0
}
