//! Entities by HTTP: lists of them, each of them, and those that belong to others.

use std::sync::Arc;

use http::Method;

use super::answer::Answer;
use super::versions::author_of;
use super::{Answered, Call, list};
use crate::admin::body::Arguments;
use crate::configured::entities::{Document, Draft, Kind, Place, State, uuid};
use crate::configured::problem::Problem;
use crate::configured::schema::Object;

/// `/services`, and `/services/{..}/routes` where `parent` is the service.
pub(super) async fn collection(
    call: Call<'_>,
    kind: Kind,
    parent: Option<(Kind, &str)>,
) -> Answered {
    if call.head.method != Method::POST {
        return list::answer(&call, kind, parent);
    }
    let author = author_of(call.head);
    let Arguments { mut object, given } = call.arguments;
    let parent = owned(parent);
    let document = call
        .admin
        .database
        .change(author, "create", kind, move |draft| {
            if let Some((parent_kind, key)) = parent {
                let parent = draft.state.known(parent_kind, &key)?;
                set_reference(&mut object, kind, parent_kind, parent.id());
            }
            draft.insert(kind, object, given)
        })
        .await?;
    Ok(Answer::created(document.shown_in(&call.admin.database.state())))
}

/// `/services/{key}`, and `/services/{..}/routes/{key}` where `parent` is the service.
pub(super) async fn one(
    call: Call<'_>,
    kind: Kind,
    key: &str,
    parent: Option<(Kind, &str)>,
) -> Answered {
    let author = author_of(call.head);
    let Arguments { mut object, given } = call.arguments;
    let database = &call.admin.database;
    let (key, parent) = (key.to_owned(), owned(parent));
    // Kong: changes a target that is put, and makes none.
    let is_target = kind == Kind::Targets && call.head.method == Method::PUT;
    let method = if is_target { &Method::PATCH } else { &call.head.method };
    match *method {
        Method::PUT => {
            let edit = move |draft: &mut Draft| {
                let mut place = Place::new(&key);
                if let Some((parent_kind, parent_key)) = parent {
                    let parent = draft.state.known(parent_kind, &parent_key)?;
                    set_reference(&mut object, kind, parent_kind, parent.id());
                    if let (Place::Key(key), Some(field)) = (&place, kind.key_in_parent()) {
                        let found = named_in(&draft.state, kind, (parent_kind, &parent), key);
                        object.entry(field).or_insert_with(|| key.as_str().into());
                        place = Place::Id(found.map_or_else(uuid::random, |d| d.id().to_owned()));
                    }
                }
                draft.upsert(kind, &place, object, given)
            };
            let document = database.change(author, "create or update", kind, edit).await?;
            Ok(Answer::ok(document.shown_in(&database.state())))
        }
        Method::PATCH => {
            let edit = move |draft: &mut Draft| {
                let old = find_in(&draft.state, kind, &key, parent.as_ref())?;
                draft.update(kind, &old, object, given)
            };
            let document = database.change(author, "update", kind, edit).await?;
            Ok(Answer::ok(document.shown_in(&database.state())))
        }
        Method::DELETE => {
            let edit = move |draft: &mut Draft| {
                match find_in(&draft.state, kind, &key, parent.as_ref()) {
                    Ok(old) => draft.delete(kind, old.id()),
                    // What is not there needs not be deleted.
                    Err(_) if parent.is_none() => Ok(()),
                    Err(problem) => Err(problem),
                }
            };
            database.change(author, "remove", kind, edit).await?;
            Ok(Answer::no_content())
        }
        _ => {
            let state = database.state();
            Ok(Answer::ok(find_in(&state, kind, &key, parent.as_ref())?.shown_in(&state)))
        }
    }
}

/// `/routes/{key}/service`: the `parent` of an entity.
pub(super) async fn parent(call: Call<'_>, kind: Kind, key: &str, parent: Kind) -> Answered {
    let author = author_of(call.head);
    let Arguments { object, given } = call.arguments;
    let database = &call.admin.database;
    let key = key.to_owned();
    match call.head.method {
        Method::PUT => {
            let edit = move |draft: &mut Draft| {
                let child = draft.state.known(kind, &key)?;
                let id = child.reference(parent).map(str::to_owned);
                let place = Place::Id(id.unwrap_or_else(uuid::random));
                let document = draft.upsert(parent, &place, object, given)?;
                if child.reference(parent).is_none() {
                    let mut change = Object::new();
                    set_reference(&mut change, kind, parent, document.id());
                    draft.update(kind, &child, change, given)?;
                }
                Ok(document)
            };
            let document = database.change(author, "create or update", parent, edit).await?;
            Ok(Answer::ok(document.shown_in(&database.state())))
        }
        Method::PATCH => {
            let edit = move |draft: &mut Draft| {
                let old = parent_of(&draft.state, kind, &key, parent)?;
                draft.update(parent, &old, object, given)
            };
            let document = database.change(author, "update", parent, edit).await?;
            Ok(Answer::ok(document.shown_in(&database.state())))
        }
        Method::DELETE => {
            parent_of(&database.state(), kind, &key, parent)?;
            let status = http::StatusCode::METHOD_NOT_ALLOWED;
            Err(Problem::message(status, "Method not allowed"))
        }
        _ => {
            let state = database.state();
            Ok(Answer::ok(parent_of(&state, kind, &key, parent)?.shown_in(&state)))
        }
    }
}

/// An entity that belongs to its parent, if there must be one.
pub(super) fn find_in(
    state: &State,
    kind: Kind,
    key: &str,
    parent: Option<&(Kind, String)>,
) -> Result<Arc<Document>, Problem> {
    let document = match parent {
        None => return state.known(kind, key),
        Some((parent_kind, parent_key)) => {
            let parent = state.known(*parent_kind, parent_key)?;
            if let Some(document) = named_in(state, kind, (*parent_kind, &parent), key) {
                return Ok(document);
            }
            let document = state.known(kind, key)?;
            (document.reference(*parent_kind) == Some(parent.id())).then_some(document)
        }
    };
    document.ok_or_else(Problem::not_found)
}

/// The entity that has a name among those of its parent.
fn named_in(
    state: &State,
    kind: Kind,
    (parent_kind, parent): (Kind, &Document),
    name: &str,
) -> Option<Arc<Document>> {
    let field = kind.key_in_parent()?;
    let has_name = |document: &&Arc<Document>| {
        document.object().get(field).and_then(serde_json::Value::as_str) == Some(name)
    };
    state.children(kind, parent_kind, parent.id()).find(has_name).cloned()
}

fn parent_of(state: &State, kind: Kind, key: &str, parent: Kind) -> Result<Arc<Document>, Problem> {
    let child = state.known(kind, key)?;
    let id = child.reference(parent).ok_or_else(Problem::not_found)?;
    state.known(parent, id)
}

fn owned(parent: Option<(Kind, &str)>) -> Option<(Kind, String)> {
    parent.map(|(kind, key)| (kind, key.to_owned()))
}

fn set_reference(object: &mut Object, kind: Kind, parent: Kind, id: &str) {
    let field = parent.field_in(kind);
    object.remove(&format!("{field}_id"));
    object.insert(field.to_owned(), serde_json::json!({ "id": id }));
}
