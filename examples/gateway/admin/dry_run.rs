//! `/debug/try`: what functions would do with a request.

use http::StatusCode;

use super::answer::Answer;
use super::{Answered, Call};
use crate::configured::problem::Problem;
use crate::dry_run::body;

/// Runs a request that reaches nobody, through functions that are given or that are there.
pub(super) async fn answer(call: Call<'_>) -> Answered {
    let dry_run = call.admin.dry_run.as_ref().ok_or_else(off)?;
    let (whose, asked) = body::read(call.arguments.object)?;
    let draft = whose.draft(&call.admin.database.state())?;
    Ok(Answer::ok(dry_run.run(draft, asked).await?.json()))
}

fn off() -> Problem {
    let message = "there are no dry runs here: the gateway has to be started with --debug";
    Problem::message(StatusCode::NOT_FOUND, message)
}
