//! Functions that a file names, and that stand in files of their own.

use serde_json::{Value, json};
use tower_lua::{Functions, Phase};

use crate::configured::entities::Kind;
use crate::configured::entity::FromFile;
use crate::configured::schema::{self, Object};
use crate::function_file::{Directory, Reference};

/// The fields of a plugin's configuration that have functions.
const FIELDS: [&str; 7] =
    ["certificate", "rewrite", "access", "functions", "header_filter", "body_filter", "log"];

/// Puts what stands in files into the place of their names, if the plugin is one of functions.
///
/// # Errors
///
/// What is wrong with which of them, as the field `config` has it. Without a directory, each is.
pub(super) fn read(
    kind: Kind,
    plugin: &mut Object,
    directory: Option<&Directory>,
) -> Result<Vec<FromFile>, Value> {
    let names = ["pre-function", "post-function", "serverless-functions"];
    let name = plugin.get("name").and_then(Value::as_str).unwrap_or_default();
    let is_ours = kind == Kind::Plugins && names.contains(&name);
    let Some(Value::Object(config)) = plugin.get_mut("config").filter(|_| is_ours) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    let mut errors = Object::new();
    for field in FIELDS {
        let Some(value) = config.get_mut(field) else { continue };
        if field == "functions" && value.as_str().is_some_and(|text| text.starts_with('@')) {
            // Commas in the file are not for a list.
            *value = json!([value]);
        }
        let mut wrong = Vec::new();
        for (place, function) in value.as_array_mut().into_iter().flatten().enumerate() {
            let read = match function.as_str().and_then(Reference::parse) {
                None => continue,
                Some(reference) => reference.and_then(|found| text_of(&found, directory)),
            };
            match read {
                Ok((name, text)) => {
                    let written = std::mem::replace(function, text.into());
                    let written = written.as_str().unwrap_or_default().to_owned();
                    files.push(FromFile { field, place, written, name });
                }
                Err(error) => {
                    wrong.resize(place, Value::Null);
                    wrong.push(error.into());
                }
            }
        }
        if !wrong.is_empty() {
            errors.insert(field.to_owned(), wrong.into());
        }
    }
    if errors.is_empty() { Ok(files) } else { Err(errors.into()) }
}

/// The name of a function, and its text, which is Lua.
fn text_of(
    reference: &Reference,
    directory: Option<&Directory>,
) -> Result<(String, String), String> {
    let name = reference.name();
    let directory = directory.ok_or_else(|| {
        format!(
            "'@{name}' is the name of a file, and there is no directory that it could be in: send what is in \
             the file, or start the gateway with --declarative-config"
        )
    })?;
    let text = directory.read(reference)?;
    let function = Functions::builder("").named_function(Phase::Access, name, &text);
    schema::compile_error(function).map_or_else(|| Ok((name.to_owned(), text.to_string())), Err)
}
