//! Functions that run later, and that no request waits for: those of `ngx.timer`, and those that have
//! subscribed to events.
//!
//! A timer belongs to the VM in which it was started, since its function does. Each is a task of the
//! tokio runtime that was running then. It outlives the request, but not what it comes from: once
//! its function set or its VM has been replaced, a timer runs for the last time, as it does when the
//! server is about to end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};

use mlua::function::FunctionInfo;
use mlua::{Function, Lua};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::{Pool, Step, Suspended, Vm, failure_of};
use crate::error::log::{self, Level, Line, Origin};
use crate::error::{Error, FailureKind, FunctionsId, Site};
use crate::extension::RequestId;
use crate::phase::{Phase, Plugin};
use crate::settings::{Background, CallTime, ClusterEvent, Kind, Place, Refused};
use crate::transaction::{BodyIsGone, Bound, Kept, Transaction};

/// What a VM's timers need to know of it. Lies in the VM's Lua state.
pub(super) struct Home {
    pub(super) pool: Weak<Pool>,
    pub(super) bound: Bound,
    pub(super) alive: Arc<()>,
}

/// What a function asks for.
pub(crate) struct Schedule {
    when: When,
    /// Chunk and line of the function.
    defined_at: String,
}

impl Schedule {
    /// That a function of which Lua knows `function` is to run.
    pub(crate) fn new(when: When, function: &FunctionInfo) -> Self {
        let chunk = function.short_src.as_deref().unwrap_or("?");
        Self { when, defined_at: format!("{chunk}:{}", function.line_defined.unwrap_or(0)) }
    }
}

/// When it is to run.
pub(crate) enum When {
    After(Duration),
    Every(Duration),
    /// For each event of a channel.
    Told {
        channel: Vec<u8>,
        events: Receiver<Arc<ClusterEvent>>,
    },
}

/// Why a timer cannot be started.
pub(crate) enum NotStarted {
    Exiting,
    TooManyPending,
    NoRuntime,
}

impl NotStarted {
    /// In nginx's words, where it has any.
    pub(crate) const fn message(&self) -> &'static str {
        match self {
            Self::Exiting => "process exiting",
            Self::TooManyPending => "too many pending timers",
            Self::NoRuntime => "no tokio runtime is there to run it on",
        }
    }
}

/// A timer of a VM.
struct Timer {
    pool: Weak<Pool>,
    /// Makes the function that is to run, of what it is [given](Given). `None` while the timer is
    /// dropped.
    function: Option<Kept>,
    bound: Bound,
    /// Keeps the VM that the function is in.
    _alive: Arc<()>,
    plugin: Plugin,
    index: usize,
    set_id: FunctionsId,
    defined_at: String,
    /// The name of the function set that it was started by, as long as there is that set.
    set: Weak<str>,
    set_name: Box<str>,
    /// Of the request, or the timer, that started it.
    request_id: RequestId,
}

/// Starts a timer for the function that `tx` belongs to. `function` makes what is to run: it is called
/// with whether the timer expires before its time, or with what an event says.
///
/// # Errors
///
/// When the VM has no memory left.
pub(crate) fn start(
    lua: &Lua,
    tx: &Transaction,
    schedule: Schedule,
    function: Function,
) -> mlua::Result<Result<(), NotStarted>> {
    let home = lua.app_data_ref::<Home>().expect("laid there when the VM was made");
    let Some(pool) = home.pool.upgrade() else { return Ok(Err(NotStarted::Exiting)) };
    let background = &pool.settings().background;
    let is_last = tx.is_orphaned || background.is_exiting() || pool.has_replaced(home.bound);
    if is_last && !matches!(schedule.when, When::After(Duration::ZERO)) {
        return Ok(Err(NotStarted::Exiting));
    }
    let Ok(handle) = Handle::try_current() else { return Ok(Err(NotStarted::NoRuntime)) };
    let place = match background.enter(Kind::PendingTimer, home.bound.number) {
        Ok(place) => place,
        Err(Refused::TooMany(_)) => return Ok(Err(NotStarted::TooManyPending)),
        Err(Refused::NoRuntime) => return Ok(Err(NotStarted::NoRuntime)),
    };
    let timer = Arc::new(Timer {
        pool: Weak::clone(&home.pool),
        function: Some(Kept::new(lua, function)?),
        bound: home.bound,
        _alive: Arc::clone(&home.alive),
        plugin: tx.site.plugin,
        index: tx.site.index,
        set_id: tx.site.id,
        defined_at: schedule.defined_at,
        set: Arc::downgrade(&tx.site.set),
        set_name: (*tx.site.set).into(),
        request_id: tx.request.id().clone(),
    });
    match schedule.when {
        When::After(delay) => drop(handle.spawn(timer.expire_once(pool, delay, place))),
        When::Every(period) => drop(handle.spawn(timer.repeat(period, place))),
        When::Told { channel, events } => drop(handle.spawn(timer.follow(channel, events, place))),
    }
    Ok(Ok(()))
}

impl Timer {
    /// Runs once, and keeps the VMs for it.
    async fn expire_once(self: Arc<Self>, pool: Arc<Pool>, delay: Duration, place: Place) {
        let is_premature = has_to_hurry(&pool.settings().background, delay).await;
        self.run(pool, Given::Hurry(is_premature), place).await;
    }

    /// Runs again and again, as long as there is the set that started it.
    async fn repeat(self: Arc<Self>, period: Duration, place: Place) {
        loop {
            let Some(background) = self.background() else { return };
            let is_premature = has_to_hurry(&background, period).await;
            let Some(pool) = self.pool.upgrade() else { return };
            if is_premature {
                return self.run(pool, Given::Hurry(true), place).await;
            }
            if self.is_over(&pool) {
                return;
            }
            self.run_beside(pool, Given::Hurry(false));
        }
    }

    /// Runs for each event of a channel, as long as there is the set that has subscribed to it.
    async fn follow(
        self: Arc<Self>,
        channel: Vec<u8>,
        mut events: Receiver<Arc<ClusterEvent>>,
        _place: Place,
    ) {
        loop {
            let Some(background) = self.background() else { return };
            let Some(heard) = heard(&background, &mut events).await else { return };
            drop(background);
            let Some(pool) = self.pool.upgrade() else { return };
            if self.is_over(&pool) {
                return;
            }
            match heard {
                Ok(Ok(event)) if event.channel == channel => {
                    self.run_beside(pool, Given::Event(event));
                }
                Ok(Err(RecvError::Closed)) => return,
                Ok(Err(RecvError::Lagged(missed))) => self.miss(missed),
                Ok(Ok(_)) | Err(_) => {}
            }
        }
    }

    /// Whether there is nobody any more to run for.
    fn is_over(&self, pool: &Pool) -> bool {
        self.set.strong_count() == 0 || pool.has_replaced(self.bound)
    }

    /// Runs as a task of its own. As many may stand in line as may be pending.
    fn run_beside(self: &Arc<Self>, pool: Arc<Pool>, given: Given) {
        match pool.settings().background.enter(Kind::PendingTimer, self.bound.number) {
            Ok(place) => drop(tokio::spawn(Arc::clone(self).run(pool, given, place))),
            Err(why) => self.complain(&self.transaction(), "lua_max_pending_timers", &why),
        }
    }

    fn background(&self) -> Option<Arc<Background>> {
        Some(Arc::clone(&self.pool.upgrade()?.settings().background))
    }

    /// Runs the function to its end. It counts as `pending` until it has its first turn.
    async fn run(self: Arc<Self>, pool: Arc<Pool>, given: Given, pending: Place) {
        let background = &pool.settings().background;
        let mut turn = pool.turn(self.bound.number).await;
        let running = background.enter(Kind::RunningTimer, self.bound.number);
        drop(pending);
        let mut transaction = self.transaction();
        let _running = match running {
            Ok(place) => place,
            Err(why) => return self.complain(&transaction, "lua_max_running_timers", &why),
        };
        let mut next = Stretch::Start(given);
        let mut call = CallTime::begin();
        loop {
            let (left, ran) = self.advance_anywhere(&pool, transaction, next, call).await;
            let Ran { step, time: ran_for, call: so_far } = ran;
            (transaction, call) = (left, so_far);
            rest(turn, &step, ran_for);
            let (suspended, mut operation) = match step {
                Step::Done(_) => break,
                Step::Failed(failure) => {
                    let id = transaction.request.id().as_str();
                    let error = Error::function(transaction.site.clone(), failure).of_request(id);
                    pool.settings().report(&error);
                    break;
                }
                Step::Waiting(coroutine, operation) => {
                    (Suspended::new(Arc::clone(&pool), self.bound.number, coroutine), operation)
                }
            };
            poll_fn(|cx| operation.poll(cx, &mut transaction, &mut BodyIsGone)).await;
            next = Stretch::Resume(suspended);
            turn = pool.turn(self.bound.number).await;
        }
        drop(transaction);
        pool.expire(self.bound.number);
    }

    /// What the function sees and says, for which there is no request.
    fn transaction(&self) -> Box<Transaction> {
        let mut head = http::Request::new(()).into_parts().0;
        head.extensions.insert(self.request_id.clone());
        let set = self.set.upgrade();
        let is_orphaned = set.is_none();
        let set = set.unwrap_or_else(|| (*self.set_name).into());
        let (plugin, id, index) = (self.plugin, self.set_id, self.index);
        let site = Site { plugin, phase: Phase::Timer, set, id, index };
        let mut transaction = Transaction::new(head, site);
        transaction.vm = Some(self.bound);
        transaction.is_orphaned = is_orphaned;
        transaction
    }

    /// Runs a stretch of the function, on the thread of the quarantine if its VM is there.
    async fn advance_anywhere(
        self: &Arc<Self>,
        pool: &Arc<Pool>,
        transaction: Box<Transaction>,
        stretch: Stretch,
        call: CallTime,
    ) -> (Box<Transaction>, Ran) {
        if !pool.is_quarantined(self.bound) {
            return self.advance(pool, transaction, stretch, call);
        }
        let (timer, there) = (Arc::clone(self), Arc::clone(pool));
        pool.quarantine(move || timer.advance(&there, transaction, stretch, call)).await
    }

    /// Runs a stretch of the function.
    fn advance(
        &self,
        pool: &Pool,
        transaction: Box<Transaction>,
        stretch: Stretch,
        mut call: CallTime,
    ) -> (Box<Transaction>, Ran) {
        let mut bound = transaction.vm;
        let mut given = Some(transaction);
        let result = pool.with(&mut bound, |vm| {
            vm.enter(given.take().expect("given above"));
            let began = Instant::now();
            let step = match stretch {
                Stretch::Start(given) => self.start_in(vm, &given),
                Stretch::Resume(suspended) => vm.resume(suspended.into_coroutine()),
            };
            let now = Instant::now();
            let time = now - began;
            call.add(now, vm.cpu_time(time));
            if let Some(observer) = &pool.settings().observer {
                let error = vm.error_of(&step);
                observer.observe(&vm.site(), step.outcome(), error.as_ref(), time, &call);
            }
            (vm.leave(), Ran { step, time, call })
        });
        result.unwrap_or_else(|error| {
            let transaction = given.take().expect("not taken, or there were no error");
            let step = Step::Failed(failure_of(&error));
            (transaction, Ran { step, time: Duration::ZERO, call })
        })
    }

    fn start_in(&self, vm: &mut Vm, given: &Given) -> Step {
        let made = self.function.as_ref().expect("taken when it is dropped");
        let make = made.get::<Function>(vm.lua());
        let made = make.and_then(|make| match given {
            Given::Hurry(is_premature) => make.call::<Function>(*is_premature),
            Given::Event(event) => make.call::<Function>(vm.lua().create_string(&event.data)?),
        });
        match made {
            Ok(function) => vm.start_function(function),
            Err(error) => Step::Failed(failure_of(&error)),
        }
    }

    /// Says that events have come faster than they were looked at.
    #[cold]
    fn miss(&self, count: u64) {
        let line =
            format!("{count} events were missed by the function defined at {}", self.defined_at);
        self.say(&self.transaction(), &line);
    }

    #[cold]
    fn say(&self, transaction: &Transaction, line: &str) {
        let origin = Origin { request_id: self.request_id.as_str(), site: &transaction.site };
        log::write(Level::Alert, &origin, Line::from(line));
    }

    /// Says that there are too many already of those that `limit` names.
    #[cold]
    fn complain(&self, transaction: &Transaction, limit: &str, why: &Refused) {
        let message = match why {
            Refused::TooMany(count) => format!("{count} {limit} are not enough"),
            Refused::NoRuntime => why.to_string(),
        };
        let line = format!(
            "lua failed to run timer with function defined at {}: {message}",
            self.defined_at
        );
        self.say(transaction, &line);
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.function = None;
        if let Some(pool) = self.pool.upgrade() {
            pool.expire(self.bound.number);
        }
    }
}

/// What has come of a stretch, how long it took, and how long the whole call so far.
struct Ran {
    step: Step,
    time: Duration,
    call: CallTime,
}

/// A stretch of a function, from its start or from where it waited.
enum Stretch {
    Start(Given),
    Resume(Suspended),
}

/// What a function starts with.
enum Given {
    /// Whether the timer expires before its time.
    Hurry(bool),
    Event(Arc<ClusterEvent>),
}

/// Waits for the end of `delay`. Whether the server is about to end before that.
async fn has_to_hurry(background: &Background, delay: Duration) -> bool {
    !delay.is_zero() && tokio::time::timeout(delay, background.exiting()).await.is_ok()
}

/// The next event, if there is one for a while; nothing when the server is about to end.
async fn heard(
    background: &Background,
    events: &mut Receiver<Arc<ClusterEvent>>,
) -> Option<Result<Result<Arc<ClusterEvent>, RecvError>, Elapsed>> {
    let mut exiting = pin!(background.exiting());
    let mut told = pin!(timeout(SUBSCRIBED, events.recv()));
    poll_fn(|cx| match exiting.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => told.as_mut().poll(cx).map(Some),
    })
    .await
}

/// Gives the VM's other timers their turn: at once, unless this one has run long enough for requests
/// to feel it. Timers have a VM for half of its time at most, and for a quarter those whose functions
/// use up theirs.
fn rest(turn: OwnedSemaphorePermit, step: &Step, ran_for: Duration) {
    let is_greedy = matches!(step, Step::Failed(failure) if failure.kind == FailureKind::Timeout);
    if ran_for < SHORT {
        return;
    }
    let pause = if is_greedy { ran_for * 3 } else { ran_for };
    tokio::spawn(async move {
        tokio::time::sleep(pause).await;
        drop(turn);
    });
}

/// How long a subscription hears of nothing until it looks whether there still is its function set.
const SUBSCRIBED: Duration = Duration::from_secs(60);

/// What no request feels.
const SHORT: Duration = Duration::from_millis(2);
