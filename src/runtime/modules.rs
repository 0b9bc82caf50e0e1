//! Modules of the operator's directory, loaded again.

use std::path::{Path, PathBuf};

use mlua::Lua;
use mlua::chunk::ChunkMode;

use super::Runtime;
use crate::error::Error;

impl Runtime {
    /// Loads the modules of [`module_path`](super::RuntimeBuilder::module_path) again: new requests
    /// find fresh VMs, and with them what the files say now. Requests in flight end with what they
    /// began with. What functions keep in globals and upvalues is lost; what `kong.cache` and
    /// `ngx.shared` hold stays.
    ///
    /// All that functions have loaded so far is checked first: where one does not compile, nothing
    /// changes. Blocks on the files, and on functions that run.
    ///
    /// ```
    /// use tower_lua::Runtime;
    ///
    /// let runtime = Runtime::builder().module_path("/etc/gateway/lua").build()?;
    /// runtime.reload_modules()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When a module cannot be read, or is no Lua: which one, and why.
    pub fn reload_modules(&self) -> Result<(), Error> {
        let Some(directory) = &self.settings().module_path else { return Ok(()) };
        let unreadable = |error| Error::config(format!("no list of modules: {error}"));
        let names = self.pool().loaded_modules().map_err(unreadable)?;
        let lua = Lua::new();
        for path in names.iter().filter_map(|name| file_of(directory, name)) {
            let text = std::fs::read(&path).map_err(|error| Error::file(&path, error))?;
            let chunk = lua.load(text).set_name(format!("@{}", path.display()));
            let compiled = chunk.set_mode(ChunkMode::Text).into_function();
            compiled
                .map_err(|error| Error::config(format!("a module does not compile: {error}")))?;
        }
        self.pool().renew_all();
        Ok(())
    }
}

/// The file that `require` finds for a module.
fn file_of(directory: &Path, name: &str) -> Option<PathBuf> {
    let path = name.replace('.', "/");
    let candidates = [format!("{path}.lua"), format!("{path}/init.lua")];
    candidates.iter().map(|file| directory.join(file)).find(|file| file.is_file())
}
