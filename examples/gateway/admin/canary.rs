//! `/plugins/{plugin}/canary`: another version of functions, tried on some requests, and then taken or not.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::answer::Answer;
use super::versions::author_of;
use super::{Admin, Answered, Call};
use crate::admin::body::Arguments;
use crate::configured::entities::{Document, Draft, Kind, State};
use crate::configured::problem::Problem;
use crate::configured::schema::{self, Given, Object};
use crate::configured::store::{Author, digest_of};
use crate::in_force::plugins::Prepared;

/// Makes a canary, changes it, withdraws it, or tells of it.
pub(super) async fn answer(call: Call<'_>, key: &str) -> Answered {
    match call.head.method {
        Method::POST => begin(call, key.to_owned()).await,
        Method::PATCH => change(call, key.to_owned()).await,
        Method::DELETE => withdraw(call, key.to_owned()).await,
        _ => {
            let state = call.admin.database.state();
            let plugin = plugin(&state, key)?;
            let canary = canary_of(&state, &plugin)?;
            Ok(Answer::ok(shown(call.admin, &plugin, &canary)))
        }
    }
}

async fn begin(call: Call<'_>, key: String) -> Answered {
    let (admin, author) = (call.admin, author_of(call.head));
    let (by, arguments) = (author.clone(), call.arguments);
    let edit = move |draft: &mut Draft| {
        let plugin = plugin(&draft.state, &key)?;
        if draft.state.canary(plugin.id()).is_some() {
            let message = "there is a canary of this plugin already: change it with PATCH, promote it or \
                           withdraw it";
            return Err(Problem::message(StatusCode::CONFLICT, message));
        }
        let object = whole(&plugin, arguments, &by);
        let canary = draft.insert(Kind::Canaries, object, Given::Typed)?;
        Ok((plugin, canary))
    };
    let made = admin.database.change(author, "create", Kind::Canaries, edit).await?;
    Ok(told(admin, made).await.with_status(StatusCode::CREATED))
}

async fn change(call: Call<'_>, key: String) -> Answered {
    let (admin, author) = (call.admin, author_of(call.head));
    let (by, Arguments { mut object, given }) = (author.clone(), call.arguments);
    let edit = move |draft: &mut Draft| {
        let plugin = plugin(&draft.state, &key)?;
        let old = canary_of(&draft.state, &plugin)?;
        one_choice(&mut object);
        own(&mut object, &plugin, &by);
        let canary = draft.update(Kind::Canaries, &old, object, given)?;
        Ok((plugin, canary))
    };
    let changed = admin.database.change(author, "update", Kind::Canaries, edit).await?;
    Ok(told(admin, changed).await)
}

async fn withdraw(call: Call<'_>, key: String) -> Answered {
    let edit = move |draft: &mut Draft| {
        let plugin = plugin(&draft.state, &key)?;
        match draft.state.canary(plugin.id()).map(|canary| canary.id().to_owned()) {
            Some(id) => draft.delete(Kind::Canaries, &id),
            // What is not there needs not be withdrawn.
            None => Ok(()),
        }
    };
    let database = &call.admin.database;
    database.change(author_of(call.head), "remove", Kind::Canaries, edit).await?;
    Ok(Answer::no_content())
}

/// Gives the plugin the functions of its canary, for all requests, in a change that makes a version.
pub(super) async fn promote(call: Call<'_>, key: &str) -> Answered {
    let key = key.to_owned();
    let edit = move |draft: &mut Draft| {
        let plugin = plugin(&draft.state, &key)?;
        let canary = canary_of(&draft.state, &plugin)?;
        let change = Object::from_iter([("config".to_owned(), canary.config())]);
        draft.delete(Kind::Canaries, canary.id())?;
        draft.update(Kind::Plugins, &plugin, change, Given::Typed)
    };
    let database = &call.admin.database;
    let document = database.change(author_of(call.head), "update", Kind::Plugins, edit).await?;
    Ok(Answer::ok(document.shown_in(&database.state())))
}

/// A plugin of functions.
fn plugin(state: &State, key: &str) -> Result<Arc<Document>, Problem> {
    let document = state.known(Kind::Plugins, key)?;
    match document.plugin() {
        Some(plugin) if !plugin.has_functions() => Err(Problem::bad_request(format!(
            "'{}' is no plugin of functions: those of pre-function and post-function have canaries",
            plugin.name
        ))),
        _ => Ok(document),
    }
}

fn canary_of(state: &State, plugin: &Document) -> Result<Arc<Document>, Problem> {
    let canary = state.canary(plugin.id()).cloned();
    let missing = || Problem::message(StatusCode::NOT_FOUND, "there is no canary of this plugin");
    canary.ok_or_else(missing)
}

/// The canary of what a client gives: functions that it says nothing of are as the plugin has them.
fn whole(plugin: &Document, arguments: Arguments, author: &Author) -> Object {
    let Arguments { mut object, given } = arguments;
    own(&mut object, plugin, author);
    let schema = Kind::Canaries.schema();
    schema::coerce(schema, &mut object, given);
    let name = object.get("name").cloned().unwrap_or_default();
    let config = ("config".to_owned(), plugin.config());
    let mut whole = Object::from_iter([("name".to_owned(), name), config]);
    schema::merge(schema, &mut whole, object);
    whole
}

/// Who gives one way to choose requests takes the other away.
fn one_choice(change: &mut Object) {
    for (given, other) in [("percent", "header"), ("header", "percent")] {
        if schema::non_empty(change.get(given)) && !change.contains_key(other) {
            change.insert(other.to_owned(), Value::Null);
            return;
        }
    }
}

/// What of a canary is not the client's to say.
fn own(object: &mut Object, plugin: &Document, author: &Author) {
    let name = plugin.plugin().map(|plugin| plugin.name.as_str());
    object.insert("name".to_owned(), name.into());
    object.insert("plugin".to_owned(), json!({ "id": plugin.id() }));
    object.insert("by".to_owned(), json!({ "address": author.address, "name": author.name }));
}

/// A canary that has just been made or changed, and what is to be said of its functions.
async fn told(admin: &Admin, (plugin, canary): (Arc<Document>, Arc<Document>)) -> Answer {
    admin.metrics.compare_canaries();
    let mut answer = Answer::ok(shown(admin, &plugin, &canary));
    let name = plugin.plugin().map(|plugin| plugin.name.as_str());
    let functions = json!({ "name": name, "config": canary.config() });
    answer.warn(admin.warnings.of(&functions).await);
    answer
}

fn shown(admin: &Admin, plugin: &Document, canary: &Document) -> Value {
    let object = canary.object();
    let get = |field: &str| object.get(field).cloned().unwrap_or_default();
    let header = Some(get("header")).filter(|header| !header["name"].is_null());
    let [of_stable, of_canary] = numbers(admin, plugin.id());
    let version = |document: &Document, numbers: Object| {
        let config = document.config();
        let digest = digest_of(&config.to_string());
        let own = [("digest", digest.into()), ("config", config)];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        Value::Object(own.into_iter().chain(numbers).collect())
    };
    json!({
        "id": canary.id(),
        "plugin": { "id": plugin.id() },
        "percent": get("percent"),
        "header": header,
        "created_at": get("created_at"),
        "updated_at": get("updated_at"),
        "by": get("by"),
        "stable": version(plugin, of_stable),
        "canary": version(canary, of_canary),
    })
}

/// What was counted of both versions of a plugin's functions: requests, and calls.
fn numbers(admin: &Admin, plugin: &str) -> [Object; 2] {
    let in_force = admin.database.in_force();
    let prepared = in_force.plugin(plugin);
    let (Some(canary), Some(versions)) =
        (prepared.and_then(Prepared::canary), prepared.and_then(Prepared::versions))
    else {
        return Default::default();
    };
    let [requests_of_stable, requests_of_canary] = canary.counts();
    let [stable, canary] = admin.metrics.of_versions(versions);
    [(stable, requests_of_stable), (canary, requests_of_canary)].map(|(mut numbers, requests)| {
        numbers.insert("requests".to_owned(), requests.into());
        numbers
    })
}
