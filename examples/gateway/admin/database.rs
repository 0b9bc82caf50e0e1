//! [`Database`]: the entities of now, and one change after the other.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use crate::BoxError;
use crate::configured::declarative;
use crate::configured::entities::{Document, Draft, Kind, State, Step};
use crate::configured::problem::Problem;
use crate::configured::store::Keep;
use crate::in_force::published::Published;
use crate::in_force::snapshot::Snapshot;

/// All entities, where they are kept, and what is published of them.
pub(crate) struct Database {
    state: ArcSwap<State>,
    /// Whoever has it may change something.
    keep: Mutex<Keep>,
    writable: bool,
    /// Whether there may be functions at all.
    functions: bool,
    published: Published,
}

impl Database {
    /// Opens what `--database` names, and publishes what is in it.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, or requests cannot be routed by what is in it.
    pub(crate) async fn open(
        database: &str,
        functions: bool,
        published: Published,
    ) -> Result<Arc<Self>, BoxError> {
        let (keep, state) = Keep::open(database).await?;
        let database = Self {
            writable: matches!(keep, Keep::In(_)),
            functions,
            state: ArcSwap::default(),
            keep: Mutex::new(keep),
            published,
        };
        let snapshot = database.check(&state, &[Step::Clear])?;
        database.published.publish(snapshot);
        database.state.store(Arc::new(state));
        Ok(Arc::new(database))
    }

    /// The entities of now.
    pub(crate) fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// Whether entities can be changed one by one.
    pub(crate) fn is_writable(&self) -> bool {
        self.writable
    }

    /// Changes entities of `kind`. When this returns, the change is stored and in force; when it
    /// fails, nothing has changed.
    pub(crate) async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        what: &'static str,
        kind: Kind,
        edit: impl FnOnce(&mut Draft) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let writable = self.writable;
        self.apply(move |state| {
            let mut draft = Draft::of(state);
            let done = edit(&mut draft)?;
            if !writable && !draft.steps.is_empty() {
                return Err(Problem::read_only(what, kind.name()));
            }
            Ok((draft, done))
        })
        .await
    }

    /// Puts what a declarative file says into the place of everything.
    pub(crate) async fn replace(self: &Arc<Self>, draft: Draft) -> Result<(), Problem> {
        self.apply(|_| Ok((draft, ()))).await
    }

    /// The same from a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is not what it should be. Nothing has changed then.
    pub(crate) async fn reload(self: &Arc<Self>, path: &Path) -> Result<(), BoxError> {
        let named = |error: BoxError| format!("{}: {error}", path.display());
        let text = tokio::fs::read_to_string(path)
            .await
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let draft = declarative::read(&text)
            .map_err(|error| named(error.in_lines(&declarative::Source::new(&text)).into()))?;
        self.replace(draft).await.map_err(|problem| named(problem.into()).into())
    }

    /// Lets go of the database, which is one file then. Nothing can be changed any more.
    pub(crate) async fn close(&self) {
        let keep = std::mem::replace(&mut *self.keep.lock().await, Keep::Closed);
        if let Err(error) = keep.close().await {
            tracing::error!("cannot close the database: {error}");
        }
    }

    /// Makes of a state, to which `steps` lead from the one of now, what requests are routed by.
    fn check(&self, state: &State, steps: &[Step]) -> Result<Snapshot, BoxError> {
        let has_functions = |document: &Arc<Document>| {
            document.plugin().is_some_and(|plugin| plugin.name.ends_with("-function"))
        };
        if !self.functions && state.all(Kind::Plugins).any(has_functions) {
            return Err("loading of untrusted Lua code disabled because 'untrusted_lua' config \
                option is set to 'off'"
                .into());
        }
        self.published.check(state, steps)
    }

    /// One change: checked, stored, published. It is finished even if nobody waits for it any more.
    async fn apply<T: Send + 'static>(
        self: &Arc<Self>,
        edit: impl FnOnce(&State) -> Result<(Draft, T), Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let database = Arc::clone(self);
        let change = tokio::spawn(async move {
            let mut keep = database.keep.lock().await;
            let (draft, done) = edit(&database.state.load())?;
            let snapshot = database
                .check(&draft.state, &draft.steps)
                .map_err(|error| Problem::violation("@entity", &error.to_string()))?;
            keep.commit(&draft.steps).await.map_err(|error| Problem::unexpected(&error))?;
            database.state.store(Arc::new(draft.state));
            database.published.publish(snapshot);
            Ok(done)
        });
        change.await.unwrap_or_else(|error| Err(Problem::unexpected(&error)))
    }
}
