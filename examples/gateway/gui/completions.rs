//! What an editor offers: the names of `types`, and what they are.

use std::sync::LazyLock;

use axum::response::IntoResponse;
use http::header;
use serde_json::{Map, Value, json};

use crate::lua::api::{Api, Class, Member, Type, standard};
use crate::lua::types;

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let api = Api::read(types::FILES.iter().map(|(_, text)| *text));
    let classes = api.classes().map(|(name, class)| (name.to_owned(), of_class(class)));
    let modules = api.modules().map(|(name, of)| (name.to_owned(), of_type(of)));
    let names = standard::FUNCTIONS.iter().chain(standard::VALUES).copied();
    let libraries = standard::LIBRARIES.iter().map(|(library, _)| *library);
    let tables = libraries.chain(["kong", "ngx"]);
    json!({
        "classes": classes.collect::<Map<_, _>>(),
        "modules": modules.collect::<Map<_, _>>(),
        "globals": names.collect::<Vec<_>>(),
        "tables": tables.collect::<Vec<_>>(),
    })
    .to_string()
});

/// All of it, as JSON.
pub(super) fn text() -> &'static str {
    &TEXT
}

pub(super) async fn answer() -> impl IntoResponse {
    let content_type = (header::CONTENT_TYPE, "application/json; charset=utf-8");
    ([content_type, (header::CACHE_CONTROL, "no-cache")], text())
}

fn of_class(class: &Class) -> Value {
    let members = class.members.iter().map(|(name, member)| (name.clone(), of_member(member)));
    let members: Map<_, _> = members.collect();
    let mut said = json!({ "members": members });
    if !class.parents.is_empty() {
        said["parents"] = json!(class.parents);
    }
    if let Some(Type::Class(name)) = &class.others {
        said["others"] = json!(name);
    }
    if let Some(Type::Class(name)) = &class.called {
        said["called"] = json!(name);
    }
    said
}

/// What a name is; nothing is said of what is as it mostly is.
fn of_member(member: &Member) -> Value {
    let mut said = Map::new();
    let Member { of, phases, said: about, .. } = member;
    if let Type::Function { gives, is_method } = of {
        said.insert("arguments".to_owned(), json!(about.parameters.join(", ")));
        if !about.results.is_empty() {
            said.insert("results".to_owned(), json!(about.results.join(", ")));
        }
        if *is_method {
            said.insert("method".to_owned(), json!(true));
        }
        if let Type::Class(_) = **gives {
            said.insert("gives".to_owned(), of_type(gives));
        }
    } else if !of_type(of).is_null() {
        said.insert("of".to_owned(), of_type(of));
    }
    if !about.summary.is_empty() {
        said.insert("summary".to_owned(), json!(about.summary));
    }
    if let Some(phases) = phases {
        said.insert("phases".to_owned(), json!(phases.join(", ")));
    }
    said.into()
}

/// The class of a value, or, behind `*`, that of what a table has in it.
fn of_type(of: &Type) -> Value {
    match of {
        Type::Class(name) => json!(name),
        Type::Each(each) => match &**each {
            Type::Class(name) => json!(format!("*{name}")),
            _ => Value::Null,
        },
        _ => Value::Null,
    }
}
