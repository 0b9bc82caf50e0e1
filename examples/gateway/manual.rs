//! What the program says of itself to shells and to `man`.

use std::io;
use std::path::Path;

use clap_complete::Shell;
use clap_mangen::Man;

use crate::terminal::print;

/// Prints what completes the commands and flags of `program` in `shell`.
pub(crate) fn completions(mut program: clap::Command, shell: Shell) {
    let name = program.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program, name, &mut script);
    print(&String::from_utf8_lossy(&script));
}

/// Prints the page of `program`, or writes that and the pages of its commands into `directory`.
pub(crate) fn pages(program: clap::Command, directory: Option<&Path>) -> io::Result<()> {
    let Some(directory) = directory else {
        let mut page = Vec::new();
        // Which has no page among those that are written, either.
        Man::new(program.disable_help_subcommand(true)).render(&mut page)?;
        print(&String::from_utf8_lossy(&page));
        return Ok(());
    };
    let about = |error: io::Error| {
        io::Error::new(error.kind(), format!("{}: {error}", directory.display()))
    };
    std::fs::create_dir_all(directory).map_err(about)?;
    clap_mangen::generate_to(program, directory).map_err(about)
}
