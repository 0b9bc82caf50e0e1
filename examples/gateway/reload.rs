//! [`Reload`]: what is read again while the gateway serves. What is not good changes nothing.

use std::path::Path;
use std::sync::Arc;

use tower_lua::Runtime;

use crate::admin::database::Database;
use crate::file_watch::{self, Changed, Watch};
use crate::lua::check::{Checker, Permitted, files};
use crate::signals::{Signal, Signals};

/// What is read again, and for whom.
pub(crate) struct Reload<'a> {
    /// The declarative file.
    pub(crate) file: Option<&'a Path>,
    pub(crate) database: &'a Arc<Database>,
    pub(crate) runtime: &'a Runtime,
    /// What functions may use.
    pub(crate) permitted: Permitted,
}

/// How many findings the log tells of.
const MAX_FINDINGS: usize = 10;

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
            Some(path) => {
                self.configuration(path).await;
            }
            None => tracing::warn!("there is no declarative file to be read again"),
        }
    }

    /// Reads what has changed.
    async fn changed(&self, changed: Changed) {
        if changed.modules && self.modules() {
            tracing::info!("modules have changed, and are loaded again");
        }
        if let (true, Some(path)) = (changed.configuration, self.file)
            && self.configuration(path).await
        {
            self.look_at(path).await;
        }
    }

    /// Tells whoever has saved functions what is to be said of them: nothing is refused for it.
    async fn look_at(&self, path: &Path) {
        let (permitted, paths) = (self.permitted.clone(), [path.to_owned()]);
        let look = move || files::check(&Checker::new(permitted), &paths, None);
        // What cannot be read has been told of.
        let Ok(Ok(report)) = tokio::task::spawn_blocking(look).await else { return };
        for line in report.lines().take(MAX_FINDINGS) {
            tracing::warn!("{line}");
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

    /// Whether what the file says is in force now.
    async fn configuration(&self, path: &Path) -> bool {
        let reloaded = self.database.reload(path).await;
        match &reloaded {
            Ok(()) => tracing::info!("{} is in force", path.display()),
            Err(error) => tracing::error!("nothing has changed: {error}"),
        }
        reloaded.is_ok()
    }
}
