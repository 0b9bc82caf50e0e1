//! `/config`: everything at once, as a declarative file.

use std::fmt::Write as _;

use bytes::Bytes;
use http::Method;
use http::request::Parts;
use serde_json::{Value, json};

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
    Ok(Answer::created_as(shown(admin)))
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

/// All entities, by kind and id, as JSON. There may be thousands: their texts are put together.
fn shown(admin: &Admin) -> String {
    let state = admin.database.state();
    let mut kinds: Vec<_> = Kind::of_kong().collect();
    kinds.sort_by_key(|kind| kind.name());
    let mut shown = String::from("{");
    for kind in kinds {
        let mut documents = state.all(kind).peekable();
        if documents.peek().is_none() {
            continue;
        }
        let comma = if shown.len() > 1 { "," } else { "" };
        let _ = write!(shown, "{comma}\"{}\":", kind.name());
        let mut before = '{';
        for document in documents {
            let _ = write!(shown, "{before}\"{}\":", document.id());
            document.show(&mut shown);
            before = ',';
        }
        shown.push('}');
    }
    shown.push('}');
    shown
}
