//! The functions of a layer on their way through a request.

use std::any::Any;
use std::sync::Arc;

use mlua::Function;

use super::{Functions, Source};
use crate::error::Error;
use crate::log;
use crate::phase::Phase;
use crate::plugin::Plugin;
use crate::transaction::{Exit, Operation, Site, Transaction};
use crate::vm::{Pool, Step, Suspended, Vm, failure_of};

/// Functions that run one after the other: those of a phase, or of some phases in a row.
pub(crate) struct Run {
    functions: Functions,
    plugin: Plugin,
    phases: &'static [Phase],
    /// How many functions of the first of `phases` have been started.
    started: usize,
    waiting: Option<Suspended>,
}

/// How far a run has come.
pub(crate) enum Progress {
    /// All functions have run.
    Ended,
    /// A function ended the request; the response stands in the transaction.
    Exited,
    /// A function failed. The rest of its phase has not run.
    Failed(Error),
    /// A function waits. Advance again when the operation is over.
    Waiting(Operation),
}

impl Run {
    pub(crate) fn new(functions: Functions, plugin: Plugin, phases: &'static [Phase]) -> Self {
        Self { functions, plugin, phases, started: 0, waiting: None }
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
            transaction.vm = Some(vm.number());
            vm.enter(transaction);
            let progress = self.advance_in(pool, vm);
            (vm.leave(), progress)
        });
        result.unwrap_or_else(|error| {
            let transaction = given.take().expect("not taken, or there were no error");
            let failed = Error::function(self.site(Phase::Access), failure_of(&error));
            (transaction, Progress::Failed(failed))
        })
    }

    fn advance_in(&mut self, pool: &Arc<Pool>, vm: &mut Vm) -> Progress {
        let compiled = match self.functions.compiled_in(vm) {
            Ok(compiled) => compiled,
            Err(error) => {
                let site = self.site(self.phases.first().copied().unwrap_or(Phase::Access));
                return Progress::Failed(Error::function(site, failure_of(&error)));
            }
        };
        loop {
            let step = match self.waiting.take() {
                Some(suspended) => vm.resume(suspended.into_coroutine()),
                None => match self.next(&compiled) {
                    Some((phase, function)) => {
                        vm.begin(self.site(phase));
                        vm.start(function)
                    }
                    None => return Progress::Ended,
                },
            };
            match step {
                Step::Done(None) => {}
                Step::Done(Some(Exit::Phase)) => self.end_phase(),
                Step::Done(Some(Exit::Request)) => return Progress::Exited,
                Step::Done(Some(Exit::Forward)) => self.phases = &[],
                Step::Waiting(coroutine, operation) => {
                    let number = vm.number();
                    self.waiting = Some(Suspended::new(Arc::clone(pool), number, coroutine));
                    return Progress::Waiting(operation);
                }
                Step::Failed(failure) => {
                    let error = Error::function(vm.site(), failure);
                    log::report(&error);
                    if !self.functions.fails_open() {
                        self.end_phase();
                        return Progress::Failed(error);
                    }
                }
            }
        }
    }

    fn next<'a>(&mut self, compiled: &'a [Function]) -> Option<(Phase, &'a Function)> {
        loop {
            let phase = *self.phases.first()?;
            if self.started < self.functions.len(phase) {
                let function = &compiled[self.functions.offset(phase) + self.started];
                self.started += 1;
                return Some((phase, function));
            }
            self.end_phase();
        }
    }

    fn end_phase(&mut self) {
        self.started = 0;
        self.phases = self.phases.get(1..).unwrap_or_default();
    }

    fn site(&self, phase: Phase) -> Site {
        let set = Arc::clone(self.functions.shared_name());
        Site { plugin: self.plugin, phase, set, index: self.started }
    }
}

impl Functions {
    /// The functions of the set, in the order of their phases, as `vm` has compiled them.
    fn compiled_in(&self, vm: &mut Vm) -> mlua::Result<Arc<[Function]>> {
        let owner = || {
            let set: Arc<dyn Any + Send + Sync> = self.set.clone();
            Arc::downgrade(&set)
        };
        vm.compiled(self.set.number, owner, |vm| {
            let sources = self.set.phases.iter().flatten();
            sources.map(|source| compile(vm, source)).collect()
        })
    }

    /// Where the functions of `phase` begin among all of the set.
    fn offset(&self, phase: Phase) -> usize {
        self.set.phases[..phase.index()].iter().map(Vec::len).sum()
    }
}

fn compile(vm: &Vm, source: &Source) -> mlua::Result<Function> {
    vm.staged(source.compile(vm.lua(), Some(vm.environment()?))?)
}
