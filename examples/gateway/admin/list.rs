//! Lists: pages, and the entities with some tags.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde_json::{Value, json};

use super::answer::Answer;
use super::{Answered, Call};
use crate::admin::body;
use crate::configured::entities::{Document, Kind};
use crate::configured::problem::Problem;

const PAGE_SIZE: usize = 100;
const MAX_PAGE_SIZE: usize = 1000;

/// What the query of a list says.
pub(super) struct Page {
    size: usize,
    /// What follows this is wanted.
    after: Option<String>,
    tags: Option<Tags>,
    /// The plugin whose failures are wanted.
    pub(super) plugin: Option<String>,
    /// The parameters that the next page is asked with as well.
    kept: String,
}

enum Tags {
    All(Vec<String>),
    Any(Vec<String>),
}

/// A list of entities, of a parent or not.
pub(super) fn answer(call: &Call<'_>, kind: Kind, parent: Option<(Kind, &str)>) -> Answered {
    let page = Page::new(call)?;
    let state = call.admin.database.state();
    let mut path = format!("/{}", kind.path());
    let parent = match parent {
        Some((parent_kind, key)) if kind == Kind::Targets => {
            let found = state.known(parent_kind, key)?;
            return Ok(Answer::ok(targets(call, &found, "targets", Document::shown)?));
        }
        None => None,
        Some((parent_kind, key)) => {
            let found = state.known(parent_kind, key)?;
            path = format!("/{}/{}/{}", parent_kind.path(), found.id(), kind.nested_path());
            Some((parent_kind, found))
        }
    };
    let all: Box<dyn Iterator<Item = &Arc<Document>>> = match &parent {
        None => Box::new(state.all(kind)),
        Some((parent_kind, parent)) => Box::new(state.children(kind, *parent_kind, parent.id())),
    };
    let entities = all
        .filter(|document| page.wants(document))
        .map(|document| (document.id().to_owned(), document));
    Ok(page.answer(&path, entities, |document| document.shown_in(&state)))
}

/// The targets of an upstream, the newest first, at a `path` below it.
pub(super) fn targets(
    call: &Call<'_>,
    upstream: &Document,
    path: &str,
    show: impl Fn(&Document) -> Value,
) -> Result<Value, Problem> {
    let page = Page::new(call)?;
    let state = call.admin.database.state();
    let targets = state.children(Kind::Targets, Kind::Upstreams, upstream.id());
    let targets = targets.filter(|target| page.wants(target));
    let mut targets: Vec<_> = targets.map(|target| (newest_first(target), target)).collect();
    targets.sort_by(|a, b| a.0.cmp(&b.0));
    let path = format!("/upstreams/{}/{path}", upstream.id());
    Ok(page.body(&path, targets.into_iter(), |target| show(target)))
}

/// `/upstreams/{key}/targets/all`.
pub(super) fn all_targets(call: &Call<'_>, key: &str) -> Answered {
    let upstream = call.admin.database.state().known(Kind::Upstreams, key)?;
    Ok(Answer::ok(targets(call, &upstream, "targets/all", Document::shown)?))
}

/// What puts targets into their order.
fn newest_first(target: &Document) -> String {
    let created = target.object().get("created_at").and_then(Value::as_f64).unwrap_or_default();
    let milliseconds = std::time::Duration::try_from_secs_f64(created).unwrap_or_default();
    format!("{:039} {}", u128::MAX - milliseconds.as_millis(), target.id())
}

/// `/tags` and `/tags/{tag}`: what has tags, or this one.
pub(super) fn tags(call: &Call<'_>, tag: Option<&str>) -> Answered {
    let page = Page::new(call)?;
    let state = call.admin.database.state();
    let path = tag.map_or("/tags".to_owned(), |tag| format!("/tags/{}", encode(tag)));
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        for document in state.all(kind) {
            for own in document.tags().filter(|own| tag.is_none_or(|tag| tag == *own)) {
                let row = json!({
                    "entity_name": kind.name(),
                    "entity_id": document.id(),
                    "tag": own,
                });
                rows.push((format!("{} {} {own}", kind.name(), document.id()), row));
            }
        }
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(page.answer(&path, rows.into_iter(), |row| row))
}

/// A list of rows with the marks that they are in the order of, at a `path`.
pub(super) fn rows(call: &Call<'_>, path: &str, rows: Vec<(String, Value)>) -> Answered {
    Ok(Page::new(call)?.answer(path, rows.into_iter(), |row| row))
}

impl Page {
    pub(super) fn new(call: &Call<'_>) -> Result<Self, Problem> {
        let query = call.head.uri.query().unwrap_or_default();
        let mut page =
            Self { size: PAGE_SIZE, after: None, tags: None, plugin: None, kept: String::new() };
        for (name, value) in body::urlencoded(query.as_bytes())? {
            match name.as_str() {
                "size" => {
                    page.size = size(&value)?;
                    page.kept += &format!("&size={}", page.size);
                }
                "offset" => page.after = Some(offset(&value)?),
                "tags" => {
                    page.tags = Some(Tags::new(&value)?);
                    page.kept += &format!("&tags={}", encode(&value));
                }
                "plugin" => {
                    page.kept += &format!("&plugin={}", encode(&value));
                    page.plugin = Some(value);
                }
                // Kong: ignores the others, too.
                _ => {}
            }
        }
        Ok(page)
    }

    fn wants(&self, document: &Document) -> bool {
        let has = |tag: &String| document.tags().any(|own| own == tag);
        match &self.tags {
            None => true,
            Some(Tags::All(tags)) => tags.iter().all(has),
            Some(Tags::Any(tags)) => tags.iter().any(has),
        }
    }

    /// The elements of the page. They come by their marks, in order.
    pub(super) fn answer<T>(
        &self,
        path: &str,
        elements: impl Iterator<Item = (String, T)>,
        show: impl Fn(T) -> Value,
    ) -> Answer {
        Answer::ok(self.body(path, elements, show))
    }

    fn body<T>(
        &self,
        path: &str,
        elements: impl Iterator<Item = (String, T)>,
        show: impl Fn(T) -> Value,
    ) -> Value {
        let after = |mark: &String| self.after.as_ref().is_none_or(|after| mark > after);
        let mut elements = elements.filter(|(mark, _)| after(mark));
        let mut last = String::new();
        let mut data = Vec::new();
        for (mark, element) in elements.by_ref().take(self.size) {
            last = mark;
            data.push(show(element));
        }
        let mut body = json!({ "data": data, "next": null });
        if elements.next().is_some() {
            let offset = URL_SAFE_NO_PAD.encode(last);
            body["next"] = format!("{path}?offset={offset}{}", self.kept).into();
            body["offset"] = offset.into();
        }
        body
    }
}

fn size(text: &str) -> Result<usize, Problem> {
    let invalid = |message: &str| Problem::page(9, "invalid size", message);
    text.parse::<f64>().map_err(|_| invalid("size must be a number"))?;
    let size = text.parse().ok().filter(|size| (1..=MAX_PAGE_SIZE).contains(size));
    size.ok_or_else(|| invalid(&format!("size must be an integer between 1 and {MAX_PAGE_SIZE}")))
}

fn offset(text: &str) -> Result<String, Problem> {
    let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or_else(|| {
        let message = format!("'{text}' is not a valid offset: bad base64 encoding");
        Problem::page(7, "invalid offset", &message)
    })
}

impl Tags {
    /// `a,b` is both, `a/b` is one of them.
    fn new(text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err(Problem::option("tags", "cannot be null"));
        }
        let split = |at: char| text.split(at).map(str::to_owned).collect();
        match (text.contains(','), text.contains('/')) {
            (true, true) => {
                let error = "invalid filter syntax: expected tags separated by ',' or by '/'";
                Err(Problem::option("tags", error))
            }
            (false, true) => Ok(Self::Any(split('/'))),
            _ => Ok(Self::All(split(','))),
        }
    }
}

/// A value of a query.
fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ESCAPED)
}

/// All but what RFC 3986 calls unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
