//! What the Admin API answers when something is not as it should be: Kong's codes, names and texts.

use http::StatusCode;
use serde_json::{Value, json};

use crate::configured::schema::Object;

/// An answer that is an error.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Problem {
    /// An error that is a message and nothing else.
    pub(crate) fn message(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, body: json!({ "message": message.into() }) }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::message(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found() -> Self {
        Self::message(StatusCode::NOT_FOUND, "Not found")
    }

    fn of(status: StatusCode, code: u8, name: &str, message: &str, fields: &Value) -> Self {
        let body = json!({ "message": message, "name": name, "code": code, "fields": fields });
        Self { status, body }
    }

    /// Fields that are not as the schema says.
    pub(crate) fn schema_violation(errors: Object) -> Self {
        let message = summary(&errors, "schema violation", "schema violations");
        Self::of(StatusCode::BAD_REQUEST, 2, "schema violation", &message, &errors.into())
    }

    /// One field that is not as it should be, or `@entity`.
    pub(crate) fn violation(field: &str, message: &str) -> Self {
        let error = if field == "@entity" { json!([message]) } else { message.into() };
        Self::schema_violation(Object::from_iter([(field.to_owned(), error)]))
    }

    /// An id that is none.
    pub(crate) fn invalid_primary_key() -> Self {
        let key = json!({ "id": "expected a valid UUID" });
        let message = format!("invalid primary key: '{}'", lua(&key));
        Self::of(StatusCode::BAD_REQUEST, 1, "invalid primary key", &message, &key)
    }

    pub(crate) fn primary_key(id: &str) -> Self {
        let key = json!({ "id": id });
        let message = format!("primary key violation on key '{}'", lua(&key));
        Self::of(StatusCode::BAD_REQUEST, 3, "primary key violation", &message, &key)
    }

    pub(crate) fn foreign_key(field: &str, id: &str, parent: &str) -> Self {
        let key = json!({ "id": id });
        let message = format!(
            "the foreign key '{}' does not reference an existing '{parent}' entity.",
            lua(&key)
        );
        let fields = json!({ field: key });
        Self::of(StatusCode::BAD_REQUEST, 4, "foreign key violation", &message, &fields)
    }

    pub(crate) fn unresolved(field: &str, key: &str, name: &str, parent: &str) -> Self {
        let by = lua(&json!({ key: name }));
        let error = format!(
            "the foreign key cannot be resolved with '{by}' for an existing '{parent}' entity"
        );
        let fields = json!({ field: { key: error } });
        let message = format!("foreign key unresolved ({field}.{key}: {error})");
        Self::of(StatusCode::BAD_REQUEST, 13, "foreign keys unresolved", &message, &fields)
    }

    pub(crate) fn referenced(child: &str, parent: &str) -> Self {
        let message = format!("an existing '{child}' entity references this '{parent}' entity");
        let fields = json!({ "@referenced_by": child });
        Self::of(StatusCode::BAD_REQUEST, 4, "foreign key violation", &message, &fields)
    }

    /// An authority that a service counts on.
    pub(crate) fn held(authority: &str, service: &str) -> Self {
        let message =
            format!("ca certificate {authority} is still referenced by services (id = {service})");
        let body = json!({ "message": message, "name": "referenced by others", "code": 19 });
        Self { status: StatusCode::BAD_REQUEST, body }
    }

    pub(crate) fn unique(key: &Value) -> Self {
        let message = format!("UNIQUE violation detected on '{}'", lua(key));
        Self::of(StatusCode::CONFLICT, 5, "unique constraint violation", &message, key)
    }

    /// A page that there cannot be.
    pub(crate) fn page(code: u8, name: &str, message: &str) -> Self {
        let body = json!({ "message": message, "name": name, "code": code });
        Self { status: StatusCode::BAD_REQUEST, body }
    }

    pub(crate) fn option(name: &str, error: &str) -> Self {
        let body = json!({
            "message": format!("invalid option ({name}: {error})"),
            "name": "invalid options",
            "code": 11,
            "options": { name: error },
        });
        Self { status: StatusCode::BAD_REQUEST, body }
    }

    /// A change without a store to keep it in.
    pub(crate) fn read_only(what: &str, entities: &str) -> Self {
        let message = format!("cannot {what} '{entities}' entities when not using a database");
        let body = json!({ "message": message, "name": "operation unsupported", "code": 12 });
        Self { status: StatusCode::METHOD_NOT_ALLOWED, body }
    }

    pub(crate) fn declarative(errors: Object) -> Self {
        let errors = Value::Object(errors);
        let message = format!("declarative config is invalid: {}", lua(&errors));
        let name = "invalid declarative configuration";
        Self::of(StatusCode::BAD_REQUEST, 14, name, &message, &errors)
    }

    /// What the client cannot help.
    pub(crate) fn unexpected(error: &dyn std::fmt::Display) -> Self {
        tracing::error!("the Admin API: {error}");
        Self::message(StatusCode::INTERNAL_SERVER_ERROR, "An unexpected error occurred")
    }

    /// A change that cannot be kept for now.
    pub(crate) fn unavailable(error: &dyn std::fmt::Display) -> Self {
        tracing::error!("the Admin API: {error}");
        let message = format!("the database cannot be reached, try again later: {error}");
        Self::message(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// Whether another entity is missing.
    pub(crate) fn is_foreign_key(&self) -> bool {
        self.body["code"] == 4
    }

    /// The message.
    pub(crate) fn text(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

impl From<Problem> for crate::BoxError {
    fn from(problem: Problem) -> Self {
        problem.text().into()
    }
}

/// All errors in a line: first those between fields, then those of fields by name.
fn summary(errors: &Object, one: &str, many: &str) -> String {
    let mut parts = Vec::new();
    for error in errors.get("@entity").and_then(Value::as_array).into_iter().flatten() {
        parts.push(error.as_str().unwrap_or_default().to_owned());
    }
    for (field, error) in errors.iter().filter(|(field, _)| *field != "@entity") {
        match error {
            Value::Object(inner) => {
                parts.extend(inner.iter().map(|(name, e)| format!("{field}.{name}: {}", shown(e))));
            }
            Value::Array(list) => {
                let numbered = list.iter().enumerate().filter(|(_, error)| !error.is_null());
                parts.extend(numbered.map(|(n, e)| format!("{field}.{}: {}", n + 1, shown(e))));
            }
            error => parts.push(format!("{field}: {}", shown(error))),
        }
    }
    let all = parts.join("; ");
    if parts.len() == 1 {
        format!("{one} ({all})")
    } else {
        format!("{} {many} ({all})", parts.len())
    }
}

fn shown(error: &Value) -> String {
    error.as_str().map_or_else(|| pretty(error), str::to_owned)
}

/// A value as a Lua table on one line.
fn lua(value: &Value) -> String {
    table(value, "{", ",", "}")
}

/// A value as a Lua table with a line for each element.
fn pretty(value: &Value) -> String {
    table(value, "{\n  ", ",\n  ", "\n}")
}

fn table(value: &Value, open: &str, between: &str, close: &str) -> String {
    let parts: Vec<String> = match value {
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| {
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if name.chars().all(plain) {
                    format!("{name}={}", lua(value))
                } else {
                    format!("[\"{name}\"]={}", lua(value))
                }
            })
            .collect(),
        Value::Array(list) => {
            let gaps = list.iter().any(Value::is_null);
            let there = list.iter().enumerate().filter(|(_, value)| !value.is_null());
            there
                .map(
                    |(n, value)| {
                        if gaps { format!("[{}] = {}", n + 1, lua(value)) } else { lua(value) }
                    },
                )
                .collect()
        }
        Value::String(text) => return format!("\"{}\"", text.replace('"', "\\\"")),
        other => return other.to_string(),
    };
    if parts.is_empty() {
        return "{}".to_owned();
    }
    format!("{open}{}{close}", parts.join(between))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(errors: Value) -> String {
        let Value::Object(errors) = errors else { panic!("an object") };
        Problem::schema_violation(errors).text().to_owned()
    }

    #[test]
    fn one_error_is_named_by_its_field() {
        let errors = json!({ "host": "required field missing" });
        assert_eq!(text(errors), "schema violation (host: required field missing)");
    }

    #[test]
    fn several_errors_are_counted_and_those_between_fields_come_first() {
        let errors = json!({
            "config": { "second": "expected a number", "a": "unknown field" },
            "@entity": ["at least one"],
        });
        assert_eq!(
            text(errors),
            "3 schema violations (at least one; config.a: unknown field; config.second: expected a number)"
        );
    }

    #[test]
    fn errors_of_functions_are_shown_with_their_place() {
        let errors = json!({ "config": { "access": [null, "no \"Lua\""] } });
        assert_eq!(
            text(errors),
            "schema violation (config.access: {\n  [2] = \"no \\\"Lua\\\"\"\n})"
        );
    }

    #[test]
    fn keys_are_shown_as_lua_tables() {
        let key = json!({ "name": "pre-function", "route": null, "service": { "id": "1" } });
        assert_eq!(
            Problem::unique(&key).text(),
            r#"UNIQUE violation detected on '{name="pre-function",route=null,service={id="1"}}'"#
        );
    }
}
