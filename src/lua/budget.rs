//! How much CPU time and memory functions may use, and how that is enforced.
//!
//! A count hook looks at the clock every few hundred VM instructions. LuaJIT's hooks do not fire in
//! compiled traces, so a runtime with a CPU budget runs with the JIT off; one without runs with the
//! JIT on. Rust code that works long for a function [asks](check) now and then. The memory limit is
//! the allocator's.

use std::sync::Arc;
use std::time::Duration;

use mlua::{HookTriggers, Lua, LuaString, VmState};

#[cfg(feature = "testing")]
use super::allocated::Allocated;
#[cfg(feature = "testing")]
use super::coverage::Coverage;
use super::memory::{Memory, OutOfMemory};
use super::meter::Meter;
use super::profile::Samples;
use super::{pace, raw};

/// What functions may use before they are stopped.
///
/// The defaults let any function through that does its work in the time of a request, and stop an
/// endless loop before the server's other requests suffer.
///
/// ```
/// use std::time::Duration;
/// use tower_lua::{Budget, Runtime};
///
/// let budget = Budget::default().call_time(Duration::from_millis(20)).memory(32 << 20);
/// let runtime = Runtime::builder().budget(budget).build()?;
/// # Ok::<(), tower_lua::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Budget {
    pub(crate) call_time: Option<Duration>,
    pub(crate) request_time: Option<Duration>,
    pub(crate) memory: Option<usize>,
    pub(crate) request_memory: Option<usize>,
}

impl Default for Budget {
    /// 250 ms for a call, 1 s for all calls of a request, 128 MiB for a VM, 64 MiB for a request.
    fn default() -> Self {
        Self {
            call_time: Some(Duration::from_millis(250)),
            request_time: Some(Duration::from_secs(1)),
            memory: Some(128 << 20),
            request_memory: Some(64 << 20),
        }
    }
}

impl Budget {
    /// No limits at all: for functions that are trusted as the program itself is. Lua is compiled
    /// to machine code then, which makes functions that compute much two to five times faster.
    pub const fn unlimited() -> Self {
        Self { call_time: None, request_time: None, memory: None, request_memory: None }
    }

    /// The time that one call of a function may run. Time that it waits does not count.
    pub const fn call_time(mut self, time: Duration) -> Self {
        self.call_time = Some(time);
        self
    }

    /// The time that all functions of a request may run together.
    pub const fn request_time(mut self, time: Duration) -> Self {
        self.request_time = Some(time);
        self
    }

    /// The memory of a VM, in bytes: for what Lua allocates, and as much again for what Rust holds
    /// for its functions, outside Lua. A VM with no function in it takes about 300 KiB.
    pub const fn memory(mut self, bytes: usize) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// What a request may have held outside Lua, in bytes: the bodies and headers that functions set,
    /// what they print, and what is being put together for them. It counts until the request has
    /// ended and its response is with the client.
    ///
    /// However much it is, one request has at most half of what others have left of
    /// [`memory`](Self::memory). A function that wants more gets Lua's `not enough memory`.
    ///
    /// ```
    /// use tower_lua::Budget;
    ///
    /// let budget = Budget::default().request_memory(8 << 20);
    /// ```
    pub const fn request_memory(mut self, bytes: usize) -> Self {
        self.request_memory = Some(bytes);
        self
    }

    /// What Rust may hold for the functions of a VM.
    pub(crate) fn held(&self) -> Memory {
        let limit = |bytes: Option<usize>| bytes.unwrap_or(usize::MAX);
        Memory::new(limit(self.memory), limit(self.request_memory))
    }

    pub(crate) fn limits_time(&self) -> bool {
        self.call_time.is_some() || self.request_time.is_some()
    }
}

/// Makes something small without asking whether the memory limit allows it.
///
/// Under a limit, mlua makes each Lua value in a protected call, which costs several times what the
/// value does. What is made here is small enough not to matter to the limit; it counts, so that the
/// next allocation of Lua's own finds the limit exceeded.
pub(crate) fn without_limit<R>(
    lua: &Lua,
    budget: &Budget,
    make: impl FnOnce() -> mlua::Result<R>,
) -> mlua::Result<R> {
    let Some(limit) = budget.memory else { return make() };
    lua.set_memory_limit(0)?;
    let made = make();
    lua.set_memory_limit(limit)?;
    made
}

/// The length up to which a string is made outside the memory limit, in bytes.
const SMALL: usize = 4096;

/// The length of one from which on the clock is looked at, in bytes.
const LARGE: usize = 1 << 20;

/// A Lua string of `bytes`.
pub(crate) fn string(lua: &Lua, budget: &Budget, bytes: &[u8]) -> mlua::Result<LuaString> {
    if bytes.len() > SMALL {
        let made = lua.create_string(bytes)?;
        if bytes.len() > LARGE {
            tick(lua)?;
        }
        return Ok(made);
    }
    without_limit(lua, budget, || lua.create_string(bytes))
}

/// The same by the limit that `lua` keeps to.
pub(crate) fn short_string(lua: &Lua, bytes: &[u8]) -> mlua::Result<LuaString> {
    match lua.app_data_ref::<Limits>() {
        Some(limits) => string(lua, &limits.budget, bytes),
        None => lua.create_string(bytes),
    }
}

/// What [`check`] and buffers look at.
pub(super) struct Limits {
    budget: Budget,
    pub(super) meter: Arc<Meter>,
    pub(super) memory: Arc<Memory>,
    /// Whether there is a hook that looks at the clock.
    is_hooked: bool,
}

/// Whether a function may go on that has had Rust code work for it for a while, or fill a buffer of
/// `bytes`: no hook fires meanwhile, and the buffer is not the allocator's that has the limit.
///
/// # Errors
///
/// When the function's time is used up, or the buffer is larger than its VM may be.
pub(crate) fn check(lua: &Lua, bytes: usize) -> mlua::Result<()> {
    let Some(limits) = lua.app_data_ref::<Limits>() else { return Ok(()) };
    if bytes > limits.memory.room() {
        return Err(OutOfMemory.into());
    }
    limits.meter.heed(lua, limits.meter.tick())
}

/// What the functions of `lua` are measured by, if they are.
pub(crate) fn meter_of(lua: &Lua) -> Option<Arc<Meter>> {
    lua.app_data_ref::<Limits>().map(|limits| Arc::clone(&limits.meter))
}

/// Looks at the clock when Rust has worked for a function, as often as is worth it.
///
/// # Errors
///
/// When the function's time is used up.
pub(crate) fn look_at_clock(lua: &Lua) -> mlua::Result<()> {
    match lua.app_data_ref::<Limits>() {
        Some(limits) => limits.meter.heed(lua, limits.meter.tick_on_return()),
        None => Ok(()),
    }
}

/// Looks at the clock for Lua code that may have worked long in C, and has the hook called as often as
/// that asks for.
///
/// # Errors
///
/// When the function's time is used up.
pub(crate) fn tick(lua: &Lua) -> mlua::Result<()> {
    match lua.app_data_ref::<Limits>() {
        Some(limits) if limits.is_hooked => look(lua, &limits.meter, lua.used_memory() as u64),
        _ => Ok(()),
    }
}

fn look(lua: &Lua, meter: &Meter, memory: u64) -> mlua::Result<()> {
    let (look, every) = meter.tick_in_lua(memory);
    meter.heed(lua, look)?;
    every.map_or(Ok(()), |every| raw::call_hook_every(lua, every))
}

/// Makes `lua` keep to `budget`, by `meter`'s clock. The prelude has turned the JIT off.
pub(crate) fn enforce(
    lua: &Lua,
    meter: &Arc<Meter>,
    memory: &Arc<Memory>,
    budget: &Budget,
    samples: &Arc<Samples>,
) -> mlua::Result<()> {
    let (meter, memory) = (Arc::clone(meter), Arc::clone(memory));
    let samples = Arc::clone(samples);
    let is_hooked = budget.limits_time();
    let limits = Limits { budget: budget.clone(), meter: Arc::clone(&meter), memory, is_hooked };
    lua.set_app_data(limits);
    if is_hooked {
        let triggers = HookTriggers::new().every_nth_instruction(pace::EVERY);
        #[cfg(feature = "testing")]
        let coverage = Coverage::current();
        #[cfg(feature = "testing")]
        let allocated = lua.app_data_ref::<Arc<Allocated>>().map(|of_vm| Arc::clone(&of_vm));
        #[cfg(feature = "testing")]
        let triggers = if coverage.is_some() { triggers.every_line() } else { triggers };
        lua.set_global_hook(triggers, move |lua, debug| {
            #[cfg(feature = "testing")]
            if let Some(coverage) = &coverage
                && debug.event() == mlua::debug::DebugEvent::Line
            {
                coverage.note(debug);
                return Ok(VmState::Continue);
            }
            #[cfg(not(feature = "testing"))]
            let _ = debug;
            let used = lua.used_memory();
            #[cfg(feature = "testing")]
            allocated.iter().for_each(|allocated| allocated.look(used));
            let used = used as u64;
            meter.note_growth(lua, used);
            samples.look(lua, &meter);
            look(lua, &meter, used).map(|()| VmState::Continue)
        })?;
    }
    if let Some(bytes) = budget.memory {
        let used = lua.used_memory();
        if used > bytes {
            let message =
                format!("the memory limit is {bytes} bytes, and the VM alone takes {used}");
            return Err(mlua::Error::MemoryError(message));
        }
        lua.set_memory_limit(bytes)?;
    }
    Ok(())
}
