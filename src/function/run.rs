//! The functions of a layer on their way through a request.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::Functions;
use super::record::Record;
use super::spans::RunSpans;
use crate::error::{Error, Failure, FailureKind, Site, log};
use crate::lua::Place;
use crate::phase::{Phase, Plugin};
#[cfg(feature = "testing")]
use crate::settings::recording::Recording;
use crate::settings::{CallTime, Settings};
use crate::transaction::{Exit, Operation, ReadBody, Transaction};
use crate::vm::{Coroutine, Pool, Step, Suspended, Vm, failure_of};

/// Functions that run one after the other: those of a phase, or of some phases in a row.
pub(crate) struct Run {
    functions: Functions,
    plugin: Plugin,
    phases: &'static [Phase],
    /// How many functions of the first of `phases` have been started.
    started: usize,
    /// The place of the function in the set that was started last.
    place: usize,
    /// How long its call has taken, if anybody wants to know.
    call: Option<CallTime>,
    /// Where it was when it became slow.
    slow: Option<Box<Place>>,
    /// What has not ended of the request's trace.
    spans: Option<Box<RunSpans>>,
    waiting: Option<Waiting>,
}

/// A function that waits. What it waits for is given up before it is.
struct Waiting {
    operation: Operation,
    function: Suspended,
}

/// How far a run has come.
pub(crate) enum Progress {
    /// All functions have run.
    Ended,
    /// A function ended the request; the response stands in the transaction.
    Exited,
    /// A function failed. The rest of its phase has not run.
    Failed(Error),
    /// A function waits. Advance again when [`Run::poll_ready`] says so.
    Waiting,
}

impl Run {
    pub(crate) fn new(functions: Functions, plugin: Plugin, phases: &'static [Phase]) -> Self {
        Self {
            functions,
            plugin,
            phases,
            started: 0,
            place: 0,
            call: None,
            slow: None,
            spans: None,
            waiting: None,
        }
    }

    pub(crate) fn functions(&self) -> &Functions {
        &self.functions
    }

    /// Waits until the function that waits can go on. There may be none.
    pub(crate) fn poll_ready(
        &mut self,
        cx: &mut Context<'_>,
        transaction: &mut Transaction,
        body: &mut dyn ReadBody,
    ) -> Poll<()> {
        match &mut self.waiting {
            Some(waiting) => waiting.operation.poll(cx, transaction, body),
            None => Poll::Ready(()),
        }
    }

    /// Runs functions until all have run, or one waits, fails or ends the request.
    pub(crate) fn advance(
        &mut self,
        pool: &Arc<Pool>,
        transaction: Box<Transaction>,
    ) -> (Box<Transaction>, Progress) {
        let mut bound = transaction.vm;
        let mut given = Some(transaction);
        let result = pool.with(&mut bound, |vm| {
            let mut transaction = given.take().expect("given above");
            transaction.vm = Some(vm.bound());
            vm.enter(transaction);
            let progress = self.advance_in(pool, vm);
            (vm.leave(), progress)
        });
        let (transaction, progress) = result.unwrap_or_else(|error| {
            let transaction = given.take().expect("not taken, or there were no error");
            (transaction, self.unable(pool, &error))
        });
        if self.spans.is_some() && !matches!(progress, Progress::Waiting) {
            self.spans = None;
        }
        (transaction, progress)
    }

    fn advance_in(&mut self, pool: &Arc<Pool>, vm: &mut Vm) -> Progress {
        #[cfg(feature = "testing")]
        if let Some(recording) = &pool.settings().recording {
            self.functions.name_chunks(recording);
        }
        let first = match self.functions.compiled_in(vm) {
            Ok(first) => first,
            Err(error) => return self.unable(pool, &error),
        };
        let settings = pool.settings();
        let is_timed = settings.observer.is_some() || settings.slow_function.is_some();
        loop {
            let Some(turn) = self.turn() else { return Progress::Ended };
            let began = is_timed.then(Instant::now);
            let step = match turn {
                Turn::Again(waiting) => self.resume(settings, vm, waiting, began),
                // What was printed before is the response.
                Turn::First(Phase::Access, _) if self.started == 1 && vm.has_printed() => {
                    return Progress::Exited;
                }
                Turn::First(phase, place) => {
                    let used = self.begin(settings, vm, phase, place, began);
                    if self.functions.record(place).is_refused() {
                        pool.count_refused();
                        Step::Failed(refused())
                    } else {
                        vm.start(first + place, used)
                    }
                }
            };
            let error = vm.error_of(&step);
            self.tell(settings, vm, &step, error.as_ref(), began);
            self.remember(vm, &step);
            match step {
                Step::Done(None) => {}
                Step::Done(Some(Exit::Phase)) => self.end_phase(),
                Step::Done(Some(Exit::Request)) => return Progress::Exited,
                Step::Done(Some(Exit::Forward)) => self.phases = &[],
                Step::Waiting(coroutine, operation) => {
                    self.functions.note_wait(&operation);
                    let function = Suspended::new(Arc::clone(pool), vm.number(), coroutine);
                    self.waiting = Some(Waiting { operation, function });
                    return Progress::Waiting;
                }
                Step::Failed(_) => {
                    let error = error.expect("made of the failure above");
                    pool.settings().report(&error);
                    if !self.functions.fails_open() {
                        self.end_phase();
                        return Progress::Failed(error);
                    }
                }
            }
        }
    }

    /// Begins a call of a function. How much CPU time the request has used before it.
    fn begin(
        &mut self,
        settings: &Settings,
        vm: &mut Vm,
        phase: Phase,
        place: usize,
        began: Option<Instant>,
    ) -> Duration {
        let used = vm.begin(|site| self.come_to(site, phase));
        self.place = place;
        self.call = began.map(CallTime::since);
        if vm.is_traced() {
            RunSpans::begin(&mut self.spans, vm, Instant::now());
        }
        if settings.slow_function.is_some() {
            self.slow = None;
            vm.watch_slow(settings.slow_function);
        }
        used
    }

    /// Goes on with a function that has waited.
    fn resume(
        &mut self,
        settings: &Settings,
        vm: &mut Vm,
        waiting: Waiting,
        began: Option<Instant>,
    ) -> Step {
        let coroutine = waiting.function.into_coroutine();
        if let (Some(limit), Some(now)) = (settings.slow_function, began) {
            self.watch_waited(vm, &coroutine, limit, now);
        }
        vm.resume(coroutine)
    }

    /// Tells whoever wants to know of a stretch, and what has come of it.
    fn tell(
        &mut self,
        settings: &Settings,
        vm: &Vm,
        step: &Step,
        error: Option<&Error>,
        began: Option<Instant>,
    ) {
        if let (Some(began), Some(call)) = (began, &mut self.call) {
            let now = Instant::now();
            let time = now - began;
            call.add(now, vm.cpu_time(time));
            if let Some(observer) = &settings.observer {
                let outcome = step.outcome();
                vm.with_site(|site| observer.observe(site, outcome, error, time, call));
            }
        }
        if let Some(spans) = &mut self.spans {
            spans.end(vm, step.outcome(), error);
        }
        if let Some(limit) = settings.slow_function {
            self.tell_if_slow(vm, step, limit);
        }
    }

    /// Has a function looked at that goes on, where it has waited if that has made it slow.
    fn watch_waited(&mut self, vm: &Vm, coroutine: &Coroutine, limit: Duration, now: Instant) {
        let Some(call) = self.call.filter(|_| self.slow.is_none()) else {
            return vm.watch_slow(None);
        };
        let left = limit.checked_sub(call.elapsed_at(now));
        if left.is_none() {
            self.slow = vm.place_of(coroutine).map(Box::new);
        }
        vm.watch_slow(left);
    }

    /// Tells of a call that has ended and was slow.
    fn tell_if_slow(&mut self, vm: &Vm, step: &Step, limit: Duration) {
        if let Some(place) = vm.slow_place() {
            self.slow = Some(Box::new(place));
        }
        let Some(call) = self.call.filter(|call| call.elapsed() >= limit) else { return };
        if !matches!(step, Step::Waiting(..)) {
            let traceback = self.slow.as_deref().map(|place| &*place.traceback);
            let (site, id) = (vm.site(), vm.request_id());
            log::slow(&site, id.as_str(), call.elapsed(), call.cpu(), traceback);
        }
    }

    /// Notes whether the function has kept within its share of time and memory.
    fn remember(&self, vm: &mut Vm, step: &Step) {
        let record = self.functions.record(self.place);
        let failed_as = match step {
            Step::Failed(failure) => Some(failure.kind),
            _ => None,
        };
        match failed_as {
            Some(FailureKind::Refused) => {}
            Some(FailureKind::Timeout) => Self::strike(record, vm),
            _ if vm.is_greedy() => Self::strike(record, vm),
            // What others keep was in its way.
            Some(FailureKind::Memory) => {}
            _ if vm.has_run_long() => record.watch(),
            _ if matches!(step, Step::Waiting(..)) => {}
            _ => record.clear(),
        }
    }

    #[cold]
    fn strike(record: &Record, vm: &mut Vm) {
        vm.owe_turn();
        if let Some(time) = record.strike() {
            let Site { plugin, phase, set, index, .. } = vm.site();
            tracing::warn!(
                target: "tower_lua::function",
                "[{plugin}] {set}: {phase}[{index}]: refused for {time:?}: \
                 its calls use up their time or memory, one after the other"
            );
        }
    }

    /// Has no function run after the one that waits.
    #[cfg(feature = "net")]
    pub(crate) const fn end_after_this(&mut self) {
        self.phases = &[];
    }

    /// Whether its functions run in quarantine: one of them is watched, or the request is bound to the VM there.
    pub(crate) fn is_quarantined(&self, pool: &Pool, transaction: &Transaction) -> bool {
        transaction.vm.is_some_and(|bound| pool.is_quarantined(bound))
            || self.functions.any_watched_in(self.phases)
    }

    /// The same as [`advance`](Self::advance), on the thread of the quarantine. The request is bound to the VM
    /// there, unless it keeps something in another.
    pub(crate) fn advance_quarantined(
        &mut self,
        pool: &Arc<Pool>,
        mut transaction: Box<Transaction>,
    ) -> (Box<Transaction>, Progress) {
        if self.waiting.is_none() && !transaction.tables.hold_lua_values() {
            transaction.vm = Some(pool.quarantined());
        }
        let (mut transaction, progress) = self.advance(pool, transaction);
        // Others have had the worker all the time.
        transaction.owes_turn = false;
        (transaction, progress)
    }

    /// What is left of it when it goes on elsewhere: nothing to run.
    pub(crate) fn take(&mut self) -> Self {
        let nothing = Self::new(Functions::empty(), self.plugin, &[]);
        std::mem::replace(self, nothing)
    }

    /// The functions cannot run at all.
    #[cold]
    fn unable(&mut self, pool: &Pool, error: &mlua::Error) -> Progress {
        self.waiting = None;
        let has_functions = |phase: &Phase| self.functions.len(*phase) > 0;
        let Some(phase) = self.phases.iter().copied().find(has_functions) else {
            return Progress::Ended;
        };
        self.started = self.started.max(1);
        let error = Error::function(self.site(phase), failure_of(error));
        pool.settings().report(&error);
        if self.functions.fails_open() { Progress::Ended } else { Progress::Failed(error) }
    }

    /// What is to run now: what has waited, or the next function.
    fn turn(&mut self) -> Option<Turn> {
        match self.waiting.take() {
            Some(waiting) => Some(Turn::Again(waiting)),
            None => self.next().map(|(phase, place)| Turn::First(phase, place)),
        }
    }

    /// The next function: its phase, and its place in the set.
    fn next(&mut self) -> Option<(Phase, usize)> {
        loop {
            let phase = *self.phases.first()?;
            if let Some(place) = self.functions.places(phase).nth(self.started) {
                self.started += 1;
                return Some((phase, place));
            }
            self.end_phase();
        }
    }

    fn end_phase(&mut self) {
        self.started = 0;
        self.phases = self.phases.get(1..).unwrap_or_default();
    }

    /// Makes `site` that of the function which is next. The name of its set is counted only where another's ran.
    fn come_to(&self, site: &mut Site, phase: Phase) {
        if site.id == self.functions.id() {
            (site.plugin, site.phase, site.index) = (self.plugin, phase, self.started);
        } else {
            *site = self.site(phase);
        }
    }

    fn site(&self, phase: Phase) -> Site {
        let set = Arc::clone(self.functions.shared_name());
        Site { plugin: self.plugin, phase, set, id: self.functions.id(), index: self.started }
    }
}

/// A function that is to run: one that goes on, or one from its beginning, in its phase and at its place.
enum Turn {
    Again(Waiting),
    First(Phase, usize),
}

#[cold]
fn refused() -> Failure {
    Failure {
        kind: FailureKind::Refused,
        message: "not called: its last calls used up their CPU budget or memory".to_owned(),
        position: None,
        traceback: String::new(),
    }
}

impl Functions {
    /// The number that `vm` has given the first function of the set, in the order of their phases.
    fn compiled_in(&self, vm: &mut Vm) -> mlua::Result<usize> {
        let known = |gone| self.set().known_to.lock().push(gone);
        vm.compiled(self.set().number, known, |vm| {
            self.set().sources.iter().try_for_each(|source| {
                let environment = vm.environment()?;
                vm.add(source.compile(vm.lua(), Some(environment))?)
            })
        })
    }

    /// Says what Lua calls the chunks of the functions.
    #[cfg(feature = "testing")]
    fn name_chunks(&self, recording: &Recording) {
        for phase in Phase::ALL {
            for (index, source) in self.sources(phase).iter().enumerate() {
                recording.name_chunk(self.name(), phase, index + 1, source.chunk_name());
            }
        }
    }

    fn note_wait(&self, operation: &Operation) {
        if operation.reads_body() {
            self.set().waits_for_body.store(true, Ordering::Relaxed);
        }
    }

    fn record(&self, place: usize) -> &Record {
        &self.set().records[place]
    }
}
