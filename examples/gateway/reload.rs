//! [`Reload`]: what is read again while the gateway serves. What is not good changes nothing.

use std::path::Path;
use std::sync::Arc;

use tower_lua::Runtime;

use crate::admin::database::Database;
use crate::file_watch::{self, Changed, Watch};
use crate::signals::{Signal, Signals};

/// What is read again, and for whom.
pub(crate) struct Reload<'a> {
    /// The declarative file.
    pub(crate) file: Option<&'a Path>,
    pub(crate) database: &'a Arc<Database>,
    pub(crate) runtime: &'a Runtime,
}

impl Reload<'_> {
    /// Reads what the operator says is to be read, and what has changed, until it is time to stop.
    pub(crate) async fn until_told_to_stop(
        &self,
        signals: &mut Signals,
        watch: &mut Option<Watch>,
    ) {
        loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Reload => self.all().await,
                    Signal::Stop => return,
                },
                changed = file_watch::changed(watch) => self.changed(changed).await,
            }
        }
    }

    /// Reads the declarative file and modules.
    async fn all(&self) {
        if !self.modules() {
            return;
        }
        match self.file {
            Some(path) => self.configuration(path).await,
            None => tracing::warn!("there is no declarative file to be read again"),
        }
    }

    /// Reads what has changed.
    async fn changed(&self, changed: Changed) {
        if changed.modules && self.modules() {
            tracing::info!("modules have changed, and are loaded again");
        }
        if let (true, Some(path)) = (changed.configuration, self.file) {
            self.configuration(path).await;
        }
    }

    /// Whether modules could be loaded again.
    fn modules(&self) -> bool {
        let loaded = self.runtime.reload_modules();
        if let Err(error) = &loaded {
            tracing::error!("nothing has changed: {error}");
        }
        loaded.is_ok()
    }

    async fn configuration(&self, path: &Path) {
        match self.database.reload(path).await {
            Ok(()) => tracing::info!("{} is in force", path.display()),
            Err(error) => tracing::error!("nothing has changed: {error}"),
        }
    }
}
