//! Kong's declarative format: what stands in `kong.yml`, and `/config` takes and gives.

mod errors;
mod export;
mod flatten;
mod functions;
mod source;

use serde_json::Value;

pub(crate) use self::errors::Errors;
pub(crate) use self::export::export;
use self::flatten::flatten;
pub(crate) use self::source::Source;
use crate::configured::entities::{Draft, Kind};
use crate::configured::schema::{Given, Object};
use crate::function_file::{Directory, Reference};

const FORMATS: [&str; 3] = ["1.1", "2.1", "3.0"];

/// Reads a text, and makes a state of it that has nothing else. Functions that are in files are looked for
/// in the directory.
///
/// # Errors
///
/// All that is wrong with it, and with them. Without a directory, functions in files are.
pub(crate) fn read(text: &str, directory: Option<&Directory>) -> Result<Draft, Errors> {
    load(parse(text)?, directory)
}

/// The functions in files that a text names, as far as it can be read.
pub(crate) fn references(text: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    if let Ok(declaration) = parse(text) {
        collect(&declaration.into(), &mut found);
    }
    found
}

fn collect(value: &Value, found: &mut Vec<Reference>) {
    match value {
        Value::String(text) => found.extend(Reference::parse(text).and_then(Result::ok)),
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// Reads YAML, or JSON, which is YAML as well.
///
/// # Errors
///
/// When it is neither, or no object.
pub(crate) fn parse(text: &str) -> Result<Object, Errors> {
    let broken = |error: &dyn std::fmt::Display| {
        Errors::one("error", &format!("failed parsing declarative configuration: {error}"))
    };
    // As editors of Windows begin a file.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Ok(Value::Object(object)) = serde_json::from_str(text) {
        return Ok(object);
    }
    let mut yaml: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(text).map_err(|error| broken(&error))?;
    yaml.apply_merge().map_err(|error| broken(&error))?;
    match serde_json::to_value(yaml).map_err(|error| broken(&error))? {
        Value::Object(object) => Ok(object),
        _ => Err(broken(&"expected an object")),
    }
}

/// Makes a state of a declaration.
///
/// # Errors
///
/// As [`read`].
pub(crate) fn load(declaration: Object, directory: Option<&Directory>) -> Result<Draft, Errors> {
    let mut errors = Errors::default();
    let format = format_of(&declaration).unwrap_or_else(|error| {
        errors.add(&[], "_format_version", error);
        "3.0"
    });
    let hashes = transforms(&declaration).unwrap_or_else(|error| {
        errors.add(&[], "_transform", error.into());
        true
    });
    let mut entities = flatten(declaration, &mut errors);
    // Those that others refer to come first.
    entities.sort_by_key(|entity| entity.kind);
    let mut draft = Draft { hashes, ..Draft::empty() };
    for mut entity in entities {
        if format != "3.0" && entity.kind == Kind::Routes {
            mark_expressions(&mut entity.object);
        }
        let files = match functions::read(entity.kind, &mut entity.object, directory) {
            Ok(files) => files,
            Err(wrong) => {
                errors.add(&entity.path, "config", wrong);
                continue;
            }
        };
        let result = draft.insert(entity.kind, entity.object, Given::Typed);
        if let Ok(document) = &result {
            document.came_from(files);
        }
        if let Err(problem) = result {
            // What belongs to an entity that is wrong itself is not told of as well.
            if problem.is_foreign_key() && !errors.is_empty() {
                continue;
            }
            errors.add_problem(&entity.path, &problem);
        }
    }
    if errors.is_empty() { Ok(draft) } else { Err(errors) }
}

fn format_of(declaration: &Object) -> Result<&'static str, Value> {
    let format = match declaration.get("_format_version") {
        None | Some(Value::Null) => return Err("required field missing".into()),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err("expected a string".into()),
    };
    let known = FORMATS.into_iter().find(|known| *known == format);
    known.ok_or_else(|| format!("expected one of: {}", FORMATS.join(", ")).into())
}

/// Whether passwords of the file are to be hashed: an export has hashes.
fn transforms(declaration: &Object) -> Result<bool, &'static str> {
    match declaration.get("_transform") {
        None | Some(Value::Null) => Ok(true),
        Some(Value::Bool(transform)) => Ok(*transform),
        Some(_) => Err("expected a boolean"),
    }
}

/// Before 3.0, a path was an expression by the characters in it.
fn mark_expressions(route: &mut Object) {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_~/%".contains(c);
    for path in route.get_mut("paths").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::String(path) = path
            && path.starts_with('/')
            && !path.chars().all(plain)
        {
            path.insert(0, '~');
        }
    }
}
