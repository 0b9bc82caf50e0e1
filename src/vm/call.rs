//! One run of a function: from its start, or from where it waited, to where it ends or waits again.

use std::sync::Arc;
use std::time::Duration;

use mlua::{Error as LuaError, Function, Lua, RegistryKey, Thread, Value};

use super::Vm;
use crate::error::{Error, Failure, FailureKind, Site};
use crate::extension::{RequestId, SpanId, Trace};
use crate::lua::{Exhausted, Place, raw, traceback_of, type_name, without_limit, without_position};
use crate::sandbox::Denied;
use crate::settings::FunctionOutcome;
use crate::transaction::{Exit, Operation, Transaction};

/// What the trampoline yields.
pub(super) const DONE: i32 = 1;
pub(super) const EXIT: i32 = 2;
pub(super) const WAIT: i32 = 3;
pub(super) const FAILED: i32 = 4;
/// It has light threads from now on, which are for the scheduler to run.
pub(super) const SCHEDULE: i32 = 5;

/// What a trampoline has yielded, and what about; or how it died.
type Yielded = mlua::Result<(i32, Value)>;

/// How far a run has come.
pub(crate) enum Step {
    /// The function has returned, or ended its phase or the request.
    Done(Option<Exit>),
    /// The function waits for the transaction's operation.
    Waiting(Coroutine, Operation),
    /// The function has raised an error.
    Failed(Failure),
}

impl Step {
    /// What an observer is told of it.
    pub(crate) const fn outcome(&self) -> FunctionOutcome {
        match self {
            Self::Done(None) => FunctionOutcome::Returned,
            Self::Done(Some(_)) => FunctionOutcome::Exited,
            Self::Failed(_) => FunctionOutcome::Failed,
            Self::Waiting(..) => FunctionOutcome::Waited,
        }
    }

    /// Whether a function has failed because there was no memory.
    fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.kind == FailureKind::Memory)
    }
}

/// A function that waits.
pub(crate) struct Coroutine {
    /// Its thread lies in Lua's registry; dropping the key leaves it to be collected.
    thread: RegistryKey,
    /// How long it has run so far.
    used: Duration,
    /// Keeps the VM that it is in.
    _alive: Arc<()>,
}

/// How many trampolines are kept for functions to come.
const MAX_IDLE: usize = 64;

impl Vm {
    /// Lays the transaction where the functions of this VM find it.
    pub(crate) fn enter(&mut self, mut transaction: Box<Transaction>) {
        transaction.share.bind(&self.memory);
        self.current.enter(transaction);
    }

    pub(crate) fn leave(&mut self) -> Box<Transaction> {
        let mut transaction = self.current.leave().expect("entered before");
        if let Some(tables) = transaction.tables.get_mut() {
            tables.alive.get_or_insert_with(|| Arc::clone(&self.alive));
        }
        transaction
    }

    /// Has `change` say which function is next, and says how much CPU time those before it have used.
    pub(crate) fn begin(&mut self, change: impl FnOnce(&mut Site)) -> Duration {
        self.transaction(|tx| {
            change(&mut tx.site);
            tx.exit = None;
            tx.answer = None;
            tx.loads.clear();
            tx.cpu_time
        })
    }

    /// The function that ran last.
    pub(crate) fn site(&self) -> Site {
        self.with_site(Site::clone)
    }

    /// Shows `f` the function that ran last.
    pub(crate) fn with_site<R>(&self, f: impl FnOnce(&Site) -> R) -> R {
        self.transaction(|tx| f(&tx.site))
    }

    /// The error of a step that has failed.
    pub(crate) fn error_of(&self, step: &Step) -> Option<Error> {
        let Step::Failed(failure) = step else { return None };
        let error = Error::function(self.site(), failure.clone());
        Some(error.of_request(self.request_id().as_str()))
    }

    /// Whether the request belongs to a trace.
    pub(crate) fn is_traced(&self) -> bool {
        Trace::is_any() && self.transaction(|tx| tx.traced().is_some())
    }

    /// The trace that the request belongs to, if it wants spans.
    pub(crate) fn trace(&self) -> Option<Trace> {
        let trace = self.transaction(|tx| tx.traced().map(|traced| traced.trace.clone()));
        trace.filter(Trace::is_sampled)
    }

    /// Says in which span what functions do is from now on.
    pub(crate) fn trace_into(&self, span: SpanId) {
        self.transaction(|tx| {
            if let Some(traced) = &mut tx.rare_mut().traced {
                traced.function = span;
            }
        });
    }

    /// The id of the request that is being served.
    pub(crate) fn request_id(&self) -> RequestId {
        self.transaction(|tx| tx.request.id().clone())
    }

    /// Whether the request has output of a function.
    pub(crate) fn has_printed(&self) -> bool {
        self.transaction(|tx| tx.response.printed)
    }

    /// Notes that others should have a turn before the request goes on.
    #[cold]
    pub(crate) fn owe_turn(&mut self) {
        self.transaction(|tx| tx.owes_turn = true);
    }

    /// Runs a function of a set, by its number, until it ends or waits. Those before it have used some
    /// of the request's CPU time.
    pub(crate) fn start(&mut self, number: usize, before: Duration) -> Step {
        self.start_in_trampoline(before, |lua, thread| raw::resume(lua, thread, number))
    }

    /// The same for another function, which is the next.
    pub(crate) fn start_function(&mut self, function: Function) -> Step {
        let before = self.transaction(|tx| tx.cpu_time);
        self.start_in_trampoline(before, |_, thread| thread.resume(function))
    }

    fn start_in_trampoline(
        &mut self,
        before: Duration,
        resume: impl FnOnce(&Lua, &Thread) -> Yielded,
    ) -> Step {
        let thread = match self.idle.pop() {
            Some(thread) => thread,
            None => match self.new_trampoline() {
                Ok(thread) => thread,
                Err(error) => return Step::Failed(failure_of(&error)),
            },
        };
        self.meter.start(Duration::ZERO, before);
        self.run(thread, Duration::ZERO, resume)
    }

    fn new_trampoline(&self) -> mlua::Result<Thread> {
        let make = || self.lua.create_thread(self.trampoline.clone());
        without_limit(&self.lua, &self.budget, make)
    }

    /// Runs a function on from where it waited.
    pub(crate) fn resume(&mut self, coroutine: Coroutine) -> Step {
        let cpu_time = self.transaction(|tx| tx.cpu_time);
        let thread = match self.lua.registry_value(&coroutine.thread) {
            Ok(thread) => thread,
            Err(error) => {
                self.transaction(|tx| tx.loads.clear());
                return Step::Failed(failure_of(&error));
            }
        };
        let used = coroutine.used;
        // The next function to wait gets its place.
        drop(coroutine);
        self.meter.start_at_once(used, cpu_time);
        self.run(thread, used, |_, thread| thread.resume(()))
    }

    /// Where a function is that waits.
    #[cold]
    pub(crate) fn place_of(&self, coroutine: &Coroutine) -> Option<Place> {
        let thread: Thread = self.lua.registry_value(&coroutine.thread).ok()?;
        let make = || traceback_of(&self.lua, &thread);
        let traceback = without_limit(&self.lua, &self.budget, make).ok()?;
        Some(Place { position: None, traceback })
    }

    /// Runs `thread`, in which a function has used some time before.
    fn run(
        &mut self,
        thread: Thread,
        before: Duration,
        resume: impl FnOnce(&Lua, &Thread) -> Yielded,
    ) -> Step {
        if self.budget.memory.is_some() {
            self.meter.watch_memory(self.used_before);
        }
        #[cfg(feature = "testing")]
        if let Some(recording) = self.recording.clone() {
            return self.noted(&recording, |vm| vm.drive(thread, before, resume));
        }
        self.drive(thread, before, resume)
    }

    fn drive(
        &mut self,
        thread: Thread,
        before: Duration,
        resume: impl FnOnce(&Lua, &Thread) -> Yielded,
    ) -> Step {
        let result = resume(&self.lua, &thread);
        let used = self.meter.stop();
        self.ran_for = used;
        if self.samples.has_some() {
            let Site { set, phase, index, .. } = self.site();
            self.samples.flush(&format!("{set}: {phase}[{index}]"));
        }
        let (exit, failure, operation) = self.transaction(|tx| {
            tx.cpu_time += used;
            let flights = tx.flights.take();
            if !matches!(result, Ok((WAIT | SCHEDULE, _))) {
                tx.loads.clear();
            }
            let operation = tx.operation.take();
            let operation = operation.or_else(|| flights.map(|any| Operation::Any(Some(any))));
            (tx.exit, tx.failure.take(), operation)
        });
        let step = match result {
            Ok((SCHEDULE, _)) => return self.schedule(thread, before + used),
            Ok((WAIT, _)) => {
                let keep = || self.lua.create_registry_value(thread);
                match without_limit(&self.lua, &self.budget, keep) {
                    Ok(thread) => {
                        let coroutine = Coroutine {
                            thread,
                            used: before + used,
                            _alive: Arc::clone(&self.alive),
                        };
                        let operation = operation.expect("whoever waits has said for what");
                        Step::Waiting(coroutine, operation)
                    }
                    Err(error) => Step::Failed(failure_of(&error)),
                }
            }
            Ok((DONE, _)) => {
                self.keep_idle(thread);
                Step::Done(exit)
            }
            Ok((EXIT, _)) => Step::Done(exit),
            Ok((_, error)) => {
                self.keep_idle(thread);
                self.failed(failure.map_or_else(|| failure_of_value(&error), |failure| *failure))
            }
            // The trampoline itself died: out of stack or memory while it handled an error.
            Err(error) => {
                self.failed(failure.map_or_else(|| failure_of(&error), |failure| *failure))
            }
        };
        match self.budget.memory {
            Some(limit) => self.settle(step, limit),
            None => step,
        }
    }

    /// Goes on with a function that has its first light thread.
    #[cold]
    fn schedule(&mut self, thread: Thread, used: Duration) -> Step {
        let make = || self.lua.create_thread(self.scheduler.clone());
        match without_limit(&self.lua, &self.budget, make) {
            Ok(scheduler) => {
                self.meter.start_at_once(used, self.transaction(|tx| tx.cpu_time));
                self.drive(scheduler, used, |_, scheduler| scheduler.resume(thread))
            }
            Err(error) => self.failed(failure_of(&error)),
        }
    }

    fn keep_idle(&mut self, trampoline: Thread) {
        if self.idle.len() < MAX_IDLE {
            self.idle.push(trampoline);
        }
    }

    #[cold]
    fn failed(&mut self, mut failure: Failure) -> Step {
        // The time that a binding has found used up, the hook has found again in the handler of its error.
        if failure.message == IN_HANDLER && self.meter.is_exhausted() {
            failure = failure_of(&LuaError::external(Exhausted));
        }
        // Where it was stopped, rather than where an error came to light that passed through
        // coroutines; and of a failed allocation LuaJIT says nothing at all.
        let is_lost = failure.kind == FailureKind::Memory && failure.position.is_none();
        if (failure.kind == FailureKind::Timeout || is_lost)
            && let Some(Place { position, traceback }) = self.meter.take_place()
        {
            (failure.position, failure.traceback) = (position, traceback);
        }
        Step::Failed(failure)
    }

    /// Looks at what a run has left of the VM's memory.
    fn settle(&mut self, step: Step, limit: usize) -> Step {
        let ran_out = self.meter.take_ran_out();
        self.has_run_out |= ran_out || step.is_out_of_memory();
        let used = self.used_memory();
        self.is_greedy = self.has_taken_too_much(&step, used, ran_out, limit);
        if step.is_out_of_memory() || used > limit / 2 {
            return self.recover(step, limit);
        }
        self.used_before = used;
        self.innocent_failures = 0;
        step
    }

    /// Whether a run has found no memory because it had taken, or asked for, so much itself. Others may
    /// keep at most half: what a run cannot have beside that is more than its share. One that went on
    /// without must have had much of it.
    fn has_taken_too_much(&self, step: &Step, used: usize, ran_out: bool, limit: usize) -> bool {
        let taken = used.saturating_sub(self.used_before);
        if !step.is_out_of_memory() {
            return ran_out && taken > limit / 4;
        }
        let others_leave_half =
            self.used_before <= limit / 2 && self.transaction(|tx| tx.share.others_leave_half());
        others_leave_half || taken > limit / 4
    }

    /// Collects what nobody needs: LuaJIT does not before it gives up. What is left then is what
    /// requests and functions keep. One that has taken more than half of the memory and would wait
    /// fails; if there is as much in use without it, another VM takes this one's place.
    #[cold]
    fn recover(&mut self, step: Step, limit: usize) -> Step {
        if step.is_out_of_memory() {
            let is_innocent = self.used_memory().saturating_sub(self.used_before) < limit / 8;
            self.innocent_failures = if is_innocent { self.innocent_failures + 1 } else { 0 };
        }
        let _ = self.lua.gc_collect();
        let kept = self.used_memory().saturating_sub(self.used_before);
        let step = match step {
            Step::Waiting(..) if kept > limit / 2 => self.let_go(step),
            step => step,
        };
        self.used_before = self.used_memory();
        self.is_spent = self.used_before > limit / 2 || self.innocent_failures > 1;
        step
    }

    /// Takes away what a request keeps.
    fn let_go(&mut self, waiting: Step) -> Step {
        drop(waiting);
        self.transaction(|tx| tx.tables.forget_lua_tables());
        let error = LuaError::MemoryError("not enough memory".to_owned());
        let step = self.failed(failure_of(&error));
        self.lua.expire_registry_values();
        let _ = self.lua.gc_collect();
        self.is_greedy = true;
        step
    }

    pub(super) fn transaction<R>(&self, f: impl FnOnce(&mut Transaction) -> R) -> R {
        self.current.with(|tx| Ok(f(tx))).expect("entered before")
    }
}

/// What LuaJIT says where the handler of an error fails.
const IN_HANDLER: &str = "error in error handling";

/// How much of an error's message is reported, in bytes: as much as nginx has of a line in its log.
const MAX_MESSAGE: usize = 2048;

pub(super) fn failure_of_value(error: &Value) -> Failure {
    let message = match error {
        Value::Error(error) => return failure_of(error),
        Value::String(message) => {
            let bytes = message.as_bytes();
            let message = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_MESSAGE)]);
            without_position(&message).to_owned()
        }
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        other => format!("(error object is a {} value)", type_name(other)),
    };
    let out_of_memory = message == "not enough memory";
    let kind = if out_of_memory { FailureKind::Memory } else { FailureKind::Runtime };
    Failure { kind, message, position: None, traceback: String::new() }
}

pub(crate) fn failure_of(error: &LuaError) -> Failure {
    let (kind, message) = match error {
        LuaError::CallbackError { cause, .. } | LuaError::BadArgument { cause, .. } => {
            return failure_of(cause);
        }
        // What a request kept in a VM that has been given up.
        LuaError::MismatchedRegistryKey => (FailureKind::Memory, "not enough memory".to_owned()),
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
