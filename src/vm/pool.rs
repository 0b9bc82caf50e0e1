//! Which VM a request gets.
//!
//! Each thread has a home VM, by its number. A request is bound to the home of the thread that runs its first
//! function if that VM is free, else to another free one, and keeps it for all its phases. The lock
//! is held only while Lua runs.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use mlua::{LuaString, Table, Value};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::lock::{self, Guard, Lock};
use super::quarantine::{Quarantine, Quarantined};
use super::{Coroutine, Vm};
use crate::binding::Api;
use crate::settings::Settings;
use crate::transaction::Bound;

/// The VMs of a runtime.
pub(crate) struct Pool {
    /// For what the VMs start themselves.
    this: Weak<Self>,
    /// One for each VM, and the last for that of the quarantine.
    slots: Box<[Slot]>,
    settings: Arc<Settings>,
    api: Api,
    quarantine: Quarantine,
    /// Where functions stand in line that want a VM of their own.
    workers: Arc<Semaphore>,
    /// How often modules have been loaded again: a VM of an earlier time gets no new requests.
    epoch: AtomicU32,
    replaced: AtomicUsize,
    refused: AtomicUsize,
}

/// One VM, made when it is first needed. On a cache line of its own: the locks of two VMs that two
/// threads use should not move between their caches.
#[repr(align(128))]
#[derive(Default)]
struct Slot {
    vm: Lock<Option<Vm>>,
    /// Which of the VMs that have been here this is. Changes while the VM is held.
    generation: AtomicU32,
    /// When it was made. Changes while the VM is held.
    epoch: AtomicU32,
    /// VMs that were full or of another time, for the requests that are bound to them.
    old: Mutex<Vec<(u32, Arc<Lock<Vm>>)>>,
    /// Whether Lua values were dropped while the VM was in use, and so could not be let go of.
    has_garbage: AtomicBool,
    /// How many functions wait in this VM.
    suspended: AtomicUsize,
    /// How many bytes it used when it was last asked, 0 before.
    used_memory: AtomicUsize,
    /// Where the timers of this place stand in line: one runs at once.
    timers: Line,
}

/// A line of which one at once gets its turn.
struct Line(Arc<Semaphore>);

impl Default for Line {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

/// How long a request waits for one VM before it looks for another.
const PATIENCE: Duration = Duration::from_micros(200);

/// How many such VMs are kept in a place for the requests that are bound to them.
const MAX_OLD: usize = 1;

impl Slot {
    fn old_vm(&self, generation: u32) -> Option<Arc<Lock<Vm>>> {
        let old = self.old.lock();
        let (_, vm) = old.iter().find(|(number, _)| *number == generation)?;
        Some(Arc::clone(vm))
    }
}

impl Pool {
    pub(crate) fn new(size: usize, settings: Arc<Settings>, api: Api) -> Arc<Self> {
        let slots = (0..=size).map(|_| Slot::default()).collect();
        let workers = Arc::new(Semaphore::new(size));
        let (replaced, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new_cyclic(|this| {
            let (this, epoch) = (Weak::clone(this), AtomicU32::new(0));
            let quarantine = Quarantine::default();
            Self { this, slots, settings, api, quarantine, workers, epoch, replaced, refused }
        })
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Has `work` done on the thread of functions that hold up whoever shares theirs.
    pub(crate) fn quarantine<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Quarantined<R> {
        self.quarantine.run(work)
    }

    /// Whether what is bound there runs on that thread alone.
    pub(crate) fn is_quarantined(&self, bound: Bound) -> bool {
        bound.number == self.vms_for_all()
    }

    /// Binds a request to the VM of that thread.
    pub(crate) fn quarantined(&self) -> Bound {
        let number = self.vms_for_all();
        let slot = &self.slots[number];
        // The thread of the quarantine alone runs functions in it.
        if let Ok(mut vm) = slot.vm.lock() {
            self.renew(slot, &mut vm);
        }
        Bound { number, generation: slot.generation.load(Ordering::Relaxed) }
    }

    /// How many VMs there are for functions that hold up nobody.
    fn vms_for_all(&self) -> usize {
        self.slots.len() - 1
    }

    /// Whether a function runs just now in the VM `bound`.
    pub(crate) fn is_busy(&self, bound: Bound) -> bool {
        self.slots[bound.number].vm.try_lock().is_none()
    }

    /// Waits for the turn of a timer of the VM `number`.
    pub(crate) async fn turn(&self, number: usize) -> OwnedSemaphorePermit {
        let line = Arc::clone(&self.slots[number].timers.0);
        line.acquire_owned().await.expect("never closed")
    }

    /// Waits for the turn of a function that wants a VM of its own.
    pub(crate) async fn worker_turn(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.workers).acquire_owned().await.expect("never closed")
    }

    /// A VM that is none of the pool's.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub(crate) fn fresh_vm(&self) -> mlua::Result<Vm> {
        let nowhere = Bound { number: 0, generation: u32::MAX };
        Vm::new(nowhere, Weak::new(), &self.settings, &self.api)
    }

    /// Whether another VM has taken the place of `bound`.
    pub(crate) fn has_replaced(&self, bound: Bound) -> bool {
        self.slots[bound.number].generation.load(Ordering::Relaxed) != bound.generation
    }

    /// Notes a call that was refused.
    #[cold]
    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// How many VMs have been replaced, and how many calls refused.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.replaced.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }

    /// Runs `f` with the VM that `bound` names, after choosing one if it names none.
    ///
    /// # Errors
    ///
    /// When the VM is new and cannot be made, or when this thread runs Lua in it further out.
    pub(crate) fn with<R>(
        &self,
        bound: &mut Option<Bound>,
        f: impl FnOnce(&mut Vm) -> R,
    ) -> mlua::Result<R> {
        let (number, mut guard) = match *bound {
            Some(bound) => (bound.number, self.slots[bound.number].vm.lock()?),
            None => self.free()?,
        };
        let slot = &self.slots[number];
        if bound.is_none() {
            self.renew(slot, &mut guard);
        }
        let generation = slot.generation.load(Ordering::Relaxed);
        if let Some(bound) = bound.filter(|bound| bound.generation != generation)
            && let Some(old) = slot.old_vm(bound.generation)
        {
            drop(guard);
            return Ok(f(&mut *old.lock()?));
        }
        let here = Bound { number, generation };
        *bound = Some(here);
        let vm = match &mut *guard {
            Some(vm) => vm,
            none => none.insert(Vm::new(here, Weak::clone(&self.this), &self.settings, &self.api)?),
        };
        if slot.has_garbage.load(Ordering::Acquire) {
            slot.has_garbage.store(false, Ordering::Release);
            vm.lua().expire_registry_values();
        }
        let result = f(vm);
        if vm.is_spent() {
            self.replace(slot, &mut guard);
        }
        Ok(result)
    }

    /// Has the next request find a fresh VM. Requests that are bound to this one end in it; of those
    /// that wait in full VMs, the oldest are given up.
    #[cold]
    fn replace(&self, slot: &Slot, vm: &mut Option<Vm>) {
        let Some(spent) = vm else { return };
        self.replaced.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            target: "tower_lua::vm",
            used_memory = spent.used_memory(),
            "a Lua VM is full of what functions keep, and has been replaced"
        );
        Self::retire(slot, vm);
    }

    /// The same for a VM from before modules were loaded again.
    fn renew(&self, slot: &Slot, vm: &mut Option<Vm>) {
        let epoch = self.epoch.load(Ordering::Relaxed);
        if slot.epoch.load(Ordering::Relaxed) != epoch {
            slot.epoch.store(epoch, Ordering::Relaxed);
            Self::retire(slot, vm);
        }
    }

    #[cold]
    fn retire(slot: &Slot, vm: &mut Option<Vm>) {
        let Some(spent) = vm.take() else { return };
        let generation = slot.generation.fetch_add(1, Ordering::Relaxed);
        let mut old = slot.old.lock();
        old.retain(|(_, vm)| vm.try_lock().is_none_or(|vm| vm.is_bound()));
        if spent.is_bound() {
            old.push((generation, Arc::new(Lock::new(spent))));
        }
        if old.len() > MAX_OLD {
            old.remove(0);
        }
    }

    /// Has new requests find fresh VMs.
    pub(crate) fn renew_all(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
    }

    /// The names of the modules that functions have loaded.
    pub(crate) fn loaded_modules(&self) -> mlua::Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for slot in &self.slots {
            let vm = slot.vm.lock()?;
            let Some(vm) = &*vm else { continue };
            let loaded: Table = vm.lua().globals().get::<Table>("package")?.get("loaded")?;
            for pair in loaded.pairs::<Value, Value>() {
                let (name, _) = pair?;
                names.extend(name.as_string().map(LuaString::to_string_lossy));
            }
        }
        Ok(names)
    }

    fn free(&self) -> mlua::Result<(usize, Guard<'_, Option<Vm>>)> {
        let count = self.vms_for_all();
        let home = lock::thread() % count;
        let mut numbers = (0..count).map(|step| (home + step) % count);
        let free = |number: usize| Some((number, self.slots[number].vm.try_lock()?));
        numbers.find_map(free).map_or_else(|| self.next_free(home, count), Ok)
    }

    /// The VM that is free first. One that the quarantine has may be the last.
    #[cold]
    fn next_free(&self, home: usize, count: usize) -> mlua::Result<(usize, Guard<'_, Option<Vm>>)> {
        if self.slots[..count].iter().all(|slot| slot.vm.is_held_here()) {
            return Err(lock::held_here());
        }
        let mut numbers = (0..count).cycle().skip(home);
        let free = |number: usize| Some((number, self.slots[number].vm.try_lock_for(PATIENCE)?));
        Ok(numbers.find_map(free).expect("an endless cycle"))
    }

    /// Lets go of what has been dropped that lies in the registry of the VM `number`: at once if the VM
    /// is free, else when it is next used. Never waits for it.
    pub(crate) fn expire(&self, number: usize) {
        let slot = &self.slots[number];
        slot.old.lock().retain(|(_, vm)| {
            vm.try_lock().is_none_or(|vm| {
                vm.lua().expire_registry_values();
                vm.is_bound()
            })
        });
        match slot.vm.try_lock().as_deref() {
            Some(Some(vm)) => vm.lua().expire_registry_values(),
            _ => slot.has_garbage.store(true, Ordering::Release),
        }
    }

    /// For each VM that has been made: its place, the bytes that it uses, or did when it was last not in
    /// use, and how many functions wait in it.
    pub(crate) fn vms(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        self.slots.iter().enumerate().filter_map(|(number, slot)| {
            match slot.vm.try_lock().as_deref() {
                Some(None) => return None,
                Some(Some(vm)) => slot.used_memory.store(vm.used_memory(), Ordering::Relaxed),
                None => {}
            }
            let used_memory = slot.used_memory.load(Ordering::Relaxed);
            Some((number, used_memory, slot.suspended.load(Ordering::Relaxed)))
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
