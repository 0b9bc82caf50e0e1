//! [`Errors`]: what is wrong with a declarative file, in the shape of the file.

use serde_json::Value;

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

    /// One line for each error: `services[1].plugins[1].name: plugin 'x' not enabled`.
    pub(crate) fn in_lines(&self) -> String {
        let mut lines = Vec::new();
        for (name, error) in &self.root {
            add_lines(&mut lines, name, error);
        }
        lines.join("\n")
    }
}

fn add_lines(lines: &mut Vec<String>, place: &str, error: &Value) {
    match error {
        Value::Null => {}
        Value::Array(list) => {
            for (position, error) in list.iter().enumerate() {
                add_lines(lines, &format!("{place}[{}]", position + 1), error);
            }
        }
        Value::Object(object) => {
            for (name, error) in object {
                match (name.as_str(), error) {
                    ("@entity", Value::Array(list)) => {
                        for error in list {
                            add_lines(lines, place, error);
                        }
                    }
                    _ => add_lines(lines, &format!("{place}.{name}"), error),
                }
            }
        }
        error => {
            let text = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
            lines.push(format!("{place}: {text}"));
        }
    }
}

impl From<Errors> for Problem {
    fn from(errors: Errors) -> Self {
        Self::declarative(errors.root)
    }
}
