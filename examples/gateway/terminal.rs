//! Colours, where a person reads: on a terminal, unless `NO_COLOR` says otherwise.

use std::io::{self, IsTerminal};

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
