//! [`Address`]: which database, and what its engine must be told.

use std::fmt;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AnyConnection, Connection, Row};

use super::{PATIENCE, in_time, sendable};
use crate::BoxError;

/// A database: its engine, and where it is.
#[derive(Clone)]
pub(crate) struct Address {
    engine: Engine,
    url: String,
}

/// What knows SQL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    /// A file, of one gateway at a time.
    Sqlite,
    /// A server, of as many as like.
    Postgres,
}

impl FromStr for Address {
    type Err = BoxError;

    fn from_str(url: &str) -> Result<Self, BoxError> {
        let engine = match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Engine::Sqlite,
            Some("postgres" | "postgresql") => {
                let options = PgConnectOptions::from_str(url);
                options.map_err(|error| format!("cannot understand --database: {error}"))?;
                Engine::Postgres
            }
            _ => {
                let named = format!("cannot open the database '{url}'");
                let expected = "expected 'off', a file as in sqlite:gateway.db, or a server as in \
                    postgres://kong@127.0.0.1/kong";
                return Err(format!("{named}: {expected}").into());
            }
        };
        Ok(Self { engine, url: url.to_owned() })
    }
}

/// Without what is secret of it.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.engine, PgConnectOptions::from_str(&self.url)) {
            (Engine::Postgres, Ok(options)) => {
                let database = options.get_database().unwrap_or("postgres");
                match options.get_socket() {
                    Some(path) => write!(f, "postgres:{}/{database}", path.display()),
                    None => {
                        let (host, port) = (options.get_host(), options.get_port());
                        write!(f, "postgres://{host}:{port}/{database}")
                    }
                }
            }
            _ => f.write_str(&self.url),
        }
    }
}

impl Address {
    /// Whether several gateways may have it at once.
    pub(crate) const fn is_shared(&self) -> bool {
        matches!(self.engine, Engine::Postgres)
    }

    /// The name of its engine.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        }
    }

    /// As the library takes it.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// A connection.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached, or is of something else.
    pub(super) async fn connect(&self) -> Result<AnyConnection, BoxError> {
        self.try_connect().await.map_err(|error| {
            let is_locked = error.downcast_ref().is_some_and(is_locked);
            let why = "another gateway has it open; give this one a --database of its own";
            if is_locked { self.named(&why) } else { self.named(&error) }
        })
    }

    /// An error with the name of the database.
    pub(super) fn named(&self, error: &dyn fmt::Display) -> BoxError {
        format!("cannot open the database '{self}': {error}").into()
    }

    async fn try_connect(&self) -> Result<AnyConnection, BoxError> {
        sqlx::any::install_default_drivers();
        match self.engine {
            Engine::Sqlite => {
                let separator = if self.url.contains('?') { '&' } else { '?' };
                let url = format!("{}{separator}mode=rwc", self.url);
                let mut connection = sendable(AnyConnection::connect(&url)).await?;
                prepare_sqlite(&mut connection).await?;
                Ok(connection)
            }
            Engine::Postgres => {
                let mut connection = in_time(PATIENCE, AnyConnection::connect(&self.url)).await?;
                in_time(PATIENCE, prepare_postgres(&mut connection)).await?;
                Ok(connection)
            }
        }
    }
}

/// What `SQLite` must be told: a commit is on the disk, and nobody else writes.
async fn prepare_sqlite(connection: &mut AnyConnection) -> Result<(), BoxError> {
    for pragma in [
        "PRAGMA busy_timeout = 1000",
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
    ] {
        sqlx::query(pragma).execute(&mut *connection).await?;
    }
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
    is_ours(connection, tables).await
}

/// What PostgreSQL must be told: nobody waits for a gateway that is gone, or for a lock without end.
async fn prepare_postgres(connection: &mut AnyConnection) -> Result<(), BoxError> {
    for setting in [
        "SET idle_in_transaction_session_timeout = '30s'",
        "SET lock_timeout = '20s'",
        "SET client_min_messages = 'warning'",
    ] {
        sqlx::query(setting).execute(&mut *connection).await?;
    }
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()";
    is_ours(connection, tables).await
}

/// Whether the database is empty, or a gateway's: `tables` asks for the names of its tables.
async fn is_ours(connection: &mut AnyConnection, tables: &str) -> Result<(), BoxError> {
    let names = sqlx::query(tables).fetch_all(connection).await?;
    let names: Vec<String> = names.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    if names.is_empty() || names.iter().any(|name| name == "gateway") {
        return Ok(());
    }
    Err("it is a database of something else".into())
}

/// Whether the file is another process's for now.
fn is_locked(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: [&str; 2] = ["5", "261"];
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| SQLITE_BUSY.contains(&&*code))
}
