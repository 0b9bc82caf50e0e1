//! What is printed, with colours where a person reads: on a terminal, unless `NO_COLOR` says otherwise.

use std::fmt::Arguments;
use std::io::{self, IsTerminal, Write as _};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

/// What begins something.
pub(crate) const TITLE: Style = Style::new().bold();
/// What is as it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What is probably not.
pub(crate) const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
/// What is not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What only some want to know.
pub(crate) const ASIDE: Style = Style::new().dimmed();

/// Whether a person sees what is said on standard error.
pub(crate) fn is_read() -> bool {
    io::stderr().is_terminal()
}

/// Whether that may have colours.
pub(crate) fn is_coloured() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// Prints a text, as it is. Whoever reads no further, as `head` does, has what they wanted: the command goes on to
/// its end. When the text cannot be written for another reason, the program ends.
pub(crate) fn print(text: &str) {
    match anstream::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            anstream::eprintln!("{BAD}gateway:{BAD:#} standard output: {error}");
            std::process::exit(1);
        }
        _ => {}
    }
}

/// Prints a line, in the same way.
pub(crate) fn say(line: Arguments<'_>) {
    print(&format!("{line}\n"));
}
