//! What entities and plugin configurations look like: tables of fields, and all that is read off them.
//!
//! The tables are in [`tables`] and [`plugins`]. What a client sends is coerced ([`coerce`]), given
//! its defaults ([`defaults`]) and checked ([`validate`]) by them, and `/schemas` prints them.

mod authentication;
mod borrowed;
mod caching;
mod canaries;
mod certificates;
mod checks;
mod coerce;
mod commas;
mod consumers;
mod custom;
mod defaults;
mod functions;
mod logging;
mod plugin;
mod plugins;
mod print;
mod rules;
mod tables;
mod telemetry;
mod transformers;
mod upstreams;
mod validate;

use serde_json::{Map, Value};

pub(crate) use self::borrowed::Borrowed;
pub(crate) use self::canaries::CANARY;
pub(crate) use self::certificates::{CA_CERTIFICATE, CERTIFICATE, SNI};
pub(crate) use self::coerce::{Given, coerce};
pub(crate) use self::consumers::{ACL, BASIC_AUTH, CONSUMER, HMAC_AUTH, JWT, KEY_AUTH};
pub(crate) use self::defaults::{fill, has_nulls, merge, replace_nulls};
pub(crate) use self::functions::MAX_FUNCTIONS;
pub(super) use self::functions::compile_error;
pub(crate) use self::plugins::{NAMES as PLUGINS, plugin};
pub(crate) use self::print::{print, print_field};
pub(crate) use self::rules::{target, wildcard_sni};
pub(crate) use self::tables::{APIS, PLUGIN, ROUTE, SERVICE};
pub(crate) use self::upstreams::{TARGET, UPSTREAM};
pub(crate) use self::validate::{is_uuid, validate};

/// An object, as JSON has it.
pub(crate) type Object = Map<String, Value>;

/// The fields of an object, and what must hold between them.
pub(crate) struct Schema {
    pub(crate) fields: &'static [Field],
    pub(crate) checks: &'static [Check],
}

/// One field.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    /// JSON text.
    pub(crate) default: Option<&'static str>,
    /// Made by the gateway where it is not given.
    pub(crate) auto: bool,
    pub(crate) unique: bool,
    /// Of old versions: not shown, and without a default, where it is not given.
    pub(crate) legacy: bool,
    pub(crate) rules: &'static [Rule],
}

/// The type of a field.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    String,
    Integer,
    Number,
    Boolean,
    Array(&'static Field, Split),
    Set(&'static Field, Split),
    Map {
        keys: &'static Field,
        values: &'static Field,
    },
    Record(&'static Schema),
    /// A record, or a string that is its first field.
    Named(&'static Schema),
    /// The configuration of a plugin: its schema depends on the plugin's name.
    Config,
    /// Another entity, and the field by which it may be named, beside its id.
    Foreign(&'static str, &'static str),
}

/// What becomes of a list that is given as one string.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Split {
    /// It is the only element.
    Never,
    /// It is split at commas; `\,` is a comma.
    Commas,
    /// It is one function if it compiles as a whole, and split at commas otherwise.
    Functions,
}

/// What must hold for the value of a field, beside its type.
#[derive(Clone, Copy)]
pub(crate) enum Rule {
    /// Nothing but null is allowed: Kong has the field, or other kinds of the entity do.
    Null(Option<&'static str>),
    OneOf(&'static [&'static str]),
    OneOfIntegers(&'static [i64]),
    GreaterThan(i64),
    Between(i64, i64),
    LenMin(usize),
    LenMax(usize),
    Uuid,
    Timestamp,
    StartsWith(&'static str),
    /// At most one of the subsets has elements in the list.
    Exclusive(&'static [&'static [&'static str]]),
    Check(fn(&str) -> Result<(), String>),
    /// A function of the plugin of this name, in the field of this one.
    Function(&'static str, &'static str),
}

/// What must hold between fields. Names are paths: `config.access`.
pub(crate) enum Check {
    AtLeastOneOf(&'static [&'static str]),
    OnlyOneOf(&'static [&'static str]),
    /// Where the field is one of the values (or, with `unless`, is none of them), the other field
    /// must be as said.
    When {
        field: &'static str,
        is: &'static [&'static str],
        unless: bool,
        then: &'static str,
        must: Must,
    },
    /// Where the list has the element, one of the fields must be there.
    Needs {
        list: &'static str,
        contains: &'static str,
        one_of: &'static [&'static str],
        error: &'static str,
    },
    /// No two of the fields have the same value.
    Distinct(&'static [&'static str]),
    Custom(fn(&Object) -> Result<(), String>),
}

/// What a field must be.
#[derive(Clone, Copy)]
pub(crate) enum Must {
    BeNull,
    BeThere,
    BeOneOf(&'static [&'static str]),
    /// It must be there, and be what the check wants.
    Be(fn(&str) -> Result<(), String>),
}

impl Field {
    pub(crate) const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            required: false,
            default: None,
            auto: false,
            unique: false,
            legacy: false,
            rules: &[],
        }
    }

    /// The elements of a list, or the keys or values of a map.
    pub(crate) const fn element(kind: Kind) -> Self {
        Self::new("", kind).required()
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn default(mut self, json: &'static str) -> Self {
        self.default = Some(json);
        self
    }

    pub(crate) const fn auto(mut self) -> Self {
        self.auto = true;
        self
    }

    pub(crate) const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    pub(crate) const fn legacy(mut self) -> Self {
        self.legacy = true;
        self
    }

    pub(crate) const fn rules(mut self, rules: &'static [Rule]) -> Self {
        self.rules = rules;
        self
    }

    /// The default, if there is one.
    pub(crate) fn default_value(&self) -> Option<Value> {
        self.default.map(|json| serde_json::from_str(json).expect("a default is JSON"))
    }
}

impl Schema {
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// Looks a path such as `config.access` up.
pub(crate) fn at<'a>(object: &'a Object, path: &str) -> Option<&'a Value> {
    let mut names = path.split('.');
    let first = object.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

/// Whether there is something in a value.
pub(crate) fn non_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(object)) => !object.is_empty(),
        Some(_) => true,
    }
}

/// The fields that an object of this schema has: a plugin has some of its own.
fn fields_of(schema: &'static Schema, object: &Object) -> Vec<&'static Field> {
    let own = special(schema, object);
    let find = |name| own.and_then(|own| own.field(name));
    schema.fields.iter().map(|field| find(field.name).unwrap_or(field)).collect()
}

/// What is special about a plugin, by its name.
fn special(schema: &'static Schema, object: &Object) -> Option<&'static Schema> {
    special_of(schema, || object.get("name")?.as_str())
}

fn special_of<'a>(
    schema: &'static Schema,
    name: impl FnOnce() -> Option<&'a str>,
) -> Option<&'static Schema> {
    let of_plugins = schema.fields.iter().any(|field| matches!(field.kind, Kind::Config));
    if of_plugins { plugin(name()?) } else { None }
}
