//! The clock of the call that runs in a VM.

mod foreign;
mod load;
mod slow;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use mlua::Lua;
use parking_lot::Mutex;

pub(crate) use self::foreign::Moment;
use self::load::Interrupted;
use self::slow::Slow;
use super::pace::Pace;
use super::{Budget, position, traceback};

/// Raised when a function has used its time. No guard of the prelude lets a function catch it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exhausted;

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CPU budget exhausted")
    }
}

impl std::error::Error for Exhausted {}

/// Measures how long a function runs.
///
/// Between runs the meter rests: what happens in a VM then, compiling for one, has no deadline. All
/// times are nanoseconds since the epoch. Only the thread that holds the VM touches the meter; the
/// atomics are for the hook, which must be `Send`.
///
/// The clock on the wall is the one that is quick to read. What it says includes times at which
/// another process had the core, so before a function is stopped, and when a run ends, the thread's
/// CPU clock has the last word. Reading that one takes a system call: the first millisecond of a run
/// goes without.
#[derive(Debug)]
pub(crate) struct Meter {
    epoch: Instant,
    call_time: Option<Duration>,
    request_time: Option<Duration>,
    /// What the first function of a request may use.
    allowed_in_all: u64,
    /// When the run must end: [`UNBEGUN`] before its first tick, [`RESTING`] between runs.
    deadline: AtomicU64,
    /// When the run's first tick was.
    started: AtomicU64,
    /// What is left for the call and its request.
    allowed: AtomicU64,
    /// When the CPU clock was first read in this run, or 0.
    marked: AtomicU64,
    /// What it said then.
    cpu: AtomicU64,
    /// How long the run has held up its thread without the CPU clock's seeing it.
    blocked: AtomicU64,
    /// When the call of a Rust module's function began that runs now.
    moment: Mutex<Option<Moment>>,
    /// The clock of the run that a module interrupts which is being loaded.
    interrupted: Mutex<Option<Interrupted>>,
    /// When the clock was last looked at.
    looked: AtomicU64,
    /// How many bindings return before it is looked at again.
    returns_left: AtomicU32,
    pace: Pace,
    slow: Slow,
    /// How much memory the VM used when the run began.
    memory_before: AtomicU64,
    /// How much memory the VM may use before the function is looked at that takes it.
    watermark: AtomicU64,
    /// Whether a function has caught an error which says that there is no memory.
    ran_out: AtomicBool,
    /// Where the function was when it was last looked at.
    place: Mutex<Option<Place>>,
    /// Whether it was found there to have used its time.
    is_exhausted: AtomicBool,
}

/// Where a function is: chunk and line, and Lua's stack.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) position: Option<(String, usize)>,
    pub(crate) traceback: String,
}

/// Where the function is that runs.
fn place(lua: &Lua) -> Place {
    Place { position: position(lua), traceback: traceback(lua, 0).unwrap_or_default() }
}

/// What a look at the clock has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Fine,
    /// The call is slow, and nobody has noted yet where it is.
    Slow,
    /// Its time is used up.
    Over,
}

/// After how many returns of bindings the clock is looked at, whatever else they do, unless they are
/// slow. Bindings whose work grows with their arguments look at it themselves.
const RETURNS_PER_TICK: u32 = 8;

/// From how many nanoseconds between two looks at the clock on it is looked at whenever a binding
/// returns.
const SLOW: u64 = 100_000;

/// By how much a VM's memory grows before the function is looked at that takes it, in bytes.
const GROWTH: u64 = 2 << 20;

const UNBEGUN: u64 = 0;
const RESTING: u64 = u64::MAX;

/// How long a run goes on before the CPU clock is read.
const UNMARKED: u64 = 1_000_000;

/// How many times its budget a run may take on the wall, whatever the CPU clock says: there are
/// systems whose clock stands still.
const MOST_ON_THE_WALL: u64 = 100;

impl Meter {
    pub(crate) fn new(budget: &Budget) -> Self {
        let mut meter = Self {
            epoch: Instant::now(),
            allowed_in_all: 0,
            call_time: budget.call_time,
            request_time: budget.request_time,
            deadline: AtomicU64::new(RESTING),
            started: AtomicU64::new(0),
            allowed: AtomicU64::new(u64::MAX),
            marked: AtomicU64::new(0),
            cpu: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            moment: Mutex::default(),
            interrupted: Mutex::default(),
            looked: AtomicU64::new(0),
            returns_left: AtomicU32::new(RETURNS_PER_TICK),
            pace: Pace::default(),
            slow: Slow::default(),
            memory_before: AtomicU64::new(u64::MAX),
            watermark: AtomicU64::new(u64::MAX),
            ran_out: AtomicBool::new(false),
            place: Mutex::default(),
            is_exhausted: AtomicBool::new(false),
        };
        meter.allowed_in_all = meter.left(Duration::ZERO, Duration::ZERO);
        meter
    }

    /// Begins a run of a call that has run for `call` already, in a request that has used `request`
    /// in all.
    ///
    /// The clock starts at the first tick: most functions end before it, and never ask for the time.
    pub(crate) fn start(&self, call: Duration, request: Duration) {
        let allowed = match call.is_zero() && request.is_zero() {
            true => self.allowed_in_all,
            false => self.left(call, request),
        };
        self.allowed.store(allowed, Ordering::Relaxed);
        self.blocked.store(0, Ordering::Relaxed);
        self.deadline.store(UNBEGUN, Ordering::Relaxed);
    }

    /// What is left of the limits, in nanoseconds.
    fn left(&self, call: Duration, request: Duration) -> u64 {
        let left = |limit: Option<Duration>, used| limit.map(|limit| limit.saturating_sub(used));
        match (left(self.call_time, call), left(self.request_time, request)) {
            (Some(call), Some(request)) => nanoseconds(call.min(request)),
            (Some(left), None) | (None, Some(left)) => nanoseconds(left),
            (None, None) => u64::MAX,
        }
    }

    /// Begins a run, and the clock with it: that of a function which has waited, lest one that waits
    /// often enough is never seen to run.
    pub(crate) fn start_at_once(&self, call: Duration, request: Duration) {
        self.start(call, request);
        self.begin(self.now());
    }

    /// Ends a run and says how long it took, to the nearest tick.
    pub(crate) fn stop(&self) -> Duration {
        match self.deadline.swap(RESTING, Ordering::Relaxed) {
            UNBEGUN | RESTING => Duration::ZERO,
            _ => Duration::from_nanos(self.used(self.now())),
        }
    }

    /// Looks at the clock.
    pub(crate) fn tick(&self) -> Look {
        if self.is_running() { self.tick_at(self.now()) } else { Look::Fine }
    }

    /// What comes of a look at the clock for the function that runs.
    ///
    /// # Errors
    ///
    /// When its time is used up.
    pub(crate) fn heed(&self, lua: &Lua, look: Look) -> mlua::Result<()> {
        match look {
            Look::Fine => Ok(()),
            Look::Slow => {
                self.slow.note(|| place(lua));
                Ok(())
            }
            Look::Over => Err(self.exhausted(lua)),
        }
    }

    /// The same between the instructions of a VM that uses `memory`; and after how many of them the
    /// hook is to be called from now on, if that is another number than before.
    pub(super) fn tick_in_lua(&self, memory: u64) -> (Look, Option<u32>) {
        if !self.is_running() {
            return (Look::Fine, None);
        }
        let now = self.now();
        let looked = self.looked_in_run().unwrap_or(now);
        let look = self.tick_at(now);
        let taken = memory.saturating_sub(self.memory_before.load(Ordering::Relaxed));
        (look, self.pace.after(now.saturating_sub(looked), taken))
    }

    /// How many nanoseconds ago that was, in a run that is under way.
    pub(super) fn since_look(&self) -> Option<u64> {
        self.is_running().then(|| {
            let now = self.now();
            now.saturating_sub(self.looked_in_run().unwrap_or(now))
        })
    }

    /// When the clock was last looked at in this run, which begins with its first look.
    fn looked_in_run(&self) -> Option<u64> {
        let has_begun = self.deadline.load(Ordering::Relaxed) != UNBEGUN;
        has_begun.then(|| self.looked.load(Ordering::Relaxed))
    }

    fn is_running(&self) -> bool {
        self.deadline.load(Ordering::Relaxed) != RESTING
    }

    fn tick_at(&self, now: u64) -> Look {
        let deadline = self.deadline.load(Ordering::Relaxed);
        if deadline == UNBEGUN {
            self.begin(now);
            let is_over = self.allowed.load(Ordering::Relaxed) == 0;
            return if is_over { Look::Over } else { Look::Fine };
        }
        self.looked.store(now, Ordering::Relaxed);
        if self.marked.load(Ordering::Relaxed) == 0
            && now - self.started.load(Ordering::Relaxed) > UNMARKED
        {
            self.mark(now);
        }
        if now < self.deadline.load(Ordering::Relaxed) { Look::Fine } else { self.judge(now) }
    }

    /// Looks at the clock when a binding returns, as often as is worth it.
    pub(crate) fn tick_on_return(&self) -> Look {
        match self.returns_left.load(Ordering::Relaxed) {
            0 => self.tick_after_returns(),
            left => {
                self.returns_left.store(left - 1, Ordering::Relaxed);
                Look::Fine
            }
        }
    }

    /// Once the time is used up, or what returns is slow, the next return looks at the clock, too.
    fn tick_after_returns(&self) -> Look {
        let looked = self.looked_in_run();
        let look = self.tick();
        let now = self.looked.load(Ordering::Relaxed);
        let is_slow = looked.is_some_and(|looked| now.saturating_sub(looked) > SLOW);
        let left = if look == Look::Over || is_slow { 0 } else { RETURNS_PER_TICK - 1 };
        self.returns_left.store(left, Ordering::Relaxed);
        look
    }

    /// The error of a function that has used its time, which is remembered with where it is.
    #[cold]
    pub(crate) fn exhausted(&self, lua: &Lua) -> mlua::Error {
        if !self.is_exhausted.swap(true, Ordering::Relaxed) {
            self.note(lua);
        }
        mlua::Error::external(Exhausted)
    }

    /// Says how much memory the VM uses as a run begins.
    pub(crate) fn watch_memory(&self, used: usize) {
        self.watermark.store(used as u64 + GROWTH, Ordering::Relaxed);
        self.memory_before.store(used as u64, Ordering::Relaxed);
    }

    /// Notes that a function has caught an error which says that there is no memory.
    #[cold]
    pub(crate) fn note_out_of_memory(&self) {
        self.ran_out.store(true, Ordering::Relaxed);
    }

    /// Whether one has since this was last asked.
    pub(crate) fn take_ran_out(&self) -> bool {
        self.ran_out.load(Ordering::Relaxed) && self.ran_out.swap(false, Ordering::Relaxed)
    }

    /// Remembers where a function is that makes its VM grow: when an allocation fails, LuaJIT does
    /// not say where. Where one used up its time is known already.
    pub(super) fn note_growth(&self, lua: &Lua, used: u64) {
        if !self.is_exhausted() && used > self.watermark.load(Ordering::Relaxed) {
            self.watermark.store(used + GROWTH, Ordering::Relaxed);
            self.note(lua);
        }
    }

    /// Has a call of which `left` remains until it is slow looked at then; of one that has been, nothing.
    pub(crate) fn watch_slow(&self, left: Option<Duration>) {
        self.slow.watch(left.map_or(u64::MAX, nanoseconds));
    }

    /// Where the call was when it became slow, if it did in this run.
    pub(crate) fn take_slow_place(&self) -> Option<Place> {
        self.slow.take()
    }

    /// Whether a function has heard that its time is used up.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.is_exhausted.load(Ordering::Relaxed)
    }

    /// Where the function was when it was last looked at.
    #[cold]
    pub(crate) fn take_place(&self) -> Option<Place> {
        self.is_exhausted.store(false, Ordering::Relaxed);
        self.place.lock().take()
    }

    #[cold]
    fn note(&self, lua: &Lua) {
        *self.place.lock() = Some(place(lua));
    }

    fn begin(&self, now: u64) {
        self.started.store(now, Ordering::Relaxed);
        self.looked.store(now, Ordering::Relaxed);
        self.marked.store(0, Ordering::Relaxed);
        let allowed = self.allowed.load(Ordering::Relaxed);
        self.slow.begin(now);
        self.set_deadline(now.saturating_add(allowed));
    }

    /// Has the clock looked at closely from `deadline` on, or from when the call is slow.
    fn set_deadline(&self, deadline: u64) {
        let deadline = deadline.min(self.slow.at()).min(RESTING - 1);
        self.deadline.store(deadline, Ordering::Relaxed);
    }

    /// Reads the CPU clock for the first time. What the run has taken until now, it has taken a
    /// millisecond for: had it been longer, another process had the core.
    #[cold]
    fn mark(&self, now: u64) {
        let before = (now - self.started.load(Ordering::Relaxed)).min(UNMARKED);
        self.started.store(now - before, Ordering::Relaxed);
        self.marked.store(now, Ordering::Relaxed);
        self.cpu.store(cpu_clock(), Ordering::Relaxed);
        let allowed = self.allowed.load(Ordering::Relaxed);
        self.set_deadline((now - before).saturating_add(allowed));
    }

    /// What a run is that is past its deadline.
    #[cold]
    fn judge(&self, now: u64) -> Look {
        match self.is_over(now) {
            true => Look::Over,
            false if now >= self.slow.at() => Look::Slow,
            false => Look::Fine,
        }
    }

    /// Whether it has used its time. If not, it has a new deadline.
    fn is_over(&self, now: u64) -> bool {
        let allowed = self.allowed.load(Ordering::Relaxed);
        let on_the_wall = now - self.started.load(Ordering::Relaxed);
        let left = allowed.saturating_sub(self.used(now));
        if left == 0 || on_the_wall > allowed.saturating_mul(MOST_ON_THE_WALL) {
            return true;
        }
        self.set_deadline(now.saturating_add(left));
        false
    }

    /// The time that a run has used which began before `now`.
    fn used(&self, now: u64) -> u64 {
        let started = self.started.load(Ordering::Relaxed);
        match self.marked.load(Ordering::Relaxed) {
            0 => now - started,
            marked => {
                let cpu = cpu_clock().saturating_sub(self.cpu.load(Ordering::Relaxed));
                let blocked = self.blocked.load(Ordering::Relaxed);
                (marked - started) + cpu.min(now - marked) + blocked
            }
        }
    }

    /// Never 0.
    fn now(&self) -> u64 {
        nanoseconds(self.epoch.elapsed()) + 1
    }
}

fn cpu_clock() -> u64 {
    nanoseconds(ThreadTime::now().as_duration())
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
