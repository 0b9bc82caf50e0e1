//! The source of one function.

use std::path::Path;
use std::sync::Arc;

use mlua::chunk::ChunkMode;
use mlua::{Lua, Table};

use crate::error::Error;

/// How much of an unnamed source stands in its chunk name: Lua shows its first line, 60 bytes at
/// most.
const CHUNK_NAME_LEN: usize = 128;

/// Lua source text, and the name that its chunk has in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    text: Arc<str>,
    chunk_name: ChunkName,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ChunkName {
    /// So many bytes of the text.
    Start(usize),
    Given(Arc<str>),
}

impl Source {
    /// Source given as a string: named by its own first line, as Kong has it.
    pub(super) fn inline(text: &str) -> Self {
        let end = text.find('\0').unwrap_or(text.len()).min(CHUNK_NAME_LEN);
        let end = (0..=end).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        Self { text: text.into(), chunk_name: ChunkName::Start(end) }
    }

    /// Source from a file: named by the file.
    pub(super) fn file(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::file(path, error))?;
        Ok(Self::named(&path.display().to_string(), &text))
    }

    /// Source that somebody else has read from a file.
    pub(super) fn named(name: &str, text: &str) -> Self {
        // Lua's strings end there, and messages with them.
        let name = name.split('\0').next().unwrap_or_default();
        Self { text: text.into(), chunk_name: ChunkName::Given(format!("@{name}").into()) }
    }

    /// What Lua calls its chunk.
    pub(super) fn chunk_name(&self) -> &str {
        match &self.chunk_name {
            ChunkName::Start(len) => &self.text[..*len],
            ChunkName::Given(name) => name,
        }
    }

    /// Compiles the source as text, without running it.
    ///
    /// # Errors
    ///
    /// When it is not Lua, or bytecode.
    pub(super) fn compile(
        &self,
        lua: &Lua,
        environment: Option<Table>,
    ) -> mlua::Result<mlua::Function> {
        let chunk = lua.load(&*self.text).set_name(self.chunk_name()).set_mode(ChunkMode::Text);
        match environment {
            Some(environment) => chunk.set_environment(environment).into_function(),
            None => chunk.into_function(),
        }
    }
}
