//! What entities say of each other: references, and names that only one may have.

use serde_json::{Value, json};

use super::document;
use super::{Document, Kind, State};
use crate::configured::problem::Problem;
use crate::configured::schema::Object;

/// Puts the id in the place of every reference.
pub(super) fn resolve(state: &State, kind: Kind, object: &mut Object) -> Result<(), Problem> {
    for parent in kind.references() {
        let field = parent.field();
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
    Ok(())
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
