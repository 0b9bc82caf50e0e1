//! Functions that run on a thread of their own, in a VM of their own: `ngx.run_worker_thread`.

use std::future::Future;
use std::sync::Arc;

use mlua::{Function, Lua, MultiValue};
use parking_lot::Mutex;

use super::timer::Home;
use super::{Pool, Step, Vm, failure_of};
use crate::error::{Failure, FailureKind, Site};
use crate::lua::{Charge, Copies, NotPortable, Portable, raise};
use crate::phase::Phase;
use crate::transaction::Transaction;

/// What is to run.
pub(crate) struct Work {
    pub(crate) module: Vec<u8>,
    pub(crate) function: Vec<u8>,
    pub(crate) arguments: Vec<Portable>,
    /// What they take of their caller's memory.
    pub(crate) _charge: Option<Charge>,
}

/// What a function has returned, or why it has not.
pub(crate) type Outcome = Result<Vec<Portable>, String>;

/// Has `work` done in a fresh VM, on a thread of those that may block. As many are at work at once as
/// there are VMs; the others stand in line.
///
/// The function is given its modules by the rules of `site`'s sandbox, and has the budget of a call.
pub(crate) fn run(
    lua: &Lua,
    site: &Site,
    work: Work,
) -> impl Future<Output = Outcome> + Send + 'static + use<> {
    let pool = lua.app_data_ref::<Home>().and_then(|home| home.pool.upgrade());
    let site = Site { phase: Phase::Timer, ..site.clone() };
    async move {
        let Some(pool) = pool else { return Err("no available Lua vm".to_owned()) };
        let turn = pool.worker_turn().await;
        let worked = tokio::task::spawn_blocking(move || {
            let outcome = work.run(&pool, site);
            drop(turn);
            outcome
        });
        worked.await.unwrap_or_else(|error| Err(error.to_string()))
    }
}

impl Work {
    fn run(self, pool: &Arc<Pool>, site: Site) -> Outcome {
        let mut vm = pool.fresh_vm().map_err(|error| error.to_string())?;
        let (head, ()) = http::Request::new(()).into_parts();
        let returned = Arc::default();
        let function =
            self.function_in(&vm, &returned).map_err(|error| failure_of(&error).message)?;
        vm.enter(Transaction::new(head, site.clone()));
        vm.begin(|next| *next = site);
        let step = vm.start_function(function);
        // Its tables end with the VM.
        let transaction = vm.leave();
        drop(transaction);
        match step {
            Step::Done(_) => returned.lock().take().unwrap_or_else(|| Ok(Vec::new())),
            Step::Waiting(..) => Err("a function cannot wait in a worker thread".to_owned()),
            Step::Failed(failure) => Err(message(failure)),
        }
    }

    /// The function that does the work, in the environment of a function.
    fn function_in(
        self,
        vm: &Vm,
        returned: &Arc<Mutex<Option<Outcome>>>,
    ) -> mlua::Result<Function> {
        let (lua, returned) = (vm.lua(), Arc::clone(returned));
        let deliver = lua.create_function(move |lua, values: MultiValue| {
            *returned.lock() = Some(match Copies::new(lua, &values) {
                Ok(copies) => Ok(copies.values),
                Err(NotPortable::Unfit(why)) => Err(format!("{why} in the return value")),
                Err(NotPortable::Lua(error)) => return Err(error),
            });
            Ok(())
        })?;
        let refuse = lua.create_function(|_, why: String| Err::<(), _>(raise(why)))?;
        let count = self.arguments.len();
        let arguments = lua.create_sequence_from([0; 0])?;
        for (place, argument) in self.arguments.into_iter().enumerate() {
            arguments.raw_set(place + 1, argument)?;
        }
        let chunk = lua.load(include_str!("worker_thread.lua")).set_name("=tower-lua");
        let make = chunk.set_environment(vm.environment()?).into_function()?;
        let (module, name) = (lua.create_string(self.module)?, lua.create_string(self.function)?);
        make.call((deliver, refuse, module, name, arguments, count))
    }
}

fn message(failure: Failure) -> String {
    let Failure { kind, message, position, .. } = failure;
    match (kind, position) {
        (FailureKind::Timeout, Some((chunk, line))) => format!("{chunk}:{line}: {message}"),
        _ => message,
    }
}
