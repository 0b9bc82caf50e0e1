//! What entities say of each other: references, and names that only one may have.

use serde_json::{Value, json};

use super::document::named;
use super::{Document, Kind, State};
use crate::configured::problem::Problem;
use crate::configured::schema::Object;

/// Puts the id in the place of every reference.
pub(super) fn resolve(state: &State, kind: Kind, object: &mut Object) -> Result<(), Problem> {
    for parent in kind.references() {
        let field = parent.field();
        let Some(reference) = object.get(field).filter(|value| !value.is_null()) else { continue };
        let text = |name: &str| reference.get(name).and_then(Value::as_str);
        let found = match (text("id"), text("name")) {
            (Some(id), _) => state
                .by_id(*parent, &id.to_ascii_lowercase())
                .ok_or_else(|| Problem::foreign_key(field, id, parent.name()))?,
            (None, name) => {
                let name = name.unwrap_or_default();
                state
                    .by_key(*parent, name)
                    .ok_or_else(|| Problem::unresolved(field, name, parent.name()))?
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
    let by_name = document.key().filter(|key| **taken == *named(key));
    Err(Problem::unique(&match by_name {
        Some(key) => json!({ kind.key(): key }),
        None => scope(document),
    }))
}

/// What only one plugin may be: its name and what it is for.
fn scope(plugin: &Document) -> Value {
    let object = plugin.object();
    let get = |name: &str| object.get(name).cloned().unwrap_or_default();
    let mut scope = json!({
        "consumer": null,
        "name": get("name"),
        "route": get("route"),
        "service": get("service"),
    });
    if !get("api").is_null() {
        scope["api"] = get("api");
    }
    scope
}
