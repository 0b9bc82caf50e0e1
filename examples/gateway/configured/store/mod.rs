//! Where entities are kept: in a file of this gateway, or in a database that several share.
//!
//! A change is decided on under the lock of the database, knowing what others have changed before: so
//! no two gateways decide the same thing at once. In a shared database each change has a number and
//! is written down, for the others to do the same.

mod address;
mod cached;
mod changes;
mod migrations;
mod notice;
mod rows;
mod tallies;
mod versions;

use std::pin::Pin;
use std::time::Duration;

use sqlx::{AnyConnection, Connection};
use tokio::time::timeout;

pub(crate) use self::address::Address;
pub(crate) use self::cached::Cached;
pub(crate) use self::migrations::Migrations;
pub(crate) use self::notice::Notice;
use self::rows::Tables;
pub(crate) use self::tallies::{Tallies, Tally};
pub(crate) use self::versions::{Author, Version, digest_of};
use crate::BoxError;
use crate::configured::entities::{State, Step};
use crate::configured::problem::Problem;

/// How long a database may take to answer, before it counts as gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it may take to keep a change: all of them can be one.
const PATIENCE_WITH_CHANGES: Duration = Duration::from_secs(60);

/// What others have changed since this gateway looked.
pub(crate) enum Missed {
    Nothing,
    Steps(Vec<Step>),
    /// Too much to tell: what there is now.
    Everything(State),
}

/// A database, which may be gone for a while if it is a shared one.
pub(crate) struct Store {
    address: Address,
    connection: Option<AnyConnection>,
    /// The number of the last change that is known here; less than any if none is.
    version: i64,
}

impl Store {
    /// A database that has not been looked at.
    pub(crate) const fn new(address: Address) -> Self {
        Self { address, connection: None, version: changes::UNKNOWN }
    }

    /// Whether other gateways may have the same database.
    pub(crate) const fn is_shared(&self) -> bool {
        self.address.is_shared()
    }

    /// What others have changed since this was last asked; everything at first.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached or read, is of something else, or of another version of the
    /// gateway.
    async fn missed(&mut self) -> Result<Missed, BoxError> {
        let (mut connection, version) = (self.connect().await?, self.version);
        let look = async {
            let mut transaction = connection.begin().await?;
            let found = changes::missed(&mut transaction, &self.address, version).await?;
            transaction.commit().await?;
            Ok::<_, BoxError>(found)
        };
        let looked = in_time(PATIENCE_WITH_CHANGES, look).await;
        let (missed, version) = looked.map_err(|error| self.address.named(&error))?;
        (self.connection, self.version) = (Some(connection), version);
        Ok(missed)
    }

    /// A change by `author`: `decide` is told what others have changed, and says what is to be done. It is
    /// on the disk when this returns.
    ///
    /// # Errors
    ///
    /// What `decide` says; or that the database cannot be reached, or cannot keep it.
    async fn change<T: Send>(
        &mut self,
        author: &Author,
        decide: impl FnOnce(Missed) -> Result<(Vec<Step>, T), Problem> + Send,
    ) -> Result<T, Problem> {
        let failed = self.failed();
        let mut connection = self.connect().await.map_err(failed)?;
        let mut transaction = in_time(PATIENCE, connection.begin()).await.map_err(failed)?;
        let look = changes::missed_by_writer(&mut transaction, &self.address, self.version);
        let (missed, version) = in_time(PATIENCE_WITH_CHANGES, look).await.map_err(failed)?;
        self.version = version;
        let (steps, done) = match decide(missed) {
            Ok(decided) => decided,
            Err(problem) => {
                if in_time(PATIENCE, transaction.rollback()).await.is_ok() {
                    self.connection = Some(connection);
                }
                return Err(problem);
            }
        };
        let tables = Tables::of(&self.address);
        let kept = async {
            versions::take(&mut transaction, &steps, author).await?;
            tables.take(&mut transaction, &steps).await?;
            let version = changes::tell(&mut transaction, &self.address, version, &steps).await?;
            transaction.commit().await?;
            Ok::<_, BoxError>(version)
        };
        self.version = in_time(PATIENCE_WITH_CHANGES, kept).await.map_err(failed)?;
        self.connection = Some(connection);
        Ok(done)
    }

    /// The versions of a plugin that are kept, the newest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached or read.
    async fn versions(&mut self, plugin: &str) -> Result<Vec<Version>, Problem> {
        let failed = self.failed();
        let mut connection = self.connect().await.map_err(failed)?;
        let look = versions::of(&mut connection, plugin);
        let versions = in_time(PATIENCE, look).await.map_err(failed)?;
        self.connection = Some(connection);
        Ok(versions)
    }

    /// What is answered when the database fails.
    fn failed(&self) -> impl Fn(BoxError) -> Problem + Copy + use<> {
        let is_shared = self.is_shared();
        move |error| match is_shared {
            true => Problem::unavailable(&*error),
            false => Problem::unexpected(&error),
        }
    }

    /// The connection there is, or a new one. Whoever takes it puts it back if all went well.
    async fn connect(&mut self) -> Result<AnyConnection, BoxError> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let mut connection = sendable(self.address.connect()).await?;
        let up = migrations::up(&mut connection, &self.address);
        let up = in_time(PATIENCE_WITH_CHANGES, up).await;
        up.map_err(|error| self.address.named(&error))?;
        Ok(connection)
    }
}

/// What comes of `work`, unless it takes too long.
async fn in_time<T, E: Into<BoxError>>(
    patience: Duration,
    work: impl Future<Output = Result<T, E>> + Send,
) -> Result<T, BoxError> {
    match timeout(patience, sendable(work)).await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(format!("it has not answered for {} seconds", patience.as_secs()).into()),
    }
}

/// A future that can be sent. Without the box, the compiler cannot tell of one that holds a connection.
fn sendable<'a, T>(
    work: impl Future<Output = T> + Send + 'a,
) -> Pin<Box<dyn Future<Output = T> + Send + 'a>> {
    Box::pin(work)
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
    /// What others have changed, as [`Store::missed`] has it.
    pub(crate) async fn missed(&mut self) -> Result<Missed, BoxError> {
        match self {
            Self::In(store) => sendable(store.missed()).await,
            Self::Off | Self::Closed => Ok(Missed::Nothing),
        }
    }

    /// One change, as [`Store::change`] has it.
    pub(crate) async fn change<T: Send>(
        &mut self,
        author: &Author,
        decide: impl FnOnce(Missed) -> Result<(Vec<Step>, T), Problem> + Send,
    ) -> Result<T, Problem> {
        match self {
            Self::Off => decide(Missed::Nothing).map(|(_, done)| done),
            Self::In(store) => sendable(store.change(author, decide)).await,
            Self::Closed => Err(Problem::unexpected(&sqlx::Error::PoolClosed)),
        }
    }

    /// The versions of a plugin, as [`Store::versions`] has them.
    pub(crate) async fn versions(&mut self, plugin: &str) -> Result<Vec<Version>, Problem> {
        match self {
            Self::Off => Ok(Vec::new()),
            Self::In(store) => sendable(store.versions(plugin)).await,
            Self::Closed => Err(Problem::unexpected(&sqlx::Error::PoolClosed)),
        }
    }

    /// Lets go of a database.
    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Self::In(Store { connection: Some(connection), .. }) => connection.close().await,
            Self::Off | Self::In(_) | Self::Closed => Ok(()),
        }
    }
}
