//! What entities say of each other: references, and names that only one may have.

use std::sync::Arc;

use serde_json::{Value, json};

use super::document;
use super::{Document, Kind, State};
use crate::configured::problem::Problem;
use crate::configured::schema::Object;

/// Puts the id in the place of every reference.
pub(super) fn resolve(state: &State, kind: Kind, object: &mut Object) -> Result<(), Problem> {
    for parent in kind.references() {
        let field = parent.field_in(kind);
        let Some(reference) = object.get(field).filter(|value| !value.is_null()) else { continue };
        let text = |name: &str| reference.get(name).and_then(Value::as_str);
        let key = parent.key().unwrap_or("name");
        let found = match (text("id"), text(key)) {
            (Some(id), _) => state
                .by_id(*parent, &id.to_ascii_lowercase())
                .ok_or_else(|| Problem::foreign_key(field, id, parent.name()))?,
            (None, name) => {
                let name = name.unwrap_or_default();
                state
                    .by_key(*parent, name)
                    .ok_or_else(|| Problem::unresolved(field, key, name, parent.name()))?
            }
        };
        let reference = json!({ "id": found.id() });
        object.insert(field.to_owned(), reference);
    }
    authorities(state, object)
}

/// Refuses authorities that are not there.
// Kong: finds out when the service is called.
fn authorities(state: &State, object: &Object) -> Result<(), Problem> {
    let named = object.get("ca_certificates").and_then(Value::as_array).into_iter().flatten();
    let is_there =
        |id: &&str| state.by_id(Kind::CaCertificates, &id.to_ascii_lowercase()).is_some();
    match named.filter_map(Value::as_str).find(|id| !is_there(id)) {
        None => Ok(()),
        Some(id) => {
            let error = format!("there is no CA certificate '{id}'");
            Err(Problem::violation("ca_certificates", &error))
        }
    }
}

/// Refuses to let go of an authority that services count on.
pub(super) fn unheld(state: &State, authority: &str) -> Result<(), Problem> {
    let counts = |document: &&Arc<Document>| {
        let named = document.service().and_then(|service| service.ca_certificates.as_ref());
        named.is_some_and(|named| named.iter().any(|id| id.eq_ignore_ascii_case(authority)))
    };
    let service = state.all(Kind::Services).find(counts);
    service.map_or(Ok(()), |service| Err(Problem::held(authority, service.id())))
}

/// Refuses what another entity is already.
pub(super) fn unique(state: &State, document: &Document, kind: Kind) -> Result<(), Problem> {
    let is_taken =
        |unique: &str| state.owner(kind, unique).is_some_and(|owner| owner != document.id());
    let Some(taken) = document.uniques().iter().find(|unique| is_taken(unique)) else {
        return Ok(());
    };
    let object = document.object();
    let value = |field: &str| object.get(field).cloned().unwrap_or_default();
    let fields = kind.schema().fields.iter().filter(|field| field.unique);
    let field = fields.map(|field| field.name).find(|field| {
        value(field).as_str().is_some_and(|text| **taken == *document::unique(field, text))
    });
    Err(Problem::unique(&match field {
        Some(field) => json!({ field: value(field) }),
        None => together(kind, value),
    }))
}

/// What only one entity may be at a time, as it is told.
fn together(kind: Kind, value: impl Fn(&str) -> Value) -> Value {
    let fields = kind.together().iter().map(|field| ((*field).to_owned(), value(field)));
    // What Kong does not know is told of where it is there.
    fields.filter(|(field, value)| *field != "api" || !value.is_null()).collect()
}
