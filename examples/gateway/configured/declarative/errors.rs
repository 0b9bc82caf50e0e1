//! [`Errors`]: what is wrong with a declarative file, in the shape of the file.

use serde_json::Value;

use super::source::{Source, Step};
use crate::configured::problem::Problem;
use crate::configured::schema::Object;

/// All errors of a file.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    root: Object,
}

/// An element of a list in the file.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) list: &'static str,
    pub(super) position: usize,
}

impl Errors {
    pub(super) fn one(field: &str, error: &str) -> Self {
        Self { root: Object::from_iter([(field.to_owned(), error.into())]) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.root.is_empty()
    }

    /// Adds the error of a field of the entity at `path`.
    pub(super) fn add(&mut self, path: &[Place], field: &str, error: Value) {
        if let Some(object) = self.object(path) {
            object.insert(field.to_owned(), error);
        }
    }

    /// Adds an error of what stands at `path`, which is no entity.
    pub(super) fn add_at(&mut self, path: &[Place], error: Value) {
        self.add(path, "@entity", Value::Array(vec![error]));
    }

    /// Adds what the Admin API would have answered.
    pub(super) fn add_problem(&mut self, path: &[Place], problem: &Problem) {
        match problem.body.get("fields") {
            Some(Value::Object(fields)) if problem.body["code"] == 2 => {
                for (field, error) in fields {
                    self.add(path, field, error.clone());
                }
            }
            _ => self.add_at(path, problem.text().into()),
        }
    }

    /// The errors of the entity at `path`.
    fn object(&mut self, path: &[Place]) -> Option<&mut Object> {
        let mut object = &mut self.root;
        for place in path {
            let list = object.entry(place.list).or_insert_with(|| Value::Array(Vec::new()));
            let list = list.as_array_mut()?;
            if list.len() <= place.position {
                list.resize(place.position + 1, Value::Null);
            }
            let element = &mut list[place.position];
            if element.is_null() {
                *element = Value::Object(Object::new());
            }
            object = element.as_object_mut()?;
        }
        Some(object)
    }

    /// One line for each error, with where it is in `source`:
    /// `line 9: services[1].plugins[1].name: plugin 'x' not enabled (service 'shop')`.
    pub(crate) fn in_lines(&self, source: &Source) -> String {
        let mut lines = Lines { source, path: Vec::new(), lines: Vec::new() };
        lines.add_fields(&self.root);
        lines.lines.join("\n")
    }
}

/// Errors on their way into lines.
struct Lines<'a> {
    source: &'a Source,
    /// What is being looked at.
    path: Vec<Step<'a>>,
    lines: Vec<String>,
}

impl<'a> Lines<'a> {
    fn add(&mut self, step: Step<'a>, error: &'a Value) {
        self.path.push(step);
        match error {
            Value::Null => {}
            Value::Array(list) => {
                for (position, error) in list.iter().enumerate() {
                    self.add(Step::Element(position), error);
                }
            }
            Value::Object(object) => self.add_fields(object),
            error => self.add_text(error),
        }
        self.path.pop();
    }

    fn add_fields(&mut self, object: &'a Object) {
        for (name, error) in object {
            match (name.as_str(), error) {
                // What is wrong with the entity itself.
                ("@entity", Value::Array(list)) => {
                    list.iter().for_each(|error| self.add_text(error));
                }
                _ => self.add(Step::Field(name), error),
            }
        }
    }

    fn add_text(&mut self, error: &Value) {
        let place = self.path.iter().fold(String::new(), |place, step| match step {
            Step::Element(position) => format!("{place}[{}]", position + 1),
            Step::Field(name) if place.is_empty() => (*name).to_owned(),
            Step::Field(name) => format!("{place}.{name}"),
        });
        let text = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
        let position = self.source.find(&self.path);
        let mut line = position.line.map_or_else(String::new, |line| format!("line {line}: "));
        line += &if place.is_empty() { text } else { format!("{place}: {text}") };
        if !position.owners.is_empty() {
            let owners = position.owners.iter().map(|(kind, name)| format!("{kind} '{name}'"));
            line += &format!(" ({})", owners.collect::<Vec<_>>().join(", "));
        }
        self.lines.push(line);
    }
}

impl From<Errors> for Problem {
    fn from(errors: Errors) -> Self {
        Self::declarative(errors.root)
    }
}
