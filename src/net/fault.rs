//! Why an operation came to nothing.

use std::borrow::Cow;
use std::fmt;
use std::io;

/// Why an operation came to nothing, in nginx's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault(Cow<'static, str>);

impl Fault {
    pub(crate) const CLOSED: Self = Self::new("closed");
    pub(crate) const TIMEOUT: Self = Self::new("timeout");
    pub(crate) const TOO_LONG: Self = Self::new("buffer too small");
    pub(crate) const NO_MEMORY: Self = Self::new("no memory");
    pub(crate) const BUSY_CONNECTING: Self = Self::new("socket busy connecting");
    pub(crate) const BUSY_READING: Self = Self::new("socket busy reading");
    pub(crate) const BUSY_WRITING: Self = Self::new("socket busy writing");

    pub(crate) const fn new(words: &'static str) -> Self {
        Self(Cow::Borrowed(words))
    }

    /// That the sandbox's rules keep functions from `what`.
    pub(crate) fn refused(what: impl fmt::Display) -> Self {
        format!("connection to {what} not allowed within sandbox").into()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Fault {
    fn from(words: String) -> Self {
        Self(words.into())
    }
}

/// The system's words in lower case, as `LuaSocket` has them.
impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        // An encrypted connection that just ends, without a goodbye.
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::CLOSED;
        }
        let words = error.to_string();
        let words = words.split(" (os error").next().unwrap_or_default();
        words.to_ascii_lowercase().into()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
