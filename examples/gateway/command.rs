//! What the program does instead of serving.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use clap_complete::Shell;
use http::Uri;

use crate::BoxError;
use crate::configured::store::Address;
use crate::database::Action;
use crate::dry_run::Conditions;
use crate::dry_run::flags::Flags;
use crate::lua::check::report::Format;
use crate::lua::check::{Checker, Permitted, files};
use crate::lua::spec::{self, Style};
use crate::lua::types;
use crate::terminal::print;
use crate::{init, manual};

/// What is done instead of serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a first project: a declarative file, a function, its spec, types for an editor.
    ///
    /// Files that are there stay as they are.
    Init {
        /// The directory, which is made if it is not there.
        #[arg(default_value = ".", value_name = "DIR")]
        directory: PathBuf,

        /// The server that requests go on to; the gateway's own `/status` stands in for one.
        #[arg(
            long,
            default_value = "http://127.0.0.1:8001/status",
            value_parser = init::upstream,
            value_name = "URL"
        )]
        upstream: Uri,
    },
    /// How the database comes to be what this version needs.
    ///
    /// A gateway that starts sees to it itself.
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
    /// Run specs: what functions should do, in Lua, without a network and without waiting for time.
    ///
    /// The exit status is 1 if something is not as it should be.
    Test {
        /// Specs, and directories of files whose names end in `_spec.lua`.
        #[arg(required = true, value_name = "FILE")]
        paths: Vec<PathBuf>,

        /// How to say what has come of them.
        #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
        format: Style,

        /// Write which lines of the functions in files have run, in the manner of lcov.
        #[arg(long, value_name = "FILE")]
        coverage: Option<PathBuf>,
    },
    /// Run a request through functions, without a server or a network.
    ///
    /// Tells what they call and change, what would be sent on and answered, and what it takes. The exit status is 1
    /// if a function fails.
    Try(Box<Flags>),
    /// Look at functions without running them: syntax, names, phases, modules.
    ///
    /// The exit status is 1 if something is wrong, and 0 if there are warnings alone.
    Check {
        /// Files of Lua, declarative files, and directories of both.
        #[arg(required = true, value_name = "FILE")]
        paths: Vec<PathBuf>,

        /// The phase that files of Lua are for; declarative files say it themselves.
        #[arg(long, value_name = "PHASE", value_parser = PossibleValuesParser::new(PHASES))]
        phase: Option<String>,

        /// How to say what is found.
        #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
        format: Format,
    },
    /// Print what completes commands and flags in a shell.
    Completions {
        /// The shell.
        #[arg(value_enum, value_name = "SHELL")]
        shell: Shell,
    },
    /// Print the manual page, as `man -l` shows it.
    Man {
        /// Write it and the pages of all commands into a directory instead, as `man -M` wants them in its `man1`.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// The phases that a function may be for.
const PHASES: [&str; 6] =
    ["certificate", "rewrite", "access", "header_filter", "body_filter", "log"];

impl Command {
    /// Does it; `database` is where entities are kept, `permitted` what functions may use, `conditions` how they
    /// run, `program` the whole command line.
    pub(crate) async fn run(
        &self,
        program: clap::Command,
        database: impl FnOnce() -> Result<Option<Address>, BoxError>,
        permitted: Permitted,
        conditions: impl FnOnce() -> Conditions,
    ) -> Result<ExitCode, BoxError> {
        match self {
            Self::Init { directory, upstream } => init::write(directory, upstream)?,
            Self::Completions { shell } => manual::completions(program, *shell),
            Self::Man { out } => manual::pages(program, out.as_deref())?,
            Self::Migrations { action } => action.run(database()?).await?,
            Self::Types { out } => types::write(out)?,
            Self::Test { paths, format, coverage } => {
                let (paths, format, coverage) = (paths.clone(), *format, coverage.clone());
                // Specs have a runtime of their own, and wait in it.
                let run = move || spec::run(&paths, format, coverage.as_deref());
                if !tokio::task::spawn_blocking(run).await?? {
                    return Ok(ExitCode::FAILURE);
                }
            }
            Self::Try(flags) => {
                if !flags.run(conditions()).await? {
                    return Ok(ExitCode::FAILURE);
                }
            }
            Self::Check { paths, phase, format } => {
                let report = files::check(&Checker::new(permitted), paths, phase.as_deref())?;
                print(&report.print(*format));
                if report.has_errors() {
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
