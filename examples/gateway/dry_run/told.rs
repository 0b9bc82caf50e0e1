//! [`Told`]: what has come of a dry run, for programs.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use tower_lua::testing::{Call, Change, Exchange, Log, Step};
use tower_lua::{FunctionOutcome, Phase};

use super::echo::Forwarded;
use super::message::{body, headers};
use super::stage::Ended;

/// What has come of a dry run.
pub(crate) struct Told {
    pub(crate) exchange: Exchange,
    pub(crate) ended: Ended,
    /// The plugins that requests have passed and that are no functions.
    pub(crate) left_out: Vec<String>,
}

impl Told {
    pub(super) fn new(exchange: Exchange, ended: Ended, left_out: Vec<String>) -> Self {
        Self { exchange, ended, left_out }
    }

    /// The functions that have run, by phases in the order in which these began.
    pub(crate) fn phases(&self) -> Vec<(Phase, Vec<&Step>)> {
        let mut phases: Vec<(Phase, Vec<&Step>)> = Vec::new();
        for step in &self.exchange.steps {
            match phases.iter_mut().find(|(phase, _)| *phase == step.phase) {
                Some((_, steps)) => steps.push(step),
                None => phases.push((step.phase, vec![step])),
            }
        }
        phases
    }

    /// Whether a function has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.exchange.steps.iter().any(|step| step.failure.is_some())
    }

    pub(crate) fn json(&self) -> Value {
        let route = self.ended.flight.as_ref().and_then(|flight| flight.route_in_force());
        let phases = self.phases().into_iter().map(|(phase, steps)| {
            json!({
                "phase": phase.name(),
                "functions": steps.iter().map(|step| function(step)).collect::<Vec<_>>(),
                "changes": changes(steps).iter().map(change).collect::<Vec<_>>(),
            })
        });
        json!({
            "route": route.map(|route| json!({ "id": route.route.id, "name": route.route.name })),
            "service": route.and_then(|route| route.service()).map(|service| {
                json!({ "id": service.id, "name": service.name })
            }),
            "plugins_left_out": self.left_out,
            "phases": phases.collect::<Vec<_>>(),
            "forwarded": self.ended.forwarded.as_ref().map(forwarded),
            "response": response(&self.exchange.response),
            "logs": self.exchange.logs.iter().map(log).collect::<Vec<_>>(),
        })
    }
}

/// What the functions of a phase have changed.
pub(crate) fn changes(steps: Vec<&Step>) -> Vec<Change> {
    match steps.first().map(|step| step.phase) {
        None | Some(Phase::Log | Phase::Timer) => Vec::new(),
        _ => Step::changes_of(steps),
    }
}

fn function(step: &Step) -> Value {
    json!({
        "plugin": step.plugin.name(),
        "set": step.set,
        "function": step.index,
        "chunk": step.chunk,
        "calls": step.calls.iter().map(call).collect::<Vec<_>>(),
        "calls_left_out": step.calls_left_out,
        "logs": step.logs.iter().map(log).collect::<Vec<_>>(),
        "outcome": outcome(step.outcome),
        "error": step.failure.as_ref().map(|failed| json!({
            "message": failed.message,
            "chunk": failed.position.as_ref().map(|(chunk, _)| chunk),
            "line": failed.position.as_ref().map(|(_, line)| line),
            "traceback": failed.traceback,
        })),
        "wall_us": microseconds(step.time),
        "cpu_us": microseconds(step.cpu_time),
        "waited_us": microseconds(step.waited),
        "allocated": step.allocated,
    })
}

/// How a function has ended.
pub(crate) const fn outcome(outcome: FunctionOutcome) -> &'static str {
    match outcome {
        FunctionOutcome::Returned => "returned",
        FunctionOutcome::Exited => "exited",
        FunctionOutcome::Failed => "failed",
        _ => "given up while it waited",
    }
}

fn call(call: &Call) -> Value {
    json!({
        "name": call.name,
        "arguments": call.arguments,
        "result": call.result,
        "error": call.error,
    })
}

fn log(log: &Log) -> Value {
    json!({ "level": log.level, "message": log.message })
}

fn change(change: &Change) -> Value {
    json!({
        "message": change.message,
        "part": change.part,
        "name": change.name,
        "before": change.before,
        "after": change.after,
    })
}

fn forwarded(forwarded: &Forwarded) -> Value {
    let request = &forwarded.request;
    json!({
        "method": request.method().as_str(),
        "url": forwarded.url(),
        "headers": headers(request.headers()),
        "body": body(request.body()),
        "body_length": request.body().len(),
    })
}

fn response(response: &Response<Bytes>) -> Value {
    json!({
        "status": response.status().as_u16(),
        "headers": headers(response.headers()),
        "body": body(response.body()),
        "body_length": response.body().len(),
    })
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
