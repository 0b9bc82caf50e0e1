//! A Lua state and what it needs to run functions.
//!
//! A [`Vm`] is shared by all requests that are bound to it; what belongs to one request is its
//! transaction and the coroutine of a function that waits.
//!
//! # Cancel safety
//!
//! A suspended function is dropped by dropping its [`Suspended`] handle, at any time and on any
//! thread: the coroutine is collected under the VM's lock, at once or when the VM is next used.

mod budget;
mod call;
mod pool;

use std::any::Any;
use std::sync::{Arc, Weak};

use mlua::{Function, Lua, LuaOptions, StdLib, Table, Thread};
use rustc_hash::FxHashMap;

pub use self::budget::Budget;
use self::budget::Meter;
pub(crate) use self::budget::{Exhausted, without_limit};
use self::call::Coroutine;
pub(crate) use self::call::{Step, failure_of, pending};
pub(crate) use self::pool::{Garbage, Pool, Suspended};
use crate::binding::{Dialect, Scope};
use crate::runtime::Settings;
use crate::sandbox::Environments;
use crate::transaction::Current;
use crate::{convert, modules, ngx, pdk};

/// The chunk name of the prelude, as it stands in tracebacks.
pub(crate) const PRELUDE_NAME: &str = "tower-lua";

pub(crate) struct Vm {
    number: usize,
    lua: Lua,
    current: Arc<Current>,
    meter: Arc<Meter>,
    budget: Budget,
    environments: Environments,
    trampoline: Function,
    staged: Function,
    /// Trampolines between functions.
    idle: Vec<Thread>,
    /// What has been compiled in this VM, by the number of the function set.
    compiled: FxHashMap<u64, Compiled>,
}

impl Vm {
    pub(crate) fn new(number: usize, settings: &Arc<Settings>) -> mlua::Result<Self> {
        // Safe mode: no `debug`, no `ffi`, no C modules.
        let lua = Lua::new_with(StdLib::ALL_SAFE, LuaOptions::new())?;
        let current = Arc::new(Current::default());
        let meter = Arc::new(Meter::new(&settings.budget));
        let prelude = call::load_prelude(&lua, &current)?;
        let (waiting, exiting) = (prelude.get("waiting")?, prelude.get("exiting")?);
        let scope = |dialect| Scope {
            lua: &lua,
            current: &current,
            settings,
            waiting: &waiting,
            exiting: &exiting,
            dialect,
        };
        convert::register(&lua)?;
        pdk::register(&scope(Dialect::Kong))?;
        ngx::register(&scope(Dialect::Ngx))?;
        modules::register(&lua)?;
        let environments = Environments::new(&lua, settings)?;
        budget::enforce(&lua, &meter, &settings.budget)?;
        Ok(Self {
            number,
            trampoline: prelude.get("trampoline")?,
            staged: prelude.get("staged")?,
            current,
            meter,
            budget: settings.budget.clone(),
            environments,
            idle: Vec::new(),
            compiled: FxHashMap::default(),
            lua,
        })
    }
}

/// What has been compiled of a function set.
struct Compiled {
    functions: Arc<[Function]>,
    /// Gone when the last clone of the set is gone.
    set: Weak<dyn Any + Send + Sync>,
}

impl Vm {
    /// The functions of a set, compiled by `compile` when they are first asked for.
    ///
    /// `number` is the set's; `set` refers to it as long as it is alive.
    pub(crate) fn compiled(
        &mut self,
        number: u64,
        set: impl FnOnce() -> Weak<dyn Any + Send + Sync>,
        compile: impl FnOnce(&Self) -> mlua::Result<Arc<[Function]>>,
    ) -> mlua::Result<Arc<[Function]>> {
        if let Some(compiled) = self.compiled.get(&number) {
            return Ok(Arc::clone(&compiled.functions));
        }
        // A new set is the moment to let go of those that it may have replaced.
        self.compiled.retain(|_, compiled| compiled.set.strong_count() > 0);
        let functions = compile(self)?;
        let compiled = Compiled { functions: Arc::clone(&functions), set: set() };
        self.compiled.insert(number, compiled);
        Ok(functions)
    }

    /// The function that runs `chunk` by Kong's two-stage rule.
    pub(crate) fn staged(&self, chunk: Function) -> mlua::Result<Function> {
        self.staged.call(chunk)
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
        self.number
    }

    pub(crate) fn used_memory(&self) -> usize {
        self.lua.used_memory()
    }
}
