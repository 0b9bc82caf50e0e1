//! How the tables come to be what this version of the gateway needs: one step after the other, by
//! whichever gateway comes first.

use sqlx::{AnyConnection, Connection, Row};

use super::Address;
use super::changes::LOCK;
use crate::BoxError;

/// A step: what it is called, and what it does with each engine.
struct Migration {
    name: &'static str,
    sqlite: &'static [&'static str],
    postgres: &'static [&'static str],
}

/// All steps, in their order. A database has the number of the last one that it has taken.
const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "entities",
        sqlite: &[ENTITIES],
        postgres: &[
            ENTITIES,
            "CREATE TABLE uniques (kind TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL, \
         PRIMARY KEY (kind, value), \
         FOREIGN KEY (kind, id) REFERENCES entities (kind, id) ON DELETE CASCADE)",
            "CREATE INDEX uniques_of_entities ON uniques (kind, id)",
            "CREATE TABLE owners (kind TEXT NOT NULL, id TEXT NOT NULL, owner_kind TEXT NOT NULL, \
         owner_id TEXT NOT NULL, PRIMARY KEY (kind, id, owner_kind, owner_id), \
         FOREIGN KEY (kind, id) REFERENCES entities (kind, id) ON DELETE CASCADE, \
         FOREIGN KEY (owner_kind, owner_id) REFERENCES entities (kind, id) \
         DEFERRABLE INITIALLY DEFERRED)",
            "CREATE INDEX owners_of_entities ON owners (owner_kind, owner_id)",
            "CREATE TABLE changes (version BIGINT PRIMARY KEY, steps TEXT)",
        ],
    },
    Migration {
        name: "tallies",
        // Who has a file for itself counts in memory.
        sqlite: &[],
        postgres: &[
            "CREATE UNLOGGED TABLE tallies (name TEXT PRIMARY KEY, value BIGINT NOT NULL, \
         expires BIGINT NOT NULL)",
            "CREATE INDEX tallies_by_end ON tallies (expires)",
        ],
    },
    Migration { name: "versions", sqlite: &[VERSIONS], postgres: &[VERSIONS] },
];

const ENTITIES: &str = "CREATE TABLE entities (kind TEXT NOT NULL, id TEXT NOT NULL, \
                        document TEXT NOT NULL, PRIMARY KEY (kind, id))";

const VERSIONS: &str = "CREATE TABLE versions (plugin TEXT NOT NULL, version BIGINT NOT NULL, \
                        digest TEXT NOT NULL, made_at BIGINT NOT NULL, address TEXT, author TEXT, \
                        config TEXT NOT NULL, PRIMARY KEY (plugin, version))";

/// What there is to be done with a database.
pub(crate) struct Migrations {
    /// Each step, and whether it has been taken.
    pub(crate) steps: Vec<(&'static str, bool)>,
}

impl Migrations {
    /// Which steps the database at `address` has taken.
    ///
    /// # Errors
    ///
    /// When it cannot be reached or is of something else.
    pub(crate) async fn of(address: &Address) -> Result<Self, BoxError> {
        let mut connection = address.connect().await?;
        let mut transaction = connection.begin().await?;
        let taken = taken(&mut transaction, address).await;
        // It was looked at, and nothing else.
        transaction.rollback().await?;
        connection.close().await?;
        let taken = taken.map_err(|error| address.named(&error))?;
        let steps = MIGRATIONS.iter().enumerate().map(|(n, step)| (step.name, n < taken));
        Ok(Self { steps: steps.collect() })
    }

    /// Takes the steps that are left.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached, is of something else or of a later version.
    pub(crate) async fn take(address: &Address) -> Result<(), BoxError> {
        let mut connection = address.connect().await?;
        up(&mut connection, address).await.map_err(|error| address.named(&error))?;
        Ok(connection.close().await?)
    }
}

/// Takes the steps that are left.
pub(super) async fn up(connection: &mut AnyConnection, address: &Address) -> Result<(), BoxError> {
    let mut transaction = connection.begin().await?;
    let taken = taken(&mut transaction, address).await?;
    let Some(steps) = MIGRATIONS.get(taken..) else {
        let newest = MIGRATIONS.len();
        return Err(format!(
            "it has format {taken}, and this gateway reads format {newest}: use the version that \
             wrote it"
        )
        .into());
    };
    for step in steps {
        let statements = if address.is_shared() { step.postgres } else { step.sqlite };
        for statement in statements {
            sqlx::query(statement).execute(&mut *transaction).await?;
        }
    }
    if !steps.is_empty() {
        sqlx::query("DELETE FROM gateway WHERE name = 'format'").execute(&mut *transaction).await?;
        sqlx::query("INSERT INTO gateway (name, value) VALUES ('format', $1)")
            .bind(MIGRATIONS.len().to_string())
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

/// The number of the last step that was taken, in a transaction which may have to make the table for it.
async fn taken(connection: &mut AnyConnection, address: &Address) -> Result<usize, BoxError> {
    if address.is_shared() {
        // Two that make the same table at once do not wait for each other.
        sqlx::query(LOCK).execute(&mut *connection).await?;
    }
    sqlx::query("CREATE TABLE IF NOT EXISTS gateway (name TEXT PRIMARY KEY, value TEXT)")
        .execute(&mut *connection)
        .await?;
    let format = sqlx::query("SELECT value FROM gateway WHERE name = 'format'");
    let Some(row) = format.fetch_optional(connection).await? else { return Ok(0) };
    let format: String = row.try_get(0)?;
    let unknown = |_| format!("its format is '{format}', which this gateway does not know");
    Ok(format.parse().map_err(unknown)?)
}
