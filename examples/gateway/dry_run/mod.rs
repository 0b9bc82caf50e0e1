//! What functions would do with a request: it passes the gateway's own layers, and reaches nobody.
//!
//! Functions run in a runtime of their own, with the gateway's settings and with nothing in dictionaries
//! and caches. Time goes on where it is waited for, and what functions ask of others is answered by what
//! the dry run says, or refused.

mod asked;
pub(crate) mod body;
mod echo;
mod file;
pub(crate) mod flags;
mod message;
mod passed;
mod stage;
mod text;
pub(crate) mod told;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tower_lua::RuntimeBuilder;
use tower_lua::testing::{Exchange, Harness};

use self::asked::Asked;
use self::passed::Passed;
use self::stage::Stage;
use self::told::Told;
use crate::BoxError;
use crate::configured::entities::{Draft, State};
use crate::configured::problem::Problem;
use crate::in_force::plugins::Between;
use crate::in_force::published::{Current, Published};
use crate::request::proxy::Roots;

/// What functions have of the gateway's flags.
#[derive(Clone)]
pub(crate) struct Conditions {
    /// Variables of the environment that they may read.
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) runtime: Arc<Configure>,
}

/// Gives a runtime the settings of the gateway's; what is in force is heard of `Current`.
type Configure = dyn Fn(RuntimeBuilder, Current) -> Result<RuntimeBuilder, BoxError> + Send + Sync;

/// Runs requests that reach nobody.
pub(crate) struct DryRun {
    conditions: Conditions,
    roots: Roots,
    turns: Arc<Semaphore>,
}

/// How many run at once, and how long one may take by the machine's clock.
const AT_ONCE: usize = 2;
const PATIENCE: Duration = Duration::from_secs(10);

/// How much `kong.cache` keeps, and how many timers there may be.
const CACHE: usize = 16 << 20;
const TIMERS: usize = 64;

impl DryRun {
    pub(crate) fn new(conditions: Conditions, roots: Roots) -> Self {
        Self { conditions, roots, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Runs a request through what `draft` puts in force, when it is its turn.
    ///
    /// # Errors
    ///
    /// When that cannot be put in force: functions do not compile, say.
    pub(crate) async fn run(self: &Arc<Self>, draft: Draft, asked: Asked) -> Result<Told, Problem> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.expect("never closed");
        let this = Arc::clone(self);
        // Who does not wait for it any more does not end it: its turn goes on as long as it does.
        let run = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            this.run_now(&draft.state, &asked)
        });
        run.await.unwrap_or_else(|error| Err(Problem::unexpected(&error)))
    }

    fn run_now(&self, state: &State, asked: &Asked) -> Result<Told, Problem> {
        let current = Current::default();
        let mut harness = self.harness(current.clone()).map_err(|error| failed(&*error))?;
        for (url, answer) in &asked.answers {
            harness.http(url.clone(), asked::copy(answer));
        }
        let left_out = Arc::<Mutex<Vec<String>>>::default();
        let published = Published::new(current, harness.runtime().clone(), passing(&left_out));
        let steps = [crate::configured::entities::Step::Clear];
        let snapshot = published.check(state, &steps).map_err(|error| failed(&*error))?;
        published.publish(snapshot);
        let stage = Stage::new(&published, harness.runtime(), &self.roots, asked.upstream.as_ref());
        let exchange: Exchange = harness.send(stage.service(), Stage::request(asked));
        let left_out = std::mem::take(&mut *left_out.lock());
        Ok(Told::new(exchange, stage.end(), left_out))
    }

    fn harness(&self, current: Current) -> Result<Harness, BoxError> {
        let Conditions { variables, runtime } = self.conditions.clone();
        let problem = Arc::<Mutex<Option<BoxError>>>::default();
        let heard = Arc::clone(&problem);
        let configure = move |builder: RuntimeBuilder| {
            runtime(builder, current).unwrap_or_else(|error| {
                *heard.lock() = Some(error);
                tower_lua::Runtime::builder()
            })
        };
        let mut builder = Harness::builder().record().patience(PATIENCE).runtime(|builder| {
            let builder = configure(builder).vms(1).cache(CACHE);
            builder.max_pending_timers(TIMERS).max_running_timers(TIMERS)
        });
        for (name, value) in variables {
            builder = builder.variable(name, value);
        }
        let harness = builder.unanswered(unanswered).build();
        let problem = problem.lock().take();
        problem.map_or(Ok(harness?), Err)
    }
}

/// Plugins that are no functions let requests pass, and are noted.
fn passing(left_out: &Arc<Mutex<Vec<String>>>) -> Between {
    let left_out = Arc::clone(left_out);
    Arc::new(move |plugin, _, _| Ok(Arc::new(Passed::new(&plugin.name, &left_out))))
}

fn unanswered(host: &str) -> String {
    format!("nothing leaves a dry run, and it has no answer for {host}")
}

fn failed(error: &dyn std::error::Error) -> Problem {
    Problem::message(StatusCode::BAD_REQUEST, error.to_string())
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_dry_run_that_nobody_waits_for_has_its_turn_until_it_ends() {
        let (go_on, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let runtime = Arc::new(move |builder, _| {
            let _ = wait.lock().recv();
            Ok(builder)
        });
        let conditions = Conditions { variables: BTreeMap::new(), runtime };
        let dry_run = Arc::new(DryRun::new(conditions, Roots::new(None).unwrap()));
        let object = json!({ "functions": { "access": ["return"] } });
        let (whose, asked) = body::read(object.as_object().unwrap().clone()).unwrap();
        let draft = whose.draft(&State::default()).unwrap();
        {
            let mut run = pin!(dry_run.run(draft, asked));
            assert!(run.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        assert_eq!(dry_run.turns.available_permits(), AT_ONCE - 1);
        drop(go_on);
        let all = dry_run.turns.acquire_many(u32::try_from(AT_ONCE).unwrap()).await;
        assert!(all.is_ok());
    }
}
