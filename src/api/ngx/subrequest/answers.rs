//! What comes of subrequests.

use mlua::{IntoLua, IntoLuaMulti, Lua, MultiValue, Value};
use tokio::task::JoinHandle;

use crate::binding::convert;
use crate::lua::OutOfMemory;
use crate::settings::Captured;

/// The answers to subrequests, in their order.
pub(super) struct Answers(pub(super) Vec<Captured>);

/// A subrequest under way, which ends with whoever waits for it.
pub(super) struct Task(JoinHandle<Result<Captured, OutOfMemory>>);

impl Task {
    pub(super) fn new(handle: JoinHandle<Result<Captured, OutOfMemory>>) -> Self {
        Self(handle)
    }

    pub(super) async fn end(mut self) -> mlua::Result<Captured> {
        match (&mut self.0).await {
            Ok(captured) => Ok(captured?),
            // It has panicked: whoever answers is the application's.
            Err(_) => Ok(Captured::failed()),
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl IntoLuaMulti for Answers {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        self.0.into_iter().map(|captured| captured.into_lua(lua)).collect()
    }
}

impl IntoLua for Captured {
    fn into_lua(self, lua: &Lua) -> mlua::Result<Value> {
        let (head, body) = self.response.into_parts();
        let answer = lua.create_table_with_capacity(0, 4)?;
        answer.raw_set("status", head.status.as_u16())?;
        answer.raw_set("header", convert::headers_table(lua, head.headers.iter(), 0)?.0)?;
        answer.raw_set("body", lua.create_string(&body)?)?;
        answer.raw_set("truncated", self.is_truncated)?;
        Ok(Value::Table(answer))
    }
}
