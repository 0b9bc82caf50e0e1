//! [`Version`]: what the functions of a plugin were, change by change.
//!
//! A version is written in the transaction of the change that makes it, whichever way the change comes.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Row};

use super::rows::{self, BATCH};
use crate::BoxError;
use crate::configured::entities::{Document, Kind, Step, now_in_milliseconds};

/// Who changes something; nobody in particular, where the gateway itself does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Author {
    pub(crate) address: Option<IpAddr>,
    /// As they call themselves.
    pub(crate) name: Option<String>,
}

/// The functions of a plugin from one change to the next.
#[derive(Clone)]
pub(crate) struct Version {
    /// From 1, in the order of the changes.
    pub(crate) number: i64,
    pub(crate) digest: String,
    /// When it was made, in milliseconds since 1970.
    pub(crate) at: i64,
    /// Whose change made it.
    pub(crate) address: Option<String>,
    pub(crate) name: Option<String>,
    /// The plugin's configuration, as JSON.
    pub(crate) config: String,
}

/// How many versions of a plugin are kept.
const KEPT: i64 = 50;

/// The columns of the table, as [`Version`] has them, after the plugin.
const COLUMNS: &str = "version, digest, made_at, address, author, config";

/// The numbers and digests of the newest versions, by the ids of plugins.
type Newest = HashMap<String, (i64, String)>;

impl Version {
    /// The first version of a plugin that was there before versions were, or is in no database; nothing, where
    /// the plugin has no functions.
    pub(crate) fn first(document: &Document) -> Option<Self> {
        let config = functions(document)?;
        let object = document.object();
        let time = |field: &str| object.get(field).and_then(Value::as_i64);
        let at = time("updated_at").or_else(|| time("created_at")).unwrap_or_default();
        let digest = digest_of(&config);
        let at = at.saturating_mul(1000);
        Some(Self { number: 1, digest, at, address: None, name: None, config })
    }

    /// The version `number`, made now.
    fn new(number: i64, digest: String, config: String, author: &Author) -> Self {
        let address = author.address.map(|address| address.to_string());
        let (at, name) = (now_in_milliseconds(), author.name.clone());
        Self { number, digest, at, address, name, config }
    }
}

/// Writes down what `steps` make of functions, and who does: before entities are what the steps say.
pub(super) async fn take(
    connection: &mut AnyConnection,
    steps: &[Step],
    author: &Author,
) -> Result<(), BoxError> {
    let begins_anew = steps.iter().any(|step| matches!(step, Step::Clear));
    let plugins = last(steps);
    if plugins.is_empty() && !begins_anew {
        return Ok(());
    }
    let only = plugins.keys().next().filter(|_| !begins_anew && plugins.len() == 1);
    let newest = newest(connection, only.copied()).await?;
    let new_ones: Vec<_> = plugins.iter().filter(|(id, _)| !newest.contains_key(**id)).collect();
    let before = match new_ones.is_empty() {
        true => HashMap::new(),
        false => before(connection, only.copied()).await?,
    };
    let mut versions = Vec::new();
    for (id, document) in &plugins {
        match document.and_then(|document| functions(document)) {
            Some(config) => {
                versions.extend(next(id, config, newest.get(*id), before.get(*id), author));
            }
            None if newest.contains_key(*id) => forget(connection, id, i64::MAX).await?,
            None => {}
        }
    }
    for id in newest.keys().filter(|id| begins_anew && !plugins.contains_key(id.as_str())) {
        forget(connection, id, i64::MAX).await?;
    }
    for batch in versions.chunks(BATCH) {
        insert(connection, batch).await?;
    }
    for (id, version) in versions.iter().filter(|(_, version)| version.number > KEPT) {
        forget(connection, id, version.number - KEPT).await?;
    }
    Ok(())
}

/// The versions of a plugin, the newest first.
pub(super) async fn of(
    connection: &mut AnyConnection,
    plugin: &str,
) -> Result<Vec<Version>, BoxError> {
    let query = format!("SELECT {COLUMNS} FROM versions WHERE plugin = $1 ORDER BY version DESC");
    let rows = sqlx::query(&query).bind(plugin.to_owned()).fetch_all(connection).await?;
    let version = |row: &sqlx::any::AnyRow| {
        Ok(Version {
            number: row.try_get(0)?,
            digest: row.try_get(1)?,
            at: row.try_get(2)?,
            address: row.try_get(3)?,
            name: row.try_get(4)?,
            config: row.try_get(5)?,
        })
    };
    rows.iter().map(version).collect()
}

/// The plugins that are in `steps`, and what becomes of them in the end.
fn last(steps: &[Step]) -> BTreeMap<&str, Option<&Arc<Document>>> {
    let mut plugins = BTreeMap::new();
    for step in steps {
        match step {
            Step::Clear => plugins.clear(),
            Step::Put(Kind::Plugins, document) => {
                plugins.insert(document.id(), Some(document));
            }
            Step::Delete(Kind::Plugins, id) => {
                plugins.insert(&**id, None);
            }
            Step::Put(..) | Step::Delete(..) => {}
        }
    }
    plugins
}

/// The versions that a change makes of a plugin: none, where its functions stay; two, where those of before
/// were not written down when they were new.
fn next<'a>(
    id: &'a str,
    config: String,
    newest: Option<&(i64, String)>,
    before: Option<&Version>,
    author: &Author,
) -> Vec<(&'a str, Version)> {
    let digest = digest_of(&config);
    let unwritten = before.filter(|_| newest.is_none());
    let number = newest.map(|(number, _)| *number).or(unwritten.map(|version| version.number));
    let known = newest.map(|(_, digest)| digest).or(unwritten.map(|version| &version.digest));
    if known == Some(&digest) {
        return Vec::new();
    }
    let version = Version::new(number.unwrap_or_default() + 1, digest, config, author);
    unwritten.cloned().into_iter().chain([version]).map(|version| (id, version)).collect()
}

/// The newest version of a plugin, or of each.
async fn newest(connection: &mut AnyConnection, only: Option<&str>) -> Result<Newest, sqlx::Error> {
    const NEWEST: &str = "SELECT plugin, version, digest FROM versions WHERE version = \
         (SELECT MAX(version) FROM versions AS others WHERE others.plugin = versions.plugin)";
    let query = only.map_or_else(|| NEWEST.to_owned(), |_| format!("{NEWEST} AND plugin = $1"));
    let mut query = sqlx::query(&query);
    if let Some(plugin) = only {
        query = query.bind(plugin.to_owned());
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?)))).collect()
}

/// The functions of a plugin, or of all, as they are before the change.
async fn before(
    connection: &mut AnyConnection,
    only: Option<&str>,
) -> Result<HashMap<String, Version>, BoxError> {
    const PLUGINS: &str = "SELECT id, document FROM entities WHERE kind = 'plugins'";
    let query = only.map_or_else(|| PLUGINS.to_owned(), |_| format!("{PLUGINS} AND id = $1"));
    let mut query = sqlx::query(&query);
    if let Some(plugin) = only {
        query = query.bind(plugin.to_owned());
    }
    let mut versions = HashMap::new();
    for row in query.fetch_all(connection).await? {
        let (_, document) = rows::stored(Kind::Plugins.name(), row.try_get(1)?)?;
        if let Some(version) = Version::first(&document) {
            versions.insert(row.try_get(0)?, version);
        }
    }
    Ok(versions)
}

async fn insert(
    connection: &mut AnyConnection,
    versions: &[(&str, Version)],
) -> Result<(), sqlx::Error> {
    let places = rows::places(connection, versions.len(), 7);
    let statement = format!("INSERT INTO versions (plugin, {COLUMNS}) VALUES {places}");
    let mut query = sqlx::query(&statement);
    for (plugin, version) in versions {
        let Version { number, digest, at, address, name, config } = version.clone();
        query = query.bind((*plugin).to_owned()).bind(number).bind(digest).bind(at);
        query = query.bind(address).bind(name).bind(config);
    }
    query.execute(connection).await?;
    Ok(())
}

/// Removes the versions of a plugin up to a number.
async fn forget(
    connection: &mut AnyConnection,
    plugin: &str,
    up_to: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM versions WHERE plugin = $1 AND version <= $2")
        .bind(plugin.to_owned())
        .bind(up_to)
        .execute(connection)
        .await?;
    Ok(())
}

/// The configuration of a plugin whose functions have versions.
fn functions(document: &Document) -> Option<String> {
    document.plugin()?.has_functions().then(|| document.config().to_string())
}

/// The digest of functions, as JSON.
pub(crate) fn digest_of(config: &str) -> String {
    let digest = Sha256::digest(config);
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}
