//! `/plugins/{plugin}/versions`: what the functions of a plugin were, and the way back.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderName, StatusCode};
use serde_json::{Value, json};

use super::answer::Answer;
use super::{Answered, Call, list};
use crate::configured::entities::{Document, Draft, Kind, in_seconds};
use crate::configured::problem::Problem;
use crate::configured::schema::{self, Field, Given, Object, Rule, Schema};
use crate::configured::store::{Author, Version};
use crate::request::peer::Peer;

/// Who clients say that they are.
const CHANGED_BY: HeaderName = HeaderName::from_static("x-changed-by");

/// How many characters of that are kept.
const LONGEST_NAME: usize = 256;

/// What a body may say of the version to return to.
static WANTED: Schema = Schema {
    fields: &[Field::new("version", schema::Kind::Integer).rules(&[Rule::GreaterThan(0)])],
    checks: &[],
};

/// Who asks for a change.
pub(super) fn author_of(head: &Parts) -> Author {
    let peer = head.extensions.get::<Arc<Peer>>();
    let address = peer.map(|peer| peer.connection.peer_addr().ip());
    let name = head.headers.get(CHANGED_BY).map(|name| String::from_utf8_lossy(name.as_bytes()));
    let name = name.map(|name| name.trim().chars().take(LONGEST_NAME).collect::<String>());
    Author { address, name: name.filter(|name| !name.is_empty()) }
}

/// All versions that are kept, the newest first.
pub(super) async fn list(call: &Call<'_>, key: &str) -> Answered {
    let (plugin, versions) = versions(call, key).await?;
    let newest = versions.first().map(|version| version.number);
    let rows = versions.iter().map(|version| {
        let mark = format!("{:020}", i64::MAX - version.number);
        Ok((mark, shown(version, newest)?))
    });
    let rows = rows.collect::<Result<_, Problem>>()?;
    list::rows(call, &format!("/plugins/{}/versions", plugin.id()), rows)
}

/// One of them.
pub(super) async fn one(call: &Call<'_>, key: &str, version: &str) -> Answered {
    let (_, versions) = versions(call, key).await?;
    let newest = versions.first().map(|version| version.number);
    let number = version.parse().map_err(|_| Problem::not_found())?;
    Ok(Answer::ok(shown(find(&versions, number)?, newest)?))
}

/// Gives a plugin the functions of a version again: of the one before the newest, where none is named. This is
/// a change like any other, and makes a version.
pub(super) async fn roll_back(call: Call<'_>, key: &str, version: Option<&str>) -> Answered {
    let number = match version {
        Some(version) => Some(version.parse().map_err(|_| Problem::not_found())?),
        None => wanted(&call)?,
    };
    let (plugin, versions) = versions(&call, key).await?;
    let version = match number {
        Some(number) => find(&versions, number)?,
        None => versions.get(1).ok_or_else(|| {
            Problem::bad_request("there is no version before the one in force to roll back to")
        })?,
    };
    let change = Object::from_iter([("config".to_owned(), config(version)?)]);
    let (database, id) = (&call.admin.database, plugin.id().to_owned());
    let author = author_of(call.head);
    let edit = move |draft: &mut Draft| {
        let old = draft.state.known(Kind::Plugins, &id)?;
        // Which one is before the newest is another question since then.
        if number.is_none() && old.config() != plugin.config() {
            let message =
                "the functions have been changed meanwhile: look at the versions, and try again";
            return Err(Problem::message(StatusCode::CONFLICT, message));
        }
        draft.update(Kind::Plugins, &old, change, Given::Typed)
    };
    let document = database.change(author, "update", Kind::Plugins, edit).await?;
    Ok(Answer::ok(document.shown_in(&database.state())))
}

/// The number that the body of a request has.
fn wanted(call: &Call<'_>) -> Result<Option<i64>, Problem> {
    let mut object = call.arguments.object.clone();
    schema::coerce(&WANTED, &mut object, call.arguments.given);
    schema::validate(&WANTED, &object).map_err(Problem::schema_violation)?;
    Ok(object.get("version").and_then(Value::as_i64))
}

/// A plugin and the versions of its functions, the newest first.
async fn versions(call: &Call<'_>, key: &str) -> Result<(Arc<Document>, Vec<Version>), Problem> {
    let plugin = call.admin.database.state().known(Kind::Plugins, key)?;
    let versions = call.admin.database.versions(&plugin).await?;
    Ok((plugin, versions))
}

fn find(versions: &[Version], number: i64) -> Result<&Version, Problem> {
    let found = versions.iter().find(|version| version.number == number);
    found.ok_or_else(|| {
        let (newest, oldest) = (versions.first(), versions.last());
        let [newest, oldest] = [newest, oldest].map(|v| v.map_or(0, |version| version.number));
        let message =
            format!("there is no version {number}: versions {oldest} to {newest} are kept");
        Problem::message(StatusCode::NOT_FOUND, message)
    })
}

fn shown(version: &Version, newest: Option<i64>) -> Result<Value, Problem> {
    Ok(json!({
        "version": version.number,
        "digest": version.digest,
        "at": in_seconds(version.at),
        "by": { "address": version.address, "name": version.name },
        "current": Some(version.number) == newest,
        "config": config(version)?,
    }))
}

fn config(version: &Version) -> Result<Value, Problem> {
    serde_json::from_str(&version.config).map_err(|error| Problem::unexpected(&error))
}
