//! The common cases of what functions ask most of a request.

use super::raw_path as path_of;
use crate::binding::{Asked, convert};
use crate::lua::shortcut::{Answer, Arguments};
use crate::message::uri;

pub(super) fn method(
    Asked { tx, scratch, .. }: Asked<'_>,
    arguments: &Arguments<'_>,
) -> Option<Answer> {
    let [] = arguments.texts()?;
    Some(scratch.answer(Some(tx.request.method().as_str().as_bytes())))
}

pub(super) fn path(
    Asked { tx, scratch, .. }: Asked<'_>,
    arguments: &Arguments<'_>,
) -> Option<Answer> {
    let [] = arguments.texts()?;
    Some(scratch.answer(Some(&uri::normalize(path_of(tx).as_bytes()))))
}

pub(super) fn raw_path(
    Asked { tx, scratch, .. }: Asked<'_>,
    arguments: &Arguments<'_>,
) -> Option<Answer> {
    let [] = arguments.texts()?;
    Some(scratch.answer(Some(path_of(tx).as_bytes())))
}

pub(super) fn path_with_query(
    Asked { tx, scratch, .. }: Asked<'_>,
    arguments: &Arguments<'_>,
) -> Option<Answer> {
    let [] = arguments.texts()?;
    Some(scratch.answer(Some(tx.request.original_path_and_query().as_bytes())))
}

pub(super) fn raw_query(
    Asked { tx, scratch, .. }: Asked<'_>,
    arguments: &Arguments<'_>,
) -> Option<Answer> {
    let [] = arguments.texts()?;
    Some(scratch.answer(Some(tx.request.query().unwrap_or_default().as_bytes())))
}

pub(super) fn query_arg(
    Asked { tx, scratch, .. }: Asked<'_>,
    arguments: &Arguments<'_>,
) -> Option<Answer> {
    let [name] = arguments.texts()?;
    let query = tx.request.query().unwrap_or_default().as_bytes();
    let found = uri::args(query).take(convert::DEFAULT_MAX).find(|(key, _)| **key == *name);
    match found {
        None => Some(Answer::Nil),
        // An argument without a value is `true`.
        Some((_, value)) => Some(scratch.answer(Some(&*value?))),
    }
}

pub(super) fn header(
    Asked { tx, scratch, .. }: Asked<'_>,
    arguments: &Arguments<'_>,
) -> Option<Answer> {
    let [name] = arguments.texts()?;
    let value = tx.request.header(name);
    Some(scratch.answer(value.as_deref().map(http::HeaderValue::as_bytes)))
}
