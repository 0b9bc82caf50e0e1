//! Routes, and requests that some of them may take.

use serde_json::{Map, Value, json};

use super::Choices;

const METHODS: &[&str] = &["GET", "POST", "X"];
const HOSTS: &[&str] = &["a.test", "b.test", "*.a.test", "a.*", "a.test:80"];
const PATHS: &[&str] =
    &["/", "/a", "/a/", "/a/b", "/ab", "~/a$", "~/(?<x>[ab]+)", "~/a/.*/c", "/%41", "/ä"];
const VALUES: &[&str] = &["1", "2", "~*^[0-9]$"];

/// What a request asks for.
#[derive(Debug)]
pub struct Asked {
    pub method: &'static str,
    pub host: &'static str,
    pub path: &'static str,
    pub header: Option<&'static str>,
    pub is_tls: bool,
}

impl Asked {
    /// As the tests of the router write it: `GET https://host/path x-a:1`, `-` for no host.
    pub fn line(&self) -> String {
        let Self { method, path, .. } = self;
        let scheme = if self.is_tls { "https://" } else { "" };
        let host = if self.host.is_empty() { "-" } else { self.host };
        let header = self.header.map(|value| format!(" x-a:{value}")).unwrap_or_default();
        format!("{method} {scheme}{host}{path}{header}")
    }
}

/// The fields of a route that make it take some requests and not others.
pub fn route(choices: &mut Choices<'_>) -> Value {
    let mut fields = Map::new();
    let mut some = |choices: &mut Choices<'_>, name: &str, from: &[&str]| {
        if choices.below(2) == 1 {
            let mut values = choices.several(2, |choices| choices.pick(from));
            values.push(choices.pick(from));
            fields.insert(name.to_owned(), json!(values));
        }
    };
    some(choices, "methods", METHODS);
    some(choices, "hosts", HOSTS);
    some(choices, "paths", PATHS);
    if choices.once_in(4) {
        let values = [choices.pick(VALUES)];
        fields.insert("headers".to_owned(), json!({ "x-a": values }));
    }
    if choices.once_in(4) {
        fields.insert("protocols".to_owned(), json!([choices.pick(&["http", "https"])]));
    }
    if choices.once_in(4) {
        fields.insert("regex_priority".to_owned(), json!(choices.below(3)));
    }
    Value::Object(fields)
}

pub fn asked(choices: &mut Choices<'_>) -> Asked {
    Asked {
        method: choices.pick(METHODS),
        host: choices.pick(&["a.test", "b.test", "x.a.test", "a.test:80", "a.org", ""]),
        path: choices
            .pick(&["/", "/a", "/a/", "/a/b", "/ab", "/a/x/c", "/A", "/b", "/\u{e4}", "/c"]),
        header: choices.once_in(3).then(|| choices.pick(&["1", "2", "x"])),
        is_tls: choices.once_in(3),
    }
}
