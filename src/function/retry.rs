//! What a function says of where to try again.

use std::sync::Arc;

use crate::api::kong;
use crate::error::{Error, Failure, FailureKind, Site};
use crate::phase::Phase;
use crate::transaction::{Retry, Transaction};
use crate::vm::{Pool, Step, Vm, failure_of};

/// A host and a port.
type Address = (String, u16);

/// Asks the callback of `kong.service.set_target_retry_callback` for another target. Without one the
/// target stays as it is.
///
/// # Errors
///
/// When the callback fails, waits, ends the request, or has no answer.
pub(crate) fn next_target(
    pool: &Arc<Pool>,
    mut transaction: Box<Transaction>,
) -> (Box<Transaction>, Result<Option<Address>, Error>) {
    let site = Site { phase: Phase::Access, ..transaction.site.clone() };
    if let Some(bound) = transaction.vm
        && pool.is_quarantined(bound)
        && pool.is_busy(bound)
    {
        // Whoever asks cannot wait as long as functions may run there.
        let failure = failure_of_callback("other functions hold up its VM");
        return (transaction, Err(reported(pool, site, failure)));
    }
    // What the callback says of a response is not for this one.
    let response = std::mem::take(&mut transaction.response);
    let mut bound = transaction.vm;
    let mut given = Some(transaction);
    let asked = pool.with(&mut bound, |vm| {
        vm.enter(given.take().expect("given above"));
        vm.begin(|next| *next = site.clone());
        let failure = ask(vm);
        (vm.leave(), failure)
    });
    let (mut transaction, failure) = asked.unwrap_or_else(|error| {
        let transaction = given.take().expect("not taken, or there were no error");
        (transaction, Some(failure_of(&error)))
    });
    transaction.exit = None;
    transaction.response = response;
    let retry = transaction.rare_mut().retry.take();
    let failure = match (failure, retry) {
        (None, Some(Retry::AsBefore)) => {
            let target = transaction.request.upstream.target();
            let target = target.map(|(host, port)| (host.to_owned(), port));
            return (transaction, Ok(target));
        }
        (None, Some(Retry::Target(host, port))) => return (transaction, Ok(Some((host, port)))),
        (None, Some(Retry::Refused(why))) => failure_of_callback(&why),
        (None, None) => failure_of_callback("it has no answer"),
        (Some(failure), _) => failure,
    };
    (transaction, Err(reported(pool, site, failure)))
}

fn reported(pool: &Pool, site: Site, failure: Failure) -> Error {
    let error = Error::function(site, failure);
    pool.settings().report(&error);
    error
}

fn ask(vm: &mut Vm) -> Option<Failure> {
    let step = match kong::retry_function(vm.lua()) {
        Ok(function) => vm.start_function(function),
        Err(error) => Step::Failed(failure_of(&error)),
    };
    match step {
        Step::Done(None) => None,
        Step::Done(Some(_)) => Some(failure_of_callback("it ended the request")),
        Step::Waiting(..) => Some(failure_of_callback("it cannot wait")),
        Step::Failed(failure) => Some(failure),
    }
}

fn failure_of_callback(why: &str) -> Failure {
    let message = format!("retry handler failed: {why}");
    Failure { kind: FailureKind::Runtime, message, position: None, traceback: String::new() }
}
