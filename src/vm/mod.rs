//! A Lua state and what it needs to run functions.
//!
//! A [`Vm`] is shared by all requests that are bound to it; what belongs to one request is its
//! transaction and the coroutine of a function that waits.
//!
//! # Cancel safety
//!
//! A suspended function is dropped by dropping its [`Suspended`] handle, at any time and on any
//! thread: the coroutine is let go of under the VM's lock, at once or when the VM is next used.
//!
//! # References
//!
//! mlua keeps what Rust refers to on a Lua stack, and LuaJIT has no room there for more than 8,000
//! values. So nothing of which there may be thousands is held by reference: functions lie in a Lua
//! table and go by numbers; coroutines that wait, and what requests keep, in Lua's registry.

mod call;
mod lock;
mod pattern;
mod pool;
mod prelude;
mod quarantine;
#[cfg(feature = "testing")]
mod recorded;
mod threads;
pub(crate) mod timer;
pub(crate) mod worker_thread;

use std::ops::Range;
use std::sync::{Arc, Weak};
use std::time::Duration;

use mlua::{Function, Lua, LuaOptions, StdLib, Table, Thread, Value};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

pub(crate) use self::call::{Coroutine, Step, failure_of};
pub(crate) use self::pool::{Pool, Suspended};
pub(crate) use self::prelude::NEWPROXY_KEY;
use self::prelude::Prelude;
pub(crate) use self::quarantine::Quarantined;
use self::timer::Home;
use crate::binding::{Api, Scope, convert};
use crate::error::FailureKind;
use crate::lua::{self, Budget, Memory, Meter, Place, Samples};
use crate::sandbox::Environments;
use crate::settings::Settings;
#[cfg(feature = "testing")]
use crate::settings::recording::Recording;
use crate::transaction::{Bound, Current};

pub(crate) struct Vm {
    bound: Bound,
    lua: Lua,
    current: Arc<Current>,
    meter: Arc<Meter>,
    memory: Arc<Memory>,
    budget: Budget,
    environments: Environments,
    trampoline: Function,
    /// Runs the light threads of a function.
    scheduler: Function,
    /// Makes a chunk a function.
    add: Function,
    /// The functions, by their numbers.
    functions: Table,
    /// How many functions there have ever been.
    count: usize,
    /// Trampolines between functions.
    idle: Vec<Thread>,
    /// What has been compiled in this VM, by the number of the function set: functions of consecutive
    /// numbers.
    compiled: FxHashMap<u64, Range<usize>>,
    gone: Arc<Gone>,
    /// Where functions are, while somebody wants to know.
    samples: Arc<Samples>,
    /// What is held by whatever a request keeps here.
    alive: Arc<()>,
    /// How much memory there was in use after the last run, and before the one that is under way.
    used_before: usize,
    /// How many functions in a row found no memory, though they had not taken it.
    innocent_failures: u32,
    /// How long the last run took, to the nearest tick.
    ran_for: Duration,
    /// Whether the last run has used up its share of the memory.
    is_greedy: bool,
    /// What notes all that functions do.
    #[cfg(feature = "testing")]
    recording: Option<Arc<Recording>>,
    /// Whether functions keep so much memory that another VM has to take this one's place.
    is_spent: bool,
    /// Whether there was ever no memory left.
    has_run_out: bool,
}

/// LuaJIT frees a closure for whose upvalues there was no memory by a smaller size than it took. Its
/// debug builds count what they give back when a state is closed, and end the process over such a
/// closure: so in debug builds a state that has been out of memory is emptied, and never closed.
impl Drop for Vm {
    fn drop(&mut self) {
        if cfg!(debug_assertions) && (self.has_run_out || self.meter.take_ran_out()) {
            let lua = std::mem::ManuallyDrop::new(self.lua.clone());
            let _ = self.functions.clear().and_then(|()| lua.globals().clear());
            let _ = lua.gc_collect();
        }
    }
}

impl Vm {
    /// A VM with `api` in it.
    pub(crate) fn new(
        bound: Bound,
        pool: Weak<Pool>,
        settings: &Arc<Settings>,
        api: &Api,
    ) -> mlua::Result<Self> {
        // Safe mode: no `debug`, no `ffi`, no C modules.
        let lua = Lua::new_with(StdLib::ALL_SAFE, LuaOptions::new())?;
        let current = Arc::new(Current::default());
        let meter = Arc::new(Meter::new(&settings.budget));
        let prelude = Prelude::load(&lua, &current, &meter, settings)?;
        let (waiting, awaiting) = (prelude.get("waiting")?, prelude.get("awaiting")?);
        let (exiting, threads) = (prelude.get("exiting")?, prelude.threads()?);
        let scope = |dialect| Scope {
            lua: &lua,
            current: &current,
            meter: &meter,
            settings,
            waiting: &waiting,
            awaiting: &awaiting,
            exiting: &exiting,
            threads: &threads,
            dialect,
        };
        convert::register(&lua)?;
        api.tables.iter().try_for_each(|(dialect, register)| register(&scope(*dialect)))?;
        let environments = Environments::new(&lua, settings, &(api.modules)(&lua, settings)?)?;
        let memory = Arc::new(settings.budget.held());
        let alive = Arc::default();
        lua.set_app_data(Home { pool, bound, alive: Arc::clone(&alive) });
        #[cfg(feature = "testing")]
        if let Some(recording) = &settings.recording {
            lua.set_app_data(Arc::clone(&recording.allocated));
        }
        let samples = Arc::new(Samples::new(Arc::clone(&settings.sampler)));
        lua::enforce(&lua, &meter, &memory, &settings.budget, &samples)?;
        Ok(Self {
            bound,
            trampoline: prelude.get("trampoline")?,
            scheduler: prelude.get("schedule")?,
            add: prelude.get("add")?,
            functions: prelude.functions,
            count: 0,
            current,
            meter,
            memory,
            budget: settings.budget.clone(),
            environments,
            idle: Vec::new(),
            compiled: FxHashMap::default(),
            gone: Arc::default(),
            samples,
            alive,
            used_before: 0,
            innocent_failures: 0,
            ran_for: Duration::ZERO,
            is_greedy: false,
            #[cfg(feature = "testing")]
            recording: settings.recording.clone(),
            is_spent: false,
            has_run_out: false,
            lua,
        })
    }
}

/// The function sets that are there no more, by their numbers: a VM need not look for them among
/// those that are.
#[derive(Debug, Default)]
pub(crate) struct Gone(Mutex<Vec<u64>>);

impl Gone {
    pub(crate) fn note(&self, number: u64) {
        self.0.lock().push(number);
    }
}

impl Vm {
    /// The number of the first function of a set. They are compiled when they are first asked for,
    /// by `compile`, which [adds](Self::add) them in their order.
    ///
    /// `number` is the set's, and `known` is told whom it has to tell of its end.
    pub(crate) fn compiled(
        &mut self,
        number: u64,
        known: impl FnOnce(Weak<Gone>),
        compile: impl Fn(&mut Self) -> mlua::Result<()>,
    ) -> mlua::Result<usize> {
        if let Some(numbers) = self.compiled.get(&number) {
            return Ok(numbers.start);
        }
        // A new set is the moment to let go of those that it may have replaced.
        self.forget()?;
        let first = self.count;
        if compile(self).is_err() {
            // It may have been for want of memory that is not needed any more.
            self.remove(first..self.count)?;
            self.lua.gc_collect()?;
            self.count = first;
            if let Err(error) = compile(self) {
                self.remove(first..self.count)?;
                self.is_spent = failure_of(&error).kind == FailureKind::Memory;
                self.has_run_out |= self.is_spent;
                return Err(error);
            }
        }
        self.compiled.insert(number, first..self.count);
        self.used_before = self.used_memory();
        known(Arc::downgrade(&self.gone));
        Ok(first)
    }

    /// Lets go of the functions of sets that are gone.
    fn forget(&mut self) -> mlua::Result<()> {
        let gone = std::mem::take(&mut *self.gone.0.lock());
        let numbers = gone.iter().filter_map(|number| self.compiled.remove(number));
        let numbers: Vec<_> = numbers.collect();
        numbers.into_iter().try_for_each(|numbers| self.remove(numbers))
    }

    fn remove(&self, mut numbers: Range<usize>) -> mlua::Result<()> {
        numbers.try_for_each(|number| self.functions.raw_set(number, Value::Nil))
    }

    /// Makes `chunk` the next function. It runs by Kong's two-stage rule.
    pub(crate) fn add(&mut self, chunk: Function) -> mlua::Result<()> {
        self.add.call::<()>((self.count, chunk))?;
        self.count += 1;
        Ok(())
    }

    /// A global environment for one function.
    pub(crate) fn environment(&self) -> mlua::Result<Table> {
        self.environments.create()
    }

    pub(crate) fn lua(&self) -> &Lua {
        &self.lua
    }

    /// The place of this VM in its pool.
    pub(crate) fn number(&self) -> usize {
        self.bound.number
    }

    pub(crate) fn bound(&self) -> Bound {
        self.bound
    }

    /// Whether another VM should take this one's place.
    pub(crate) fn is_spent(&self) -> bool {
        self.is_spent
    }

    /// Whether the last run has used up its share of the memory, be it that it went on without.
    pub(crate) fn is_greedy(&self) -> bool {
        self.is_greedy
    }

    /// Whether the last run has taken more than half of the time of a call.
    pub(crate) fn has_run_long(&self) -> bool {
        self.budget.call_time.is_some_and(|limit| self.ran_for > limit / 2)
    }

    /// The CPU time of the last run, which took `wall` by the other clock: the meter reads that of the CPU
    /// after a millisecond.
    pub(crate) fn cpu_time(&self, wall: Duration) -> Duration {
        const UNMEASURED: Duration = Duration::from_millis(1);
        if wall <= UNMEASURED { wall } else { self.ran_for.clamp(UNMEASURED, wall) }
    }

    /// Has the next run looked at when the call is slow, of which `left` remains until then.
    pub(crate) fn watch_slow(&self, left: Option<Duration>) {
        self.meter.watch_slow(left);
    }

    /// Where the call was when it became slow, if it did in the last run.
    pub(crate) fn slow_place(&self) -> Option<Place> {
        self.meter.take_slow_place()
    }

    /// Whether requests or timers keep anything here.
    pub(crate) fn is_bound(&self) -> bool {
        // One is the VM's, one its Lua state's.
        Arc::strong_count(&self.alive) > 2
    }

    pub(crate) fn used_memory(&self) -> usize {
        self.lua.used_memory()
    }
}
