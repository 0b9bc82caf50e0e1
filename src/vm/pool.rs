//! Which VM a request gets.
//!
//! Each thread has a home VM. A request is bound to the home of the thread that runs its first
//! function if that VM is free, else to another free one, and keeps it for all its phases. The lock
//! is held only while Lua runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::{Coroutine, Vm};
use crate::binding::Api;
use crate::settings::Settings;

/// The VMs of a runtime.
pub(crate) struct Pool {
    slots: Box<[Slot]>,
    settings: Arc<Settings>,
    api: Api,
}

/// One VM, made when it is first needed. On a cache line of its own: the locks of two VMs that two
/// threads use should not move between their caches.
#[repr(align(128))]
#[derive(Default)]
struct Slot {
    vm: Mutex<Option<Vm>>,
    /// Whether Lua values were dropped while the VM was in use, and so could not be let go of.
    has_garbage: AtomicBool,
    /// How many functions wait in this VM.
    suspended: AtomicUsize,
}

thread_local! {
    /// The number of this thread: its home is the VM of that number, modulo how many there are.
    static THREAD: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed)
    };
}

impl Pool {
    pub(crate) fn new(size: usize, settings: Arc<Settings>, api: Api) -> Self {
        Self { slots: (0..size).map(|_| Slot::default()).collect(), settings, api }
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Runs `f` with the VM that `bound` names, after choosing one if it names none.
    ///
    /// # Errors
    ///
    /// When the VM is new and cannot be made.
    pub(crate) fn with<R>(
        &self,
        bound: &mut Option<usize>,
        f: impl FnOnce(&mut Vm) -> R,
    ) -> mlua::Result<R> {
        let (number, mut guard) = match *bound {
            Some(number) => (number, self.slots[number].vm.lock()),
            None => self.free(),
        };
        *bound = Some(number);
        let vm = match &mut *guard {
            Some(vm) => vm,
            none => none.insert(Vm::new(number, &self.settings, &self.api)?),
        };
        let slot = &self.slots[number];
        if slot.has_garbage.load(Ordering::Acquire) {
            slot.has_garbage.store(false, Ordering::Release);
            vm.lua().expire_registry_values();
        }
        Ok(f(vm))
    }

    fn free(&self) -> (usize, MutexGuard<'_, Option<Vm>>) {
        let count = self.slots.len();
        let home = THREAD.with(|thread| thread % count);
        (0..count)
            .map(|step| (home + step) % count)
            .find_map(|number| Some((number, self.slots[number].vm.try_lock()?)))
            .unwrap_or_else(|| (home, self.slots[home].vm.lock()))
    }

    /// Lets go of what has been dropped that lies in the registry of the VM `number`: at once if the VM
    /// is free, else when it is next used. Never waits for it.
    pub(crate) fn expire(&self, number: usize) {
        let slot = &self.slots[number];
        match slot.vm.try_lock().as_deref() {
            Some(Some(vm)) => vm.lua().expire_registry_values(),
            _ => slot.has_garbage.store(true, Ordering::Release),
        }
    }

    /// For each VM that has been made: the bytes it uses, if it is not in use just now, and how
    /// many functions wait in it.
    pub(crate) fn vms(&self) -> impl Iterator<Item = (Option<usize>, usize)> {
        self.slots.iter().filter_map(|slot| {
            let suspended = slot.suspended.load(Ordering::Relaxed);
            match slot.vm.try_lock().as_deref() {
                Some(None) => None,
                Some(Some(vm)) => Some((Some(vm.used_memory()), suspended)),
                None => Some((None, suspended)),
            }
        })
    }
}

/// A function that waits, and the VM that it belongs to.
pub(crate) struct Suspended {
    pool: Arc<Pool>,
    vm: usize,
    coroutine: Option<Coroutine>,
}

impl Suspended {
    pub(crate) fn new(pool: Arc<Pool>, vm: usize, coroutine: Coroutine) -> Self {
        pool.slots[vm].suspended.fetch_add(1, Ordering::Relaxed);
        Self { pool, vm, coroutine: Some(coroutine) }
    }

    /// The coroutine, to be resumed.
    pub(crate) fn into_coroutine(mut self) -> Coroutine {
        self.coroutine.take().expect("only taken here, where `self` ends")
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        self.pool.slots[self.vm].suspended.fetch_sub(1, Ordering::Relaxed);
        if let Some(coroutine) = self.coroutine.take() {
            drop(coroutine);
            self.pool.expire(self.vm);
        }
    }
}
