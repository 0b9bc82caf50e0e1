//! The file of `gateway try`: a function, or a declarative file.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::asked::with_plugin;
use crate::BoxError;
use crate::configured::declarative;
use crate::configured::entities::Draft;
use crate::configured::problem::Problem;
use crate::configured::schema::Object;
use crate::function_file::Directory;
use crate::lua::check::document;

/// What is in a file.
pub(super) struct File {
    pub(super) draft: Draft,
    pub(super) names: Names,
}

/// What Lua calls the functions of a file, the file, and how many of its lines are before each.
#[derive(Default)]
pub(super) struct Names(Vec<(String, String, usize)>);

/// Reads a file; one of Lua is a function for `phase`.
///
/// # Errors
///
/// When it cannot be read, or is neither.
pub(super) fn read(path: &Path, phase: &str) -> Result<File, BoxError> {
    let shown = path.display().to_string();
    let about = |error: &dyn std::fmt::Display| format!("{shown}: {error}");
    let text = fs::read_to_string(path).map_err(|error| about(&error))?;
    let kind = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    if kind == "lua" {
        let config = Object::from_iter([(phase.to_owned(), json!([text]))]);
        let draft = with_plugin("pre-function", &config.into());
        let names = Names(vec![(short_source(&text), shown.clone(), 0)]);
        let draft = draft.map_err(|problem| about(&said(&problem)))?;
        return Ok(File { draft, names });
    }
    if !["yml", "yaml", "json"].contains(&kind.as_str()) {
        return Err(about(&"expected a file ending in .lua, .yml, .yaml or .json").into());
    }
    let draft = declarative::read(&text, Some(&Directory::of(path))).map_err(Problem::from);
    let draft = draft.map_err(|problem| about(&said(&problem)))?;
    Ok(File { draft, names: Names::of_document(&shown, &text) })
}

impl Names {
    /// The functions of a declarative file. Of those that are called the same, none is told apart.
    fn of_document(path: &str, text: &str) -> Self {
        let plugins = document::plugins(text).unwrap_or_default();
        let functions = plugins.into_iter().flat_map(|plugin| plugin.functions);
        let mut names: Vec<_> = functions
            .filter_map(|function| {
                let offset = function.offset()?;
                Some((short_source(&function.text), path.to_owned(), offset))
            })
            .collect();
        let all = names.clone();
        let is_one = |name: &str| all.iter().filter(|(other, ..)| other == name).count() == 1;
        names.retain(|(name, ..)| is_one(name));
        Self(names)
    }

    /// A text with places in the file where it has places in functions.
    pub(super) fn in_place(&self, text: String) -> String {
        self.0.iter().fold(text, |text, (name, path, offset)| {
            // In JSON, quotes have a stroke before them.
            let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
            placed(&placed(&text, name, path, *offset), &escaped, path, *offset)
        })
    }
}

fn placed(text: &str, name: &str, path: &str, offset: usize) -> String {
    let mut pieces = text.split(name);
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        whole += path;
        let digits = piece.strip_prefix(':').map_or("", |rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            &rest[..end]
        });
        match digits.parse::<usize>() {
            Ok(line) => whole += &format!(":{}{}", line + offset, &piece[1 + digits.len()..]),
            Err(_) => whole += piece,
        }
    }
    whole
}

/// What LuaJIT calls a function that is given as text, in messages.
fn short_source(text: &str) -> String {
    const SHOWN: usize = 48;
    const SHORTENED: usize = 45;
    let bytes = text.as_bytes();
    let is_shown = |byte: &u8| *byte >= b' ';
    let length = bytes.iter().take(SHOWN).take_while(|byte| is_shown(byte)).count();
    if length == bytes.len() {
        return format!("[string \"{text}\"]");
    }
    let shortened = String::from_utf8_lossy(&bytes[..length.min(SHORTENED)]).into_owned();
    format!("[string \"{shortened}...\"]")
}

/// What a problem says, in a line for each thing.
pub(super) fn said(problem: &Problem) -> String {
    match problem.body.get("message") {
        Some(Value::String(message)) => message.clone(),
        _ => problem.body.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_functions_are_places_in_their_file() {
        let names = Names(vec![(short_source("local a\nerror('b')"), "auth.lua".to_owned(), 10)]);
        let text = "[string \"local a...\"]:2: b, [string \"local a...\"] \\\"local";
        assert_eq!(names.in_place(text.to_owned()), "auth.lua:12: b, auth.lua \\\"local");
        let json =
            r#"{"chunk":"[string \"local a...\"]","message":"[string \"local a...\"]:2: b"}"#;
        assert_eq!(
            names.in_place(json.to_owned()),
            r#"{"chunk":"auth.lua","message":"auth.lua:12: b"}"#
        );
    }
}
