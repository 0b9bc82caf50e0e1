//! What a runtime's functions have of the application's own.

use std::future::Future;
use std::sync::Arc;

use super::RuntimeBuilder;
use crate::error::Error;
use crate::extension::{HostCall, RequestFacts};
use crate::settings::HostFunction;

impl RuntimeBuilder {
    /// Gives functions one of the application's own: `require(module)` is a table in which it is `name`.
    ///
    /// `function` gets the [call](HostCall), which knows the request, and Lua's arguments as
    /// [`mlua::FromLuaMulti`] makes them of `A`: a tuple, if there are several. What it returns,
    /// [`mlua::IntoLuaMulti`] makes Lua's. An error is raised where Lua calls; a `Result` inside of the
    /// result is a value, or `nil` and a message: `Ok(find(id).map_err(|error| error.to_string()))`.
    ///
    /// It is there in every phase and for all functions: giving it is allowing it. It runs on the
    /// thread that serves the request, and the time that it takes counts as the Lua function's: what
    /// waits belongs into an [asynchronous one](Self::async_function).
    ///
    /// ```
    /// use tower_lua::{Runtime, mlua};
    ///
    /// let runtime = Runtime::builder()
    ///     .function("acme.text", "shout", |_, text: String| Ok(text.to_uppercase()))
    ///     .function("acme.text", "number", |_, text: String| {
    ///         Ok(text.parse::<f64>().map_err(|error| error.to_string()))
    ///     })
    ///     .build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn function<A, R>(
        mut self,
        module: impl Into<String>,
        name: impl Into<String>,
        function: impl Fn(&HostCall<'_>, A) -> mlua::Result<R> + Send + Sync + 'static,
    ) -> Self
    where
        A: mlua::FromLuaMulti,
        R: mlua::IntoLuaMulti,
    {
        let function = HostFunction::plain(module.into(), name.into(), function);
        self.settings.host_functions.push(function);
        self
    }

    /// The same for a function that waits: for a database, another server, a lock. Lua calls it as any
    /// other, and goes on when the future has ended; its VM serves other requests meanwhile.
    ///
    /// The future is polled with the request, and dropped with it, at any time. It needs a timeout of
    /// its own, and owns what it works with: what it needs of the [call](HostCall) is taken out before
    /// it begins. Functions can wait in every phase, in timers and in light threads.
    ///
    /// ```
    /// use tower_lua::{Functions, Runtime, mlua};
    ///
    /// # #[derive(Clone)]
    /// # struct Users;
    /// # impl Users {
    /// #     async fn find(&self, id: &str) -> Result<Option<String>, std::io::Error> {
    /// #         Ok((id == "7").then(|| "alice".to_owned()))
    /// #     }
    /// # }
    /// let runtime = Runtime::builder()
    ///     .async_function("acme.users", "find", |call, id: String| {
    ///         let users = call.extensions().get::<Users>().cloned();
    ///         async move {
    ///             let users = users.ok_or_else(|| mlua::Error::runtime("no database"))?;
    ///             // A value, or nil and a message.
    ///             Ok(users.find(&id).await.map_err(|error| error.to_string()))
    ///         }
    ///     })
    ///     .build()?;
    /// let functions = Functions::access("who", r#"
    ///     local name, err = require("acme.users").find(kong.request.get_header("x-user"))
    ///     if err then kong.log.err(err) end
    ///     kong.service.request.set_header("x-name", name or "nobody")
    /// "#)?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn async_function<A, R, F>(
        mut self,
        module: impl Into<String>,
        name: impl Into<String>,
        function: impl Fn(&HostCall<'_>, A) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: mlua::FromLuaMulti,
        R: mlua::IntoLuaMulti + Send + 'static,
        F: Future<Output = mlua::Result<R>> + Send + 'static,
    {
        let function = HostFunction::waiting(module.into(), name.into(), function);
        self.settings.host_functions.push(function);
        self
    }

    /// Says how to tell functions what the application knows of a request already. `describe` is given
    /// the extensions of each request that functions are for, before they run, and puts into them what
    /// [functions know](crate#what-the-application-tells-functions): [`Connection`](crate::Connection),
    /// [`RequestId`](crate::RequestId), [`UriCaptures`](crate::UriCaptures), [`Route`](crate::Route),
    /// [`ClientUri`](crate::ClientUri).
    ///
    /// With the feature `axum` there is one that knows axum's, `tower_lua::axum::describe`.
    ///
    /// ```
    /// use std::net::SocketAddr;
    ///
    /// use axum::extract::ConnectInfo;
    /// use tower_lua::{Connection, RequestId, Runtime};
    /// use tower_http::request_id;
    ///
    /// let runtime = Runtime::builder()
    ///     .connection(|extensions| {
    ///         if let Some(ConnectInfo(peer)) = extensions.get::<ConnectInfo<SocketAddr>>().copied() {
    ///             extensions.insert(Connection::new(peer));
    ///         }
    ///         let id = extensions.get::<request_id::RequestId>();
    ///         if let Some(id) = id.and_then(|id| id.header_value().to_str().ok()).map(RequestId::new) {
    ///             extensions.insert(id);
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn connection(
        mut self,
        describe: impl Fn(&mut http::Extensions) + Send + Sync + 'static,
    ) -> Self {
        self.settings.connection = Some(Box::new(describe));
        self
    }

    /// Says where the [facts](crate::RequestFacts) are that the server knows of a request: by the extensions of each
    /// request that functions are for, before they run.
    pub fn facts<F>(
        mut self,
        find: impl Fn(&http::Extensions) -> Option<Arc<F>> + Send + Sync + 'static,
    ) -> Self
    where
        F: RequestFacts + 'static,
    {
        self.settings.facts = Some(Box::new(move |extensions| Some(find(extensions)? as _)));
        self
    }

    /// No name is both a module's and that of functions.
    pub(super) fn check_modules(&self) -> Result<(), Error> {
        let of_functions =
            |name: &str| self.settings.host_functions.iter().any(|f| f.module == name);
        match self.settings.modules.iter().find(|(name, _)| of_functions(name)) {
            Some((name, _)) => Err(Error::config(format!(
                "'{name}' is a module, and functions are given that name, too"
            ))),
            None => Ok(()),
        }
    }
}
