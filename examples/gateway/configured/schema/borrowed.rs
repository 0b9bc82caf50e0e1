//! [`Borrowed`]: an entity that was stored, as it is read without being copied.
//!
//! A gateway that starts reads all of them, and nearly all are complete: an [`Object`](super::Object) of
//! each would be made to be asked a few questions and thrown away.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Field, Kind, Schema, special_of};

/// A value of JSON, with its texts where they are written.
pub(crate) enum Borrowed<'a> {
    Null,
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Record(Vec<(Cow<'a, str>, Self)>),
    /// A number, or whether something is so.
    Other,
}

impl Borrowed<'_> {
    fn get(&self, name: &str) -> Option<&Self> {
        let Self::Record(fields) = self else { return None };
        fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// Looks a path such as `service.id` up, which leads to a text.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        path.split('.').try_fold(self, |value, name| value.get(name))?.as_text()
    }

    /// The texts in a list.
    pub(crate) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let list = match self.get(name) {
            Some(Self::List(list)) => list.as_slice(),
            _ => &[],
        };
        list.iter().filter_map(Self::as_text)
    }

    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether there is nothing that [`fill`](super::fill) and [`replace_nulls`](super::replace_nulls)
    /// would add to it.
    pub(crate) fn is_complete(&self, schema: &'static Schema) -> bool {
        let own = special_of(schema, || self.text("name"));
        schema.fields.iter().all(|field| {
            let special = own.and_then(|own| own.field(field.name)).unwrap_or(field);
            let has_default = field.default.is_some() || special.default.is_some();
            self.has(special, has_default)
        })
    }

    fn has(&self, field: &'static Field, has_default: bool) -> bool {
        match (field.kind, self.get(field.name)) {
            (Kind::Record(_), None | Some(Self::Null)) => false,
            (_, None) => field.legacy || field.auto || (field.required && !has_default),
            (_, Some(Self::Null)) => !field.legacy && !has_default,
            (Kind::Record(schema), Some(record)) => record.is_complete(schema),
            (Kind::Array(element, _) | Kind::Set(element, _), Some(Self::List(list))) => {
                let Kind::Named(schema) = element.kind else { return true };
                list.iter().all(|record| record.is_complete(schema))
            }
            _ => true,
        }
    }
}

impl<'de> Deserialize<'de> for Borrowed<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Borrowed<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Borrowed::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Borrowed::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Borrowed::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Borrowed::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Borrowed::Other)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Borrowed::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Borrowed::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Borrowed::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, value)) = map.next_entry()? {
            if let Borrowed::Text(name) = name {
                fields.push((name, value));
            }
        }
        Ok(Borrowed::Record(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Object, PLUGIN, ROUTE, fill, has_nulls};
    use super::*;

    fn is_complete(schema: &'static Schema, object: &Object) -> bool {
        let text = serde_json::to_string(object).unwrap();
        serde_json::from_str::<Borrowed<'_>>(&text).unwrap().is_complete(schema)
    }

    /// Checks that nothing would be added to what counts as complete.
    fn check(schema: &'static Schema, object: &Object) {
        let would_change = fill(schema, &mut object.clone()) || has_nulls(schema, object);
        assert!(!(is_complete(schema, object) && would_change), "{object:?}");
    }

    #[test]
    fn what_has_its_defaults_is_complete_and_without_one_of_them_is_not() {
        let plugin = json!({ "name": "pre-function", "config": { "access": ["kong.log(1)"] } });
        let other = json!({ "name": "proxy-cache", "config": { "memory": null } });
        for (schema, given) in
            [(&ROUTE, json!({ "paths": ["/"] })), (&PLUGIN, plugin), (&PLUGIN, other)]
        {
            let Value::Object(mut object) = given else { unreachable!() };
            assert!(!is_complete(schema, &object));
            fill(schema, &mut object);
            check(schema, &object);
            let names: Vec<_> = object.keys().cloned().collect();
            for name in names {
                let mut without = object.clone();
                without.remove(&name);
                check(schema, &without);
                without.insert(name, Value::Null);
                check(schema, &without);
            }
            let config = object.get("config").and_then(Value::as_object).cloned();
            for name in config.iter().flat_map(Object::keys) {
                let mut without = object.clone();
                without["config"].as_object_mut().unwrap().remove(name);
                check(schema, &without);
            }
        }
        let Value::Object(mut route) = json!({ "paths": ["/\u{e9}\n"] }) else { unreachable!() };
        fill(&ROUTE, &mut route);
        assert!(is_complete(&ROUTE, &route));
    }
}
