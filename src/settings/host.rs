//! Functions that the application gives to Lua.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use mlua::{FromLuaMulti, IntoLuaMulti, Lua, MultiValue};

use crate::extension::HostCall;
use crate::lua::raise_at;

/// A function that the application gives to Lua.
pub(crate) struct HostFunction {
    /// The module that it is found in.
    pub(crate) module: String,
    pub(crate) name: String,
    pub(crate) body: HostBody,
}

/// What a function does when it is called. The results of one that waits are made Lua values when
/// its caller goes on.
#[derive(Clone)]
pub(crate) enum HostBody {
    Plain(Arc<Plain>),
    Async(Arc<Async>),
}

type Plain =
    dyn Fn(&Lua, &HostCall<'_>, MultiValue) -> mlua::Result<MultiValue> + Send + Sync + 'static;

type Async =
    dyn Fn(&Lua, &HostCall<'_>, MultiValue) -> mlua::Result<HostFuture> + Send + Sync + 'static;

pub(crate) type HostFuture = Pin<Box<dyn Future<Output = mlua::Result<Conversion>> + Send>>;

/// What a call returns, on its way to Lua.
pub(crate) struct Conversion(Box<Convert>);

type Convert = dyn FnOnce(&Lua) -> mlua::Result<MultiValue> + Send;

impl Conversion {
    fn new(values: impl IntoLuaMulti + Send + 'static) -> Self {
        Self(Box::new(|lua| values.into_lua_multi(lua)))
    }
}

impl IntoLuaMulti for Conversion {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        (self.0)(lua)
    }
}

impl HostFunction {
    pub(crate) fn plain<A, R>(
        module: String,
        name: String,
        function: impl Fn(&HostCall<'_>, A) -> mlua::Result<R> + Send + Sync + 'static,
    ) -> Self
    where
        A: FromLuaMulti,
        R: IntoLuaMulti,
    {
        let own_name = name.clone();
        let body: Arc<Plain> = Arc::new(move |lua, call, values| {
            function(call, arguments(lua, &own_name, values)?)?.into_lua_multi(lua)
        });
        Self { module, name, body: HostBody::Plain(body) }
    }

    pub(crate) fn waiting<A, R, F>(
        module: String,
        name: String,
        function: impl Fn(&HostCall<'_>, A) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: FromLuaMulti,
        R: IntoLuaMulti + Send + 'static,
        F: Future<Output = mlua::Result<R>> + Send + 'static,
    {
        let own_name = name.clone();
        let body: Arc<Async> = Arc::new(move |lua, call, values| {
            let future = function(call, arguments(lua, &own_name, values)?);
            Ok(Box::pin(async { future.await.map(Conversion::new) }))
        });
        Self { module, name, body: HostBody::Async(body) }
    }
}

/// Lua's arguments as those of a function.
fn arguments<A: FromLuaMulti>(lua: &Lua, name: &str, values: MultiValue) -> mlua::Result<A> {
    A::from_lua_multi(values, lua)
        .map_err(|error| raise_at(lua, &format!("bad argument to '{name}' ({error})")))
}
