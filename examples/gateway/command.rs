//! What the program does instead of serving.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::BoxError;
use crate::configured::store::Address;
use crate::database::Action;
use crate::lua::types;

/// What is done instead of serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// How the database comes to be what this version needs. A gateway that starts sees to it itself.
    Migrations {
        /// What to do.
        #[command(subcommand)]
        action: Action,
    },
    /// Write what functions have as types, for an editor: names, arguments, results, phases.
    Types {
        /// The directory that the editor has open.
        #[arg(long, default_value = ".", value_name = "DIR")]
        out: PathBuf,
    },
}

impl Command {
    /// Does it; `database` is where entities are kept.
    pub(crate) async fn run(
        &self,
        database: impl FnOnce() -> Result<Option<Address>, BoxError>,
    ) -> Result<ExitCode, BoxError> {
        match self {
            Self::Migrations { action } => action.run(database()?).await?,
            Self::Types { out } => types::write(out)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
