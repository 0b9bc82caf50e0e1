//! The thread of functions that hold up whoever shares theirs.
//!
//! A function that has used up its time or memory, or half of its time, runs here for a while, one call after the
//! other, and in a VM of the thread's own unless its request keeps something in another. So it is from its
//! second call on that nobody waits for it.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};
use std::task::{Context, Poll, ready};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tracing::{Dispatch, Span, dispatcher};

/// The thread, and who stands in line for it. It is started when it is first needed, and ends with the pool.
#[derive(Default)]
pub(super) struct Quarantine {
    line: OnceLock<Option<Sender<Job>>>,
}

type Job = Box<dyn FnOnce() + Send>;

/// What is done on the thread, and its result. Dropping it before its turn has come drops the work, on the
/// thread as well.
pub(crate) struct Quarantined<R>(oneshot::Receiver<Result<R, Box<dyn Any + Send>>>);

impl Quarantine {
    /// Has `work` done when its turn has come. Where there can be no such thread, it is done at once.
    pub(super) fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Quarantined<R> {
        let (done, result) = oneshot::channel();
        let here = Surroundings::of_this_thread();
        let job: Job = Box::new(move || {
            here.within(|| {
                if !done.is_closed() {
                    // A panic is the caller's, as it would be on its own thread.
                    let _ = done.send(catch_unwind(AssertUnwindSafe(work)));
                }
            });
        });
        match self.line.get_or_init(start) {
            Some(line) => line.send(job).expect("the thread ends after its last sender"),
            None => job(),
        }
        Quarantined(result)
    }
}

fn start() -> Option<Sender<Job>> {
    let (line, jobs) = mpsc::channel::<Job>();
    let work = move || jobs.iter().for_each(|job| job());
    match thread::Builder::new().name("tower-lua-quarantine".to_owned()).spawn(work) {
        Ok(_) => Some(line),
        Err(error) => {
            tracing::warn!(
                target: "tower_lua::vm",
                "no thread can be started for functions that use up their time: {error}"
            );
            None
        }
    }
}

impl<R> Future for Quarantined<R> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let result = ready!(Pin::new(&mut self.0).poll(cx)).expect("a job ends with a result");
        Poll::Ready(result.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

/// What a thread finds around it: where tasks run, and who hears what is logged.
struct Surroundings {
    runtime: Option<Handle>,
    subscriber: Dispatch,
    span: Span,
}

impl Surroundings {
    fn of_this_thread() -> Self {
        let runtime = Handle::try_current().ok();
        Self { runtime, subscriber: dispatcher::get_default(Clone::clone), span: Span::current() }
    }

    fn within(&self, f: impl FnOnce()) {
        let _runtime = self.runtime.as_ref().map(Handle::enter);
        dispatcher::with_default(&self.subscriber, || self.span.in_scope(f));
    }
}
