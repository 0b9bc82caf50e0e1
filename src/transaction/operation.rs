//! What a function waits for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use mlua::{IntoLuaMulti, Lua, MultiValue};

/// What a suspended function waits for. Dropping it gives it up.
pub(crate) enum Operation {
    /// The request body, whole if it has at most `limit` bytes.
    ReadBody { limit: u64 },
    /// Whatever else Rust can await.
    Future(Pending),
}

/// A future on its way to an answer.
type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What a future has come to: the values, or the error, of the Lua call that waited for it. They are
/// made when the function goes on, in its VM and for its position in the Lua source.
pub(crate) struct Answer(Box<Conversion>);

type Conversion = dyn FnOnce(&Lua) -> mlua::Result<MultiValue> + Send;

impl Operation {
    /// That other tasks have had a turn.
    pub(crate) fn turn() -> Self {
        Self::future(async {
            tokio::task::yield_now().await;
            Ok(())
        })
    }

    /// Waits for `future`. What it comes to is made Lua values of where the function goes on.
    pub(crate) fn future<R>(future: impl Future<Output = mlua::Result<R>> + Send + 'static) -> Self
    where
        R: IntoLuaMulti + Send + 'static,
    {
        Self::Future(Box::pin(async {
            let result = future.await;
            Answer(Box::new(|lua| result?.into_lua_multi(lua)))
        }))
    }
}

impl Answer {
    pub(crate) fn into_values(self, lua: &Lua) -> mlua::Result<MultiValue> {
        (self.0)(lua)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}
