//! What gateways tell each other over a shared database: one numbered change after the other.

use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, Row};

use super::{Address, Missed, rows};
use crate::BoxError;
use crate::configured::entities::{Kind, Step};

/// Where the database says that something has changed.
pub(super) const CHANNEL: &str = "gateway";

/// Before the first change.
pub(super) const UNKNOWN: i64 = -1;

/// Whoever changes something has this lock until it is done: changes have an order, and each is
/// decided on after the one before. As a text, for the library has no type for nothing.
pub(super) const LOCK: &str = "SELECT pg_advisory_xact_lock(8207513341)::text";

/// How many changes are kept for those who have been away. Who was away for longer reads everything.
const KEPT: i64 = 1000;

/// How many steps are written down. It is cheaper to read everything than many of them.
const MOST_STEPS: usize = 500;

/// A step, written down.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Written {
    Put(String, String),
    Delete(String, String),
}

/// What happened after the change of the number `version`, and the number of the last one. For one
/// who only reads, in a transaction that has just begun.
pub(super) async fn missed(
    connection: &mut AnyConnection,
    address: &Address,
    version: i64,
) -> Result<(Missed, i64), BoxError> {
    if address.is_shared() {
        let snapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ";
        sqlx::query(snapshot).execute(&mut *connection).await?;
    }
    since(connection, address, version).await
}

/// The same for one who is to write: nobody else does until the transaction ends.
pub(super) async fn missed_by_writer(
    connection: &mut AnyConnection,
    address: &Address,
    version: i64,
) -> Result<(Missed, i64), BoxError> {
    if address.is_shared() {
        sqlx::query(LOCK).execute(&mut *connection).await?;
    }
    since(connection, address, version).await
}

async fn since(
    connection: &mut AnyConnection,
    address: &Address,
    version: i64,
) -> Result<(Missed, i64), BoxError> {
    if !address.is_shared() {
        return Ok(match version {
            UNKNOWN => (Missed::Everything(rows::all(connection).await?), 0),
            version => (Missed::Nothing, version),
        });
    }
    let newest = sqlx::query("SELECT COALESCE(MAX(version), 0) FROM changes");
    let newest: i64 = newest.fetch_one(&mut *connection).await?.try_get(0)?;
    if newest == version {
        return Ok((Missed::Nothing, version));
    }
    let missed = match steps_between(connection, version, newest).await? {
        Some(steps) => Missed::Steps(steps),
        None => Missed::Everything(rows::all(connection).await?),
    };
    Ok((missed, newest))
}

/// The steps of all changes after `version`, if they are all known.
async fn steps_between(
    connection: &mut AnyConnection,
    version: i64,
    newest: i64,
) -> Result<Option<Vec<Step>>, BoxError> {
    if version == UNKNOWN || newest < version || newest - version > KEPT {
        return Ok(None);
    }
    let changes = sqlx::query("SELECT steps FROM changes WHERE version > $1 ORDER BY version")
        .bind(version)
        .fetch_all(connection)
        .await?;
    if i64::try_from(changes.len()).ok() != Some(newest - version) {
        return Ok(None);
    }
    let mut steps = Vec::new();
    for change in changes {
        let Some(written) = change.try_get::<Option<String>, _>(0)? else { return Ok(None) };
        for step in serde_json::from_str::<Vec<Written>>(&written)? {
            steps.push(step.read()?);
        }
    }
    Ok(Some(steps))
}

/// Writes a change down for others, after the one of the number `version`: its number.
pub(super) async fn tell(
    connection: &mut AnyConnection,
    address: &Address,
    version: i64,
    steps: &[Step],
) -> Result<i64, BoxError> {
    if !address.is_shared() || steps.is_empty() {
        return Ok(version);
    }
    let version = version + 1;
    let written = match steps.len() {
        ..=MOST_STEPS => steps.iter().map(Written::of).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    sqlx::query("INSERT INTO changes (version, steps) VALUES ($1, $2)")
        .bind(version)
        .bind(written.map(|steps| serde_json::to_string(&steps)).transpose()?)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM changes WHERE version <= $1")
        .bind(version - KEPT)
        .execute(&mut *connection)
        .await?;
    // Heard when the transaction has ended.
    sqlx::query(&format!("NOTIFY {CHANNEL}")).execute(&mut *connection).await?;
    Ok(version)
}

impl Written {
    /// What is written of a step; nothing of one that begins anew.
    fn of(step: &Step) -> Option<Self> {
        match step {
            Step::Clear => None,
            Step::Put(kind, document) => {
                Some(Self::Put(kind.name().to_owned(), document.json().to_owned()))
            }
            Step::Delete(kind, id) => Some(Self::Delete(kind.name().to_owned(), id.to_string())),
        }
    }

    fn read(self) -> Result<Step, BoxError> {
        Ok(match self {
            Self::Put(kind, document) => {
                let (kind, document) = rows::stored(&kind, document)?;
                Step::Put(kind, document.into())
            }
            Self::Delete(kind, id) => {
                Step::Delete(Kind::of_name(&kind).ok_or("unknown kind")?, id.into())
            }
        })
    }
}
