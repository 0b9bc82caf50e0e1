//! The common cases of what functions ask most of a request.

use super::raw_path as path_of;
use crate::binding::convert;
use crate::lua::shortcut::{Answer, Arguments};
use crate::message::uri;
use crate::transaction::Transaction;

pub(super) fn method(
    tx: &mut Transaction,
    arguments: &Arguments<'_>,
    text: &mut Vec<u8>,
) -> Option<Answer> {
    let [] = arguments.texts()?;
    Some(Answer::text(text, Some(tx.request.method().as_str().as_bytes())))
}

pub(super) fn path(
    tx: &mut Transaction,
    arguments: &Arguments<'_>,
    text: &mut Vec<u8>,
) -> Option<Answer> {
    let [] = arguments.texts()?;
    Some(Answer::text(text, Some(&uri::normalize(path_of(tx).as_bytes()))))
}

pub(super) fn raw_path(
    tx: &mut Transaction,
    arguments: &Arguments<'_>,
    text: &mut Vec<u8>,
) -> Option<Answer> {
    let [] = arguments.texts()?;
    Some(Answer::text(text, Some(path_of(tx).as_bytes())))
}

pub(super) fn path_with_query(
    tx: &mut Transaction,
    arguments: &Arguments<'_>,
    text: &mut Vec<u8>,
) -> Option<Answer> {
    let [] = arguments.texts()?;
    Some(Answer::text(text, Some(tx.request.original_path_and_query().as_bytes())))
}

pub(super) fn raw_query(
    tx: &mut Transaction,
    arguments: &Arguments<'_>,
    text: &mut Vec<u8>,
) -> Option<Answer> {
    let [] = arguments.texts()?;
    Some(Answer::text(text, Some(tx.request.query().unwrap_or_default().as_bytes())))
}

pub(super) fn query_arg(
    tx: &mut Transaction,
    arguments: &Arguments<'_>,
    text: &mut Vec<u8>,
) -> Option<Answer> {
    let [name] = arguments.texts()?;
    let query = tx.request.query().unwrap_or_default().as_bytes();
    let found = uri::args(query).take(convert::DEFAULT_MAX).find(|(key, _)| **key == *name);
    match found {
        None => Some(Answer::Nil),
        // An argument without a value is `true`.
        Some((_, value)) => Some(Answer::text(text, Some(&*value?))),
    }
}

pub(super) fn header(
    tx: &mut Transaction,
    arguments: &Arguments<'_>,
    text: &mut Vec<u8>,
) -> Option<Answer> {
    let [name] = arguments.texts()?;
    let value = tx.request.header(name);
    Some(Answer::text(text, value.as_deref().map(http::HeaderValue::as_bytes)))
}
