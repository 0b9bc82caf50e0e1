//! What the scheduler of light threads is given of Rust's.

use std::sync::Arc;

use mlua::{Function, Lua, LuaString, Table};

use crate::error::log::{self, Level, Line};
use crate::lua::raised_at;
use crate::transaction::Current;

/// Adds to `native` what `threads.lua` calls.
pub(super) fn register(lua: &Lua, current: &Arc<Current>, native: &Table) -> mlua::Result<()> {
    let slot = Arc::clone(current);
    // The thread that has stopped waits for the transaction's operation: the operation's ticket.
    let depart = lua.create_function(move |_, ()| {
        slot.with(|tx| {
            let operation = tx.operation.take().expect("whoever waits has said for what");
            Ok(tx.flights.get_or_insert_default().depart(operation))
        })
    })?;
    let slot = Arc::clone(current);
    // The ticket of an operation that has ended, and lays its answer where the thread looks for it.
    let arrive = lua.create_function(move |_, ()| {
        slot.with(|tx| {
            let arrived = tx.flights.as_mut().and_then(|flights| flights.arrive());
            Ok(arrived.map(|(ticket, answer)| {
                tx.answer = answer;
                ticket
            }))
        })
    })?;
    let slot = Arc::clone(current);
    let cancel = lua.create_function(move |_, ticket: u32| {
        slot.with(|tx| {
            if let Some(flights) = &mut tx.flights {
                flights.cancel(ticket);
            }
            Ok(())
        })
    })?;
    let slot = Arc::clone(current);
    // Reports a thread that has failed, which is no failure of its function.
    let aborted = lua.create_function(move |_, message: LuaString| {
        slot.with(|tx| {
            let failure = tx.failure.take();
            if tx.lines.admit(Level::Err, || tx.origin()) {
                let mut line = Line::from("lua user thread aborted: runtime error: ");
                line.push_bytes(&message.as_bytes());
                line.push("\n");
                line.push(failure.as_ref().map_or("", |failure| &failure.traceback));
                log::write(Level::Err, &tx.origin(), line);
            }
            Ok(())
        })
    })?;
    let raise: Function = lua.globals().get("error")?;
    // Of an error that its handler, which calls this, was given.
    let raised_at = lua.create_function(move |lua, message: LuaString| {
        Ok(raised_at(lua, 2, &raise, &message.as_bytes()))
    })?;
    let is_c = |_: &Lua, function: Function| Ok(function.info().what == "C");
    native.set("is_c", lua.create_function(is_c)?)?;
    native.set("depart", depart)?;
    native.set("arrive", arrive)?;
    native.set("cancel", cancel)?;
    native.set("raised_at", raised_at)?;
    native.set("aborted", aborted)
}
