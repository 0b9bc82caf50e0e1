//! What becomes of a response's JSON.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::{Config, Places, split};

/// What is to be done, in this order.
pub(super) struct OfJson {
    remove: Vec<String>,
    rename: Vec<(String, String)>,
    replace: Vec<(String, Value)>,
    add: Vec<(String, Value)>,
    append: Vec<(String, Value)>,
}

/// What a value is, which configurations have as text.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Type {
    Boolean,
    Number,
    String,
}

impl OfJson {
    pub(super) fn new(config: &Config) -> Self {
        let own = |text: &str| text.to_owned();
        let names = config.rename.json.iter().map(|step| split(step));
        Self {
            remove: config.remove.json.iter().map(|step| own(split(step).0)).collect(),
            rename: names.filter_map(|(old, new)| Some((own(old), own(new?)))).collect(),
            replace: values(&config.replace),
            add: values(&config.add),
            append: values(&config.append),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let Self { remove, rename, replace, add, append } = self;
        [remove.len(), rename.len(), replace.len(), add.len(), append.len()] == [0; 5]
    }

    /// A body with all of it done, if it is one object.
    pub(super) fn transform(&self, body: &[u8]) -> Option<Bytes> {
        let Ok(Value::Object(mut object)) = serde_json::from_slice(body) else { return None };
        for name in &self.remove {
            object.remove(name);
        }
        for (old, new) in &self.rename {
            if let Some(value) = object.remove(old) {
                object.insert(new.clone(), value);
            }
        }
        // What Lua takes for false counts as not there.
        let is_there = |value: Option<&Value>| value.is_some_and(|value| *value != false);
        for (name, value) in &self.replace {
            if is_there(object.get(name)) {
                object.insert(name.clone(), value.clone());
            }
        }
        for (name, value) in &self.add {
            if !is_there(object.get(name)) {
                object.insert(name.clone(), value.clone());
            }
        }
        for (name, value) in &self.append {
            let appended = match object.remove(name) {
                Some(Value::Array(mut list)) => {
                    list.push(value.clone());
                    list
                }
                Some(text @ Value::String(_)) => vec![text, value.clone()],
                _ => vec![value.clone()],
            };
            object.insert(name.clone(), Value::Array(appended));
        }
        serde_json::to_vec(&object).ok().map(Bytes::from)
    }
}

/// Names and values. One that is not of its type is left out.
fn values(places: &Places) -> Vec<(String, Value)> {
    let types = places.json_types.iter().copied().map(Some).chain(std::iter::repeat(None));
    let typed = places.json.iter().map(|step| split(step)).zip(types);
    typed
        .filter_map(|((name, text), kind)| {
            let text = text?;
            let value = match kind {
                Some(Type::Boolean) => Value::Bool(text == "true"),
                Some(Type::Number) => number(text.trim())?,
                Some(Type::String) | None => Value::String(text.to_owned()),
            };
            Some((name.to_owned(), value))
        })
        .collect()
}

fn number(text: &str) -> Option<Value> {
    match text.parse::<i64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
    }
}
