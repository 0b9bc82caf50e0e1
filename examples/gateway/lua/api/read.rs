//! Reads a file of types: what stands in comments in the manner of `LuaLS`, and what these are about.

use std::collections::HashMap;

use super::{Api, Class, Member, Said, Type};

/// The comments before a line.
#[derive(Default)]
struct Notes {
    class: Option<String>,
    of: Option<Type>,
    gives: Option<Type>,
    phases: Option<Vec<String>>,
    said: Said,
    /// Whether the summary is over.
    is_summed_up: bool,
}

impl Notes {
    /// The member that the comments are about.
    fn member(self, of: Type) -> Member {
        Member { of, phases: self.phases, is_field: false, said: self.said }
    }
}

/// Adds what a file says.
pub(super) fn file(api: &mut Api, text: &str) {
    let mut notes = Notes::default();
    let mut locals = HashMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(said) = line.strip_prefix("---@meta ") {
            said.clone_into(&mut name);
        } else if let Some(said) = line.strip_prefix("---") {
            note(api, &mut notes, said);
        } else {
            statement(api, std::mem::take(&mut notes), &mut locals, &name, line);
        }
    }
}

/// A line of a comment.
fn note(api: &mut Api, notes: &mut Notes, said: &str) {
    if let Some(list) = said.strip_prefix("Phases: ") {
        let list = list.trim_end_matches('.');
        let names = list.split(", ").filter(|name| *name != "none").map(str::to_owned);
        notes.phases = (list != "any").then(|| names.collect());
    } else if let Some(class) = said.strip_prefix("@class ") {
        let (name, parents) = class.split_once(": ").unwrap_or((class, ""));
        let parents = parents.split(", ").filter(|parent| !parent.is_empty());
        let parents = parents.map(str::to_owned).collect();
        api.classes.entry(name.to_owned()).or_default().parents = parents;
        notes.class = Some(name.to_owned());
    } else if let Some(field) = said.strip_prefix("@field ") {
        if let Some(class) = &notes.class {
            add_field(api.classes.entry(class.clone()).or_default(), field);
        }
    } else if let Some(called) = said.strip_prefix("@overload ") {
        if let Some(class) = &notes.class {
            let gives = called.rsplit_once("): ").map_or(Type::Unknown, |(_, gives)| of(gives));
            api.classes.entry(class.clone()).or_default().called = Some(gives);
        }
    } else if let Some(text) = said.strip_prefix("@type ") {
        notes.of = Some(of(text));
    } else if let Some(result) = said.strip_prefix("@return ") {
        let (text, _) = first_type(result);
        notes.said.results.push(text.to_owned());
        notes.gives.get_or_insert_with(|| of(text));
    } else if let Some(parameter) = said.strip_prefix("@param ") {
        notes.said.parameters.extend(parameter.split_once(' ').map(|(name, rest)| {
            let (text, _) = first_type(rest);
            format!("{name}: {text}")
        }));
    } else if said.is_empty() || said.starts_with('@') {
        notes.is_summed_up = true;
    } else if !notes.is_summed_up {
        let summary = &mut notes.said.summary;
        *summary = format!("{summary} {said}").trim_start().to_owned();
    }
}

/// `name? type what it is`, or `[string] type` for any name.
fn add_field(class: &mut Class, field: &str) {
    let Some((name, rest)) = field.split_once(' ') else { return };
    let (text, said) = first_type(rest);
    let of = of(text);
    if name.starts_with('[') {
        class.others = Some(of);
        return;
    }
    let phases = said.split_once("Phases: ").map(|(_, list)| list.trim_end_matches('.'));
    let phases = phases.filter(|list| *list != "any");
    let phases = phases.map(|list| list.split(", ").map(str::to_owned).collect());
    let summary =
        said.split_once("Phases: ").map_or(said, |(summary, _)| summary).trim().to_owned();
    let said = Said { summary, ..Said::default() };
    let member = Member { of, phases, is_field: true, said };
    class.members.insert(name.trim_end_matches('?').to_owned(), member);
}

/// A line that is no comment.
fn statement(
    api: &mut Api,
    mut notes: Notes,
    locals: &mut HashMap<String, String>,
    module: &str,
    line: &str,
) {
    if let Some(variable) = line.strip_prefix("local ") {
        let variable = variable.split(' ').next().unwrap_or_default();
        locals.insert(variable.to_owned(), notes.class.unwrap_or_default());
    } else if let Some(function) = line.strip_prefix("function ") {
        let path = function.split('(').next().unwrap_or_default();
        let is_method = path.contains(':');
        let gives = Box::new(notes.gives.take().unwrap_or(Type::Unknown));
        let of = Type::Function { gives, is_method };
        add(api, locals, path, notes.member(of));
    } else if let Some(value) = line.strip_prefix("return ") {
        let of = match (value.strip_prefix("require "), locals.get(value)) {
            (Some(other), _) => Type::Class(other.trim_matches('"').to_owned()),
            (None, Some(class)) => Type::Class(class.clone()),
            (None, None) => Type::Function { gives: Box::new(Type::Unknown), is_method: false },
        };
        api.modules.insert(module.to_owned(), of);
    } else if let Some((path, _)) = line.split_once(" = ") {
        let of = notes.class.take().map(Type::Class).or_else(|| notes.of.take());
        add(api, locals, path, notes.member(of.unwrap_or(Type::Unknown)));
    }
}

/// Adds a member to the table in which its path ends.
fn add(api: &mut Api, locals: &HashMap<String, String>, path: &str, member: Member) {
    let Some((table, name)) = path.rsplit_once(['.', ':']) else { return };
    let class = locals.get(table).map_or(table, String::as_str);
    let class = api.classes.entry(class.to_owned()).or_default();
    class.members.insert(name.to_owned(), member);
}

/// The type that a text begins with, and what comes behind it.
fn first_type(text: &str) -> (&str, &str) {
    let mut depth = 0;
    let mut last = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '(' | '{' | '<' | '[' => depth += 1,
            ')' | '}' | '>' | ']' => depth -= 1,
            // `fun(a: string): string` goes on.
            ' ' if depth == 0 && last != ':' => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
        last = c;
    }
    (text, "")
}

fn of(text: &str) -> Type {
    let text = text.trim_end_matches('?');
    if let Some(inner) = text.strip_prefix("table<").and_then(|rest| rest.strip_suffix('>')) {
        return inner
            .split_once(", ")
            .map_or(Type::Unknown, |(_, each)| Type::Each(of(each).into()));
    }
    if let Some(function) = text.strip_prefix("fun(") {
        let gives = function.rsplit_once("): ").map_or(Type::Unknown, |(_, gives)| of(gives));
        return Type::Function { gives: Box::new(gives), is_method: false };
    }
    match text {
        "integer" | "number" | "number|integer" | "integer|nil" | "number|nil" => Type::Number,
        _ if text.contains(|c: char| !c.is_alphanumeric() && !".-_".contains(c)) => Type::Unknown,
        "any" | "string" | "boolean" | "table" | "userdata" | "thread" | "nil" => Type::Unknown,
        class => Type::Class(class.to_owned()),
    }
}
