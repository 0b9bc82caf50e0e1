//! [`Store`]: where entities are kept. SQL that every engine understands, over a library that speaks
//! to several; what is `SQLite`'s own is in [`prepare`].

use std::collections::HashSet;
use std::sync::Arc;

use sqlx::{AnyConnection, Connection, Row};

use crate::BoxError;
use crate::configured::entities::{Document, Draft, Kind, State, Step};
use crate::configured::schema::{self, Object};

/// What is stored, and how. Another number is another gateway's.
const FORMAT: &str = "1";

/// A database that this gateway has for itself.
pub(crate) struct Store {
    connection: AnyConnection,
}

impl Store {
    /// Opens the database at `url`, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, is of something else, or of another version of the gateway.
    pub(crate) async fn open(url: &str) -> Result<Self, BoxError> {
        let named = |error: BoxError| format!("cannot open the database '{url}': {error}");
        Self::try_open(url).await.map_err(|error| {
            let is_locked = error.downcast_ref().is_some_and(is_locked);
            let why = "another gateway has it open; give this one a --database of its own";
            named(if is_locked { why.into() } else { error }).into()
        })
    }

    async fn try_open(url: &str) -> Result<Self, BoxError> {
        if !url.starts_with("sqlite:") {
            return Err("expected 'off' or a file as in sqlite:gateway.db".into());
        }
        sqlx::any::install_default_drivers();
        let separator = if url.contains('?') { '&' } else { '?' };
        let mut connection = AnyConnection::connect(&format!("{url}{separator}mode=rwc")).await?;
        prepare(&mut connection).await?;
        let mut transaction = connection.begin().await?;
        sqlx::query("CREATE TABLE IF NOT EXISTS gateway (name TEXT PRIMARY KEY, value TEXT)")
            .execute(&mut *transaction)
            .await?;
        let format = sqlx::query("SELECT value FROM gateway WHERE name = 'format'")
            .fetch_optional(&mut *transaction)
            .await?;
        match format.map(|row| row.try_get::<String, _>(0)).transpose()? {
            None => {
                let entities = "CREATE TABLE entities (kind TEXT NOT NULL, id TEXT NOT NULL, \
                                document TEXT NOT NULL, PRIMARY KEY (kind, id))";
                sqlx::query(entities).execute(&mut *transaction).await?;
                sqlx::query("INSERT INTO gateway (name, value) VALUES ('format', $1)")
                    .bind(FORMAT)
                    .execute(&mut *transaction)
                    .await?;
            }
            Some(format) if format == FORMAT => {}
            Some(format) => {
                return Err(format!(
                    "it has format {format}, and this gateway reads format {FORMAT}: use the version that wrote it"
                )
                .into());
            }
        }
        transaction.commit().await?;
        Ok(Self { connection })
    }

    /// Reads all entities.
    ///
    /// # Errors
    ///
    /// When they cannot be read, or one is not what it should be.
    pub(crate) async fn load(&mut self) -> Result<State, BoxError> {
        let rows = sqlx::query("SELECT kind, id, document FROM entities")
            .fetch_all(&mut self.connection)
            .await?;
        let mut draft = Draft::empty();
        for row in rows {
            let (kind, id): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let broken = |error: &dyn std::fmt::Display| format!("stored {kind} {id}: {error}");
            let kind = Kind::of_name(&kind).ok_or_else(|| broken(&"unknown kind"))?;
            let text: String = row.try_get(2)?;
            let mut object: Object = serde_json::from_str(&text).map_err(|error| broken(&error))?;
            // A field that is younger than the database.
            schema::fill(kind.schema(), &mut object);
            let document = Document::new(kind, &object).map_err(|error| broken(&error))?;
            draft.keep(kind, document);
        }
        Ok(draft.state)
    }

    /// Takes all steps, or none. They are on the disk when this returns.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub(crate) async fn commit(&mut self, steps: &[Step]) -> Result<(), sqlx::Error> {
        let mut transaction = self.connection.begin().await?;
        let mut rest = steps;
        if let Some(cleared) = steps.iter().rposition(|step| matches!(step, Step::Clear)) {
            rest = &steps[cleared + 1..];
            sqlx::query("DELETE FROM entities").execute(&mut *transaction).await?;
            rest = insert_all(&mut transaction, rest).await?;
        }
        for step in rest {
            match step {
                // The last of them is behind.
                Step::Clear => {}
                Step::Delete(kind, id) => delete(&mut transaction, *kind, id).await?,
                Step::Put(kind, document) => {
                    delete(&mut transaction, *kind, document.id()).await?;
                    insert(&mut transaction, &[(*kind, document)]).await?;
                }
            }
        }
        transaction.commit().await
    }
}

/// How many entities are written at a time. Three values each: `SQLite` takes 32,766 in all.
const BATCH: usize = 256;

/// Writes what `steps` put into an empty table, up to where one does anything else. What is left to
/// do.
async fn insert_all<'a>(
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
        insert(connection, batch).await?;
    }
    Ok(&steps[entities.len()..])
}

async fn insert(
    connection: &mut AnyConnection,
    entities: &[(Kind, &Arc<Document>)],
) -> Result<(), sqlx::Error> {
    let rows = (0..entities.len()).map(|row| row * 3);
    let rows = rows.map(|at| format!("(${}, ${}, ${})", at + 1, at + 2, at + 3));
    let rows = rows.collect::<Vec<_>>().join(", ");
    let statement = format!("INSERT INTO entities (kind, id, document) VALUES {rows}");
    let mut query = sqlx::query(&statement);
    for (kind, document) in entities {
        let (id, json) = (document.id().to_owned(), document.json().to_owned());
        query = query.bind(kind.name()).bind(id).bind(json);
    }
    query.execute(connection).await?;
    Ok(())
}

async fn delete(connection: &mut AnyConnection, kind: Kind, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM entities WHERE kind = $1 AND id = $2")
        .bind(kind.name())
        .bind(id.to_owned())
        .execute(connection)
        .await?;
    Ok(())
}

/// What `SQLite` must be told: a commit is on the disk, and nobody else writes.
async fn prepare(connection: &mut AnyConnection) -> Result<(), BoxError> {
    for pragma in [
        "busy_timeout = 1000",
        "locking_mode = EXCLUSIVE",
        "journal_mode = WAL",
        "synchronous = FULL",
    ] {
        sqlx::raw_sql(&format!("PRAGMA {pragma}")).execute(&mut *connection).await?;
    }
    let names = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table'")
        .fetch_all(&mut *connection)
        .await?;
    let names: Vec<String> = names.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    if names.is_empty() || names.iter().any(|name| name == "gateway") {
        return Ok(());
    }
    Err("it is a SQLite database of something else".into())
}

/// Whether the file is another process's for now.
fn is_locked(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: [&str; 2] = ["5", "261"];
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| SQLITE_BUSY.contains(&&*code))
}

/// How the Admin API keeps what it changes.
pub(crate) enum Keep {
    /// Not at all: what a declarative file says is all there is.
    Off,
    In(Store),
    /// The gateway is about to end.
    Closed,
}

impl Keep {
    /// What `--database` says, and the entities that are there.
    pub(crate) async fn open(database: &str) -> Result<(Self, State), BoxError> {
        if database == "off" {
            return Ok((Self::Off, State::default()));
        }
        let mut store = Store::open(database).await?;
        let state = store.load().await?;
        Ok((Self::In(store), state))
    }

    pub(crate) async fn commit(&mut self, steps: &[Step]) -> Result<(), sqlx::Error> {
        match self {
            Self::Off => Ok(()),
            Self::In(store) => store.commit(steps).await,
            Self::Closed => Err(sqlx::Error::PoolClosed),
        }
    }

    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Off | Self::Closed => Ok(()),
            Self::In(store) => store.connection.close().await,
        }
    }
}
