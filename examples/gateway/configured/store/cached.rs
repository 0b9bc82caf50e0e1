//! [`Cached`]: the entities of a shared database in a file, for a gateway that starts while the
//! database is away.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::rows;
use crate::BoxError;
use crate::configured::entities::{Draft, Kind, State};

/// A file with the last state that was in force.
#[derive(Clone, Debug)]
pub(crate) struct Cached(PathBuf);

impl Cached {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self(file)
    }

    /// Puts a state into the place of the one before. Others cannot read it: there are secrets in it.
    ///
    /// # Errors
    ///
    /// When it cannot be written. The file is what it was then.
    pub(crate) fn save(&self, state: &State) -> io::Result<()> {
        let entities = Kind::ALL
            .into_iter()
            .flat_map(|kind| state.all(kind).map(move |document| (kind.name(), document.json())));
        let text = serde_json::to_string(&entities.collect::<Vec<_>>())?;
        let mut beside = self.0.clone().into_os_string();
        beside.push(".new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(beside, &self.0)
    }

    /// The state that is there.
    ///
    /// # Errors
    ///
    /// When there is none, or not one of a gateway.
    pub(crate) fn load(&self) -> Result<State, BoxError> {
        let named = |error: BoxError| format!("{}: {error}", self.0.display());
        let read = || {
            let text = fs::read_to_string(&self.0)?;
            let mut draft = Draft::empty();
            for (kind, document) in serde_json::from_str::<Vec<(String, String)>>(&text)? {
                let (kind, document) = rows::stored(&kind, document)?;
                draft.keep(kind, document);
            }
            Ok(draft.state)
        };
        read().map_err(|error| named(error).into())
    }
}
