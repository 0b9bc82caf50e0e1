//! [`Database`]: the entities of now, and one change after the other.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use http::StatusCode;
use tokio::sync::Mutex;

use crate::BoxError;
use crate::configured::declarative;
use crate::configured::entities::{Document, Draft, Kind, State, Step};
use crate::configured::problem::Problem;
use crate::configured::store::{Address, Author, Cached, Keep, Missed, Store, Version};
use crate::function_file::Directory;
use crate::in_force::published::Published;
use crate::in_force::snapshot::Snapshot;

/// All entities, where they are kept, and what is published of them.
pub(crate) struct Database {
    state: ArcSwap<State>,
    /// Whoever has it may change something.
    keep: Mutex<Keep>,
    kind: &'static str,
    /// Whether the last that was asked of the database was answered.
    reachable: AtomicBool,
    /// Whether what is published is not what the state says, as it cannot be put in force.
    behind: AtomicBool,
    /// Whether there may be functions at all.
    functions: bool,
    published: Published,
}

impl Database {
    /// Opens a database, and publishes what is in it. Without an address there is none; a shared one
    /// that is away may be `cached`.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, or requests cannot be routed by what is in it.
    pub(crate) async fn open(
        address: Option<Address>,
        cached: Option<&Cached>,
        functions: bool,
        published: Published,
    ) -> Result<Arc<Self>, BoxError> {
        if let Some(address) = &address {
            tracing::info!("opening {address}");
        }
        let kind = address.as_ref().map_or("off", Address::kind);
        let mut keep = address.map_or(Keep::Off, |address| Keep::In(Store::new(address)));
        let (state, reachable) = match (keep.missed().await, cached) {
            (Ok(Missed::Everything(state)), _) => (state, true),
            (Ok(_), _) => (State::default(), true),
            (Err(error), Some(cached)) => {
                let state = cached.load().map_err(|other| format!("{error}; {other}"))?;
                tracing::warn!("{error}: what was in force the last time is served");
                (state, false)
            }
            (Err(error), None) => return Err(error),
        };
        let database = Self {
            kind,
            reachable: AtomicBool::new(reachable),
            behind: AtomicBool::new(false),
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

    /// What is in force of them.
    pub(crate) fn in_force(&self) -> Arc<Snapshot> {
        self.published.current()
    }

    /// What it is, as Kong says it: `postgres`, `sqlite` or `off`.
    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    /// Whether entities can be changed one by one.
    pub(crate) fn is_writable(&self) -> bool {
        self.kind != "off"
    }

    /// Whether the database was there when it was last asked.
    pub(crate) fn is_reachable(&self) -> bool {
        self.reachable.load(Ordering::Relaxed)
    }

    /// Puts in force what other gateways have changed.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached.
    pub(crate) async fn catch_up(&self) -> Result<(), BoxError> {
        let mut keep = self.keep.lock().await;
        let missed = keep.missed().await;
        self.reachable.store(missed.is_ok(), Ordering::Relaxed);
        self.take_over(missed?);
        Ok(())
    }

    /// What others have decided on is so, even if this gateway cannot do it.
    fn take_over(&self, missed: Missed) {
        let draft = match missed {
            Missed::Nothing => return,
            Missed::Everything(state) => Draft { state, ..Draft::empty() },
            Missed::Steps(steps) => {
                let mut draft = Draft::of(&self.state.load());
                steps.into_iter().for_each(|step| draft.take(step));
                draft
            }
        };
        match self.check(&draft.state, &draft.steps) {
            Ok(snapshot) => self.publish(snapshot),
            Err(error) => {
                self.behind.store(true, Ordering::Relaxed);
                tracing::error!("what another gateway has changed cannot be put in force: {error}");
            }
        }
        self.state.store(Arc::new(draft.state));
    }

    fn publish(&self, snapshot: Snapshot) {
        self.behind.store(false, Ordering::Relaxed);
        self.published.publish(snapshot);
    }

    /// The versions of the functions of a plugin, the newest first: at least the one in force.
    ///
    /// # Errors
    ///
    /// When the plugin has no functions, or the database cannot be reached.
    pub(crate) async fn versions(&self, plugin: &Document) -> Result<Vec<Version>, Problem> {
        let first = Version::first(plugin).ok_or_else(|| {
            let name = plugin.plugin().map_or("", |plugin| &plugin.name);
            Problem::bad_request(format!(
                "'{name}' is no plugin of functions: those of pre-function and post-function have versions"
            ))
        })?;
        let versions = self.keep.lock().await.versions(plugin.id()).await?;
        Ok(if versions.is_empty() { vec![first] } else { versions })
    }

    /// Changes entities of `kind`, which is what `author` wants. When this returns, the change is stored and
    /// in force; when it fails, nothing has changed.
    pub(crate) async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        author: Author,
        what: &'static str,
        kind: Kind,
        edit: impl FnOnce(&mut Draft) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let writable = self.is_writable();
        self.apply(author, move |state| {
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
    pub(crate) async fn replace(
        self: &Arc<Self>,
        author: Author,
        draft: Draft,
    ) -> Result<(), Problem> {
        let edit = move |state: &State| {
            let mut draft = draft;
            draft.keep_canaries(state);
            Ok((draft, ()))
        };
        self.apply(author, edit).await
    }

    /// The same from a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is not what it should be. Nothing has changed then.
    pub(crate) async fn reload(self: &Arc<Self>, path: &Path) -> Result<(), BoxError> {
        tracing::info!("reading {}", path.display());
        let named = |error: BoxError| format!("{}: {error}", path.display());
        let text = tokio::fs::read_to_string(path)
            .await
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let file = path.to_owned();
        let read = move || {
            let draft = declarative::read(&text, Some(&Directory::of(&file)));
            draft.map_err(|error| error.in_lines(&declarative::Source::new(&text)))
        };
        let draft =
            tokio::task::spawn_blocking(read).await?.map_err(|error| named(error.into()))?;
        self.replace(Author::default(), draft).await.map_err(|problem| named(problem.into()).into())
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
            document.plugin().is_some_and(|plugin| plugin.has_functions())
        };
        if !self.functions && state.all(Kind::Plugins).any(has_functions) {
            return Err("loading of untrusted Lua code disabled because 'untrusted_lua' config \
                option is set to 'off'"
                .into());
        }
        let anew = [Step::Clear];
        let steps = if self.behind.load(Ordering::Relaxed) { &anew } else { steps };
        self.published.check(state, steps)
    }

    /// One change: checked, stored, published. It is finished even if nobody waits for it any more.
    async fn apply<T: Send + 'static>(
        self: &Arc<Self>,
        author: Author,
        edit: impl FnOnce(&State) -> Result<(Draft, T), Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let database = Arc::clone(self);
        let change = tokio::spawn(async move {
            let mut keep = database.keep.lock().await;
            let changed = keep.change(&author, |missed| {
                database.take_over(missed);
                let (draft, done) = edit(&database.state.load())?;
                let snapshot = database
                    .check(&draft.state, &draft.steps)
                    .map_err(|error| Problem::violation("@entity", &error.to_string()))?;
                Ok((draft.steps, (draft.state, snapshot, done)))
            });
            let changed = changed.await;
            let is_away = |problem: &Problem| problem.status == StatusCode::SERVICE_UNAVAILABLE;
            database.reachable.store(!changed.as_ref().is_err_and(is_away), Ordering::Relaxed);
            let (state, snapshot, done) = changed?;
            database.state.store(Arc::new(state));
            database.publish(snapshot);
            Ok(done)
        });
        change.await.unwrap_or_else(|error| Err(Problem::unexpected(&error)))
    }
}
