//! `/config`: everything at once, as a declarative file.

use bytes::Bytes;
use http::Method;
use http::request::Parts;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::versions::author_of;
use super::{Admin, Answered, content_type};
use crate::admin::body;
use crate::configured::declarative;
use crate::configured::entities::Kind;
use crate::configured::problem::Problem;
use crate::configured::schema::Object;

/// `GET` gives the file, `POST` puts one in force.
// Kong: does so without a database alone.
pub(super) async fn answer(admin: &Admin, head: &Parts, body: Bytes) -> Answered {
    if head.method != Method::POST {
        let state = admin.database.state();
        let file = declarative::export(&state).map_err(|error| Problem::unexpected(&error))?;
        return Ok(Answer::ok(json!({ "config": file })));
    }
    let declaration = declaration(head, body).await?;
    admin.database.replace(author_of(head), declarative::load(declaration, None)?).await?;
    Ok(Answer::created(shown(admin)))
}

/// The file in a body: the body itself, or its field `config`.
async fn declaration(head: &Parts, body: Bytes) -> Result<Object, Problem> {
    let content_type = content_type(head)?;
    let is_yaml = content_type.is_some_and(|content_type| {
        ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"]
            .iter()
            .any(|yaml| content_type.to_ascii_lowercase().starts_with(yaml))
    });
    if is_yaml {
        let text = std::str::from_utf8(&body)
            .map_err(|_| Problem::bad_request("the file has bytes that are not UTF-8"))?;
        return Ok(declarative::parse(text)?);
    }
    let mut object = body::parse(content_type, body).await?.object;
    for option in ["check_hash", "flatten_errors"] {
        object.remove(option);
    }
    if object.contains_key("_format_version") {
        return Ok(object);
    }
    match object.remove("config") {
        Some(Value::String(text)) => Ok(declarative::parse(&text)?),
        Some(Value::Object(declaration)) => Ok(declaration),
        _ => Err(Problem::bad_request(
            "expected a declarative configuration: as the body, or in the field 'config'",
        )),
    }
}

/// All entities, by kind and id.
fn shown(admin: &Admin) -> Value {
    let state = admin.database.state();
    let mut shown = Object::new();
    for kind in Kind::of_kong() {
        let entities: Map<String, Value> =
            state.all(kind).map(|document| (document.id().to_owned(), document.shown())).collect();
        if !entities.is_empty() {
            shown.insert(kind.name().to_owned(), entities.into());
        }
    }
    shown.into()
}
