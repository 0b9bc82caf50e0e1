//! Whether functions may run in a runtime.

use super::Functions;
use crate::error::Error;
use crate::runtime::Runtime;
use crate::sandbox::Denied;
use crate::settings::UntrustedLua;

impl Runtime {
    /// Checks that functions may run here: that this runtime runs functions at all.
    ///
    /// A layer does not ask: where functions are [off](crate::UntrustedLua::Off), each request fails
    /// that would run one. Whoever takes in a configuration asks first.
    ///
    /// ```
    /// use tower_lua::{Functions, Runtime, Sandbox, UntrustedLua};
    ///
    /// let runtime = Runtime::builder().sandbox(Sandbox::new(UntrustedLua::Off)).build()?;
    /// assert!(runtime.check(&Functions::access("hello", "ngx.say('hello')")?).is_err());
    /// assert!(runtime.check(&Functions::empty()).is_ok());
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Kong's, when `untrusted_lua` is `off` and there are functions.
    pub fn check(&self, functions: &Functions) -> Result<(), Error> {
        if self.settings().sandbox.mode == UntrustedLua::Off && !functions.is_empty() {
            return Err(Error::config(format!("{}: {}", functions.name(), Denied::Loading)));
        }
        Ok(())
    }
}
