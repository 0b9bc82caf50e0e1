//! One run of a function: from its start, or from where it waited, to where it ends or waits again.

use std::sync::Arc;
use std::time::Duration;

use mlua::{Error as LuaError, Function, IntoLuaMulti, LightUserData, Lua, Table, Thread, Value};

use super::{Exhausted, PRELUDE_NAME, Vm, without_limit};
use crate::binding;
use crate::sandbox::Denied;
use crate::transaction::{Current, Exit, Failure, FailureKind, Operation, Site, Transaction};

/// What the trampoline yields.
const DONE: i32 = 1;
const EXIT: i32 = 2;
const WAIT: i32 = 3;
const FAILED: i32 = 4;

/// How far a run has come.
pub(crate) enum Step {
    /// The function has returned, or ended its phase or the request.
    Done(Option<Exit>),
    /// The function waits for the transaction's operation.
    Waiting(Coroutine, Operation),
    /// The function has raised an error.
    Failed(Failure),
}

/// A function that waits.
pub(crate) struct Coroutine {
    thread: Thread,
    /// How long it has run so far.
    used: Duration,
}

impl Vm {
    /// Lays the transaction where the functions of this VM find it.
    pub(crate) fn enter(&mut self, transaction: Box<Transaction>) {
        self.current.enter(transaction);
    }

    pub(crate) fn leave(&mut self) -> Box<Transaction> {
        self.current.leave().expect("entered before")
    }

    /// Says which function is next.
    pub(crate) fn begin(&mut self, site: Site) {
        self.transaction(|tx| {
            tx.site = site;
            tx.exit = None;
        });
    }

    /// The function that ran last.
    pub(crate) fn site(&self) -> Site {
        self.transaction(|tx| tx.site.clone())
    }

    /// Runs `function` until it ends or waits.
    pub(crate) fn start(&mut self, function: &Function) -> Step {
        let thread = match self.idle.pop() {
            Some(thread) => thread,
            None => match self.new_trampoline() {
                Ok(thread) => thread,
                Err(error) => return Step::Failed(failure_of(&error)),
            },
        };
        self.run(Coroutine { thread, used: Duration::ZERO }, function)
    }

    fn new_trampoline(&self) -> mlua::Result<Thread> {
        let make = || self.lua.create_thread(self.trampoline.clone());
        without_limit(&self.lua, &self.budget, make)
    }

    /// Runs a function on from where it waited.
    pub(crate) fn resume(&mut self, coroutine: Coroutine) -> Step {
        self.transaction(|tx| tx.resumed = true);
        self.run(coroutine, ())
    }

    fn run(&mut self, mut coroutine: Coroutine, arguments: impl IntoLuaMulti) -> Step {
        self.meter.start(coroutine.used, self.transaction(|tx| tx.cpu_time));
        let result = coroutine.thread.resume::<(i32, Value)>(arguments);
        let used = self.meter.stop();
        coroutine.used += used;
        let (exit, failure, operation) = self.transaction(|tx| {
            tx.cpu_time += used;
            (tx.exit, tx.failure.take(), tx.operation.take())
        });
        match result {
            Ok((WAIT, _)) => {
                Step::Waiting(coroutine, operation.expect("whoever waits has said for what"))
            }
            Ok((DONE, _)) => {
                self.idle.push(coroutine.thread);
                Step::Done(exit)
            }
            Ok((EXIT, _)) => Step::Done(exit),
            Ok((_, error)) => {
                self.idle.push(coroutine.thread);
                self.failed(failure.map_or_else(|| failure_of_value(&error), |failure| *failure))
            }
            // The trampoline itself died: out of stack or memory while it handled an error.
            Err(error) => {
                self.failed(failure.map_or_else(|| failure_of(&error), |failure| *failure))
            }
        }
    }

    #[cold]
    fn failed(&self, failure: Failure) -> Step {
        if failure.kind == FailureKind::Memory {
            // LuaJIT does not collect before it gives up: without this, the next request would find
            // the VM as full as this one left it.
            let _ = self.lua.gc_collect();
        }
        Step::Failed(failure)
    }

    fn transaction<R>(&self, f: impl FnOnce(&mut Transaction) -> R) -> R {
        self.current.with(|tx| Ok(f(tx))).expect("entered before")
    }
}

/// Runs the prelude in `lua` and gives its table of functions.
pub(super) fn load_prelude(lua: &Lua, current: &Arc<Current>) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    native.set("DONE", DONE)?;
    native.set("EXIT", EXIT)?;
    native.set("WAIT", WAIT)?;
    native.set("FAILED", FAILED)?;
    native.set("PENDING", pending())?;
    native.set("explain", lua.create_function(|_, error: Value| Ok(explain(&error)))?)?;
    let slot = Arc::clone(current);
    let on_error = lua.create_function(move |lua, error: Value| {
        let failure = Failure {
            position: binding::position(lua),
            traceback: traceback(lua)?,
            ..failure_of_value(&error)
        };
        slot.with(|tx| {
            tx.failure = Some(Box::new(failure));
            Ok(())
        })
    })?;
    native.set("on_error", on_error)?;
    let slot = Arc::clone(current);
    let take_turn = lua.create_function(move |_, ()| {
        slot.with(|tx| {
            tx.operation = Some(Operation::Turn);
            Ok(())
        })
    })?;
    native.set("take_turn", take_turn)?;
    lua.load(include_str!("prelude.lua")).set_name(format!("={PRELUDE_NAME}")).call(native)
}

/// The mark by which the prelude knows that a function waits: an address that no Lua code has.
pub(crate) fn pending() -> LightUserData {
    static MARK: u8 = 0;
    LightUserData(std::ptr::from_ref(&MARK).cast_mut().cast())
}

/// What the prelude tells a function of an error userdata: whether it may be caught at all, and its
/// message.
fn explain(error: &Value) -> (bool, Option<String>) {
    match error {
        Value::Error(error) => {
            let failure = failure_of(error);
            (failure.kind == FailureKind::Timeout, Some(failure.message))
        }
        _ => (false, None),
    }
}

fn failure_of_value(error: &Value) -> Failure {
    match error {
        Value::Error(error) => failure_of(error),
        Value::String(message) => {
            let message = message.to_string_lossy();
            let out_of_memory = message == "not enough memory";
            let kind = if out_of_memory { FailureKind::Memory } else { FailureKind::Runtime };
            Failure { kind, message, position: None, traceback: String::new() }
        }
        other => Failure {
            kind: FailureKind::Runtime,
            message: format!("(error object is a {} value)", other.type_name()),
            position: None,
            traceback: String::new(),
        },
    }
}

pub(crate) fn failure_of(error: &LuaError) -> Failure {
    let (kind, message) = match error {
        LuaError::CallbackError { cause, .. } | LuaError::BadArgument { cause, .. } => {
            return failure_of(cause);
        }
        LuaError::MemoryError(message) => (FailureKind::Memory, message.clone()),
        LuaError::RuntimeError(message) => (FailureKind::Runtime, message.clone()),
        LuaError::ExternalError(cause) if cause.is::<Exhausted>() => {
            (FailureKind::Timeout, cause.to_string())
        }
        LuaError::ExternalError(cause) if cause.is::<Denied>() => {
            (FailureKind::Sandbox, cause.to_string())
        }
        other => (FailureKind::Runtime, other.to_string()),
    };
    Failure { kind, message, position: None, traceback: String::new() }
}

/// The stack of the function that failed, without our own frames.
fn traceback(lua: &Lua) -> mlua::Result<String> {
    let traceback = lua.traceback(None, 1)?.to_string_lossy();
    let ours = format!("\t{PRELUDE_NAME}:");
    let frames: Vec<_> = traceback.lines().filter(|frame| !frame.starts_with(&ours)).collect();
    Ok(frames.join("\n"))
}
