//! The entities of now as a file.

use serde_json::{Value, json};

use crate::BoxError;
use crate::configured::entities::{Kind, State};
use crate::configured::schema::Object;

/// Everything, as YAML that loads again. Entities stand beside each other and refer by id, as Kong
/// exports them.
pub(crate) fn export(state: &State) -> Result<String, BoxError> {
    let mut file = Object::new();
    file.insert("_format_version".to_owned(), "3.0".into());
    file.insert("_transform".to_owned(), false.into());
    for kind in Kind::of_kong() {
        let entities: Vec<Value> = state
            .all(kind)
            .map(|document| {
                let mut object = document.declared();
                for parent in kind.references() {
                    if let Some(id) = document.reference(*parent) {
                        object.insert(parent.field_in(kind).to_owned(), json!(id));
                    }
                }
                object.into()
            })
            .collect();
        if !entities.is_empty() {
            file.insert(kind.name().to_owned(), entities.into());
        }
    }
    Ok(serde_yaml_ng::to_string(&file)?)
}
