//! Entities as rows, in SQL that every engine understands.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::TryStreamExt;
use sqlx::{AnyConnection, Row};

use super::Address;
use crate::BoxError;
use crate::configured::entities::{Document, Draft, Kind, State, Step};

/// The tables of entities.
pub(super) struct Tables {
    /// Whether the database itself sees to it that names are unique and owners are there: what one
    /// gateway alone has made sure of before.
    has_constraints: bool,
}

impl Tables {
    pub(super) const fn of(address: &Address) -> Self {
        Self { has_constraints: address.is_shared() }
    }

    /// Takes all steps.
    pub(super) async fn take(
        &self,
        connection: &mut AnyConnection,
        steps: &[Step],
    ) -> Result<(), sqlx::Error> {
        let mut rest = steps;
        if let Some(cleared) = steps.iter().rposition(|step| matches!(step, Step::Clear)) {
            rest = &steps[cleared + 1..];
            sqlx::query("DELETE FROM entities").execute(&mut *connection).await?;
            rest = self.insert_all(connection, rest).await?;
        }
        for step in rest {
            match step {
                // The last of them is behind.
                Step::Clear => {}
                Step::Delete(kind, id) => delete(connection, *kind, id).await?,
                Step::Put(kind, document) => {
                    delete(connection, *kind, document.id()).await?;
                    self.insert(connection, &[(*kind, document)]).await?;
                }
            }
        }
        Ok(())
    }

    /// Writes what `steps` put into an empty table, up to where one does anything else. What is left
    /// to do.
    async fn insert_all<'a>(
        &self,
        connection: &mut AnyConnection,
        steps: &'a [Step],
    ) -> Result<&'a [Step], sqlx::Error> {
        let mut seen = HashSet::new();
        let mut entities = Vec::new();
        for step in steps {
            match step {
                Step::Put(kind, document) if seen.insert((*kind, document.id())) => {
                    entities.push((*kind, document));
                }
                _ => break,
            }
        }
        for batch in entities.chunks(BATCH) {
            self.insert(connection, batch).await?;
        }
        Ok(&steps[entities.len()..])
    }

    async fn insert(
        &self,
        connection: &mut AnyConnection,
        entities: &[(Kind, &Arc<Document>)],
    ) -> Result<(), sqlx::Error> {
        let rows = entities.iter().map(|(kind, document)| {
            [kind.name().to_owned(), document.id().to_owned(), document.json().to_owned()]
        });
        insert_rows(connection, "entities (kind, id, document)", rows.collect()).await?;
        if !self.has_constraints {
            return Ok(());
        }
        for (kind, document) in entities {
            let id = document.id();
            let uniques = document.uniques().iter();
            let rows = uniques.map(|value| [kind.name().into(), value.to_string(), id.into()]);
            insert_rows(connection, "uniques (kind, value, id)", rows.collect()).await?;
            let owners = kind.references().iter().filter_map(|owner| {
                let owner_id = document.reference(*owner)?;
                Some([kind.name().into(), id.into(), owner.name().into(), owner_id.into()])
            });
            let table = "owners (kind, id, owner_kind, owner_id)";
            insert_rows(connection, table, owners.collect()).await?;
        }
        Ok(())
    }
}

/// All entities.
///
/// # Errors
///
/// When they cannot be read, or one is not what it should be.
pub(super) async fn all(connection: &mut AnyConnection) -> Result<State, BoxError> {
    let mut rows = sqlx::query("SELECT kind, id, document FROM entities").fetch(connection);
    let mut draft = Draft::empty();
    while let Some(row) = rows.try_next().await? {
        let (kind, id): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let (kind, document) = stored(&kind, row.try_get(2)?)
            .map_err(|error| format!("stored {kind} {id}: {error}"))?;
        draft.keep(kind, document);
    }
    Ok(draft.state)
}

/// An entity as it was stored.
pub(super) fn stored(kind: &str, text: String) -> Result<(Kind, Document), BoxError> {
    let kind = Kind::of_name(kind).ok_or("unknown kind")?;
    Ok((kind, Document::stored(kind, text)?))
}

/// How many entities are written at a time: `SQLite` takes 32,766 values.
pub(super) const BATCH: usize = 256;

/// Inserts rows of texts into a table, given with its columns.
async fn insert_rows<const N: usize>(
    connection: &mut AnyConnection,
    table: &str,
    rows: Vec<[String; N]>,
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let places = places(connection, rows.len(), N);
    let statement = format!("INSERT INTO {table} VALUES {places}");
    let mut query = sqlx::query(&statement);
    for value in rows.into_iter().flatten() {
        query = query.bind(value);
    }
    query.execute(connection).await?;
    Ok(())
}

/// The places of values, for so many rows with so many columns.
pub(super) fn places(connection: &AnyConnection, rows: usize, columns: usize) -> String {
    // A place of `SQLite` that has a number is looked for among all others when it gets its value.
    let has_numbers = connection.backend_name() != "SQLite";
    let place = |number: usize| if has_numbers { format!("${number}") } else { "?".to_owned() };
    let row = |row: usize| {
        let places = (1..=columns).map(|column| place(row * columns + column));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

async fn delete(connection: &mut AnyConnection, kind: Kind, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM entities WHERE kind = $1 AND id = $2")
        .bind(kind.name())
        .bind(id.to_owned())
        .execute(connection)
        .await?;
    Ok(())
}
