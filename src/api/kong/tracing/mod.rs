//! `kong.tracing`: spans that functions make, for whoever listens to `tracing`.

use mlua::{LuaString, MultiValue, Table, Value};
use serde_json::{Map, Value as Json};

use super::ctx::kept;
use crate::binding::{Call, Namespace, Scope, bindings, convert};
use crate::error::log::Line;
use crate::error::log::{self, Level};
use crate::lua::{as_number, position, raise};
use crate::message::random;
use crate::phase::PhaseSet;
use crate::transaction::spans::{self, Spans, Start};

/// `tracer.lua` makes of these what functions see.
pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.tracing",
    bindings: bindings! {
        "new", PhaseSet::ANY, calls get_spans;
        "active_span", PhaseSet::ANY, calls get_spans;
        "set_active_span", PhaseSet::ANY, calls get_spans;
        "start_span", PhaseSet::ANY, calls start_span;
        "get_spans", PhaseSet::ANY, calls get_spans;
        "get_root_span", PhaseSet::ANY, calls get_spans;
        "process_span", PhaseSet::LOG, calls check_processor;
        "set_should_sample", PhaseSet::ANY, calls get_spans;
        "get_sampling_decision", PhaseSet::ANY, calls get_spans;
    },
};

/// Makes the tracer of the functions.
pub(super) fn tracer(scope: &Scope<'_>, functions: &Table) -> mlua::Result<()> {
    let native = scope.lua.create_table()?;
    native.raw_set("set_attribute", scope.calls(PhaseSet::ANY, set_attribute, None)?)?;
    native.raw_set("set_attributes", scope.calls(PhaseSet::ANY, set_attributes, None)?)?;
    native.raw_set("add_event", scope.calls(PhaseSet::ANY, add_event, None)?)?;
    native.raw_set("set_status", scope.calls(PhaseSet::ANY, set_status, None)?)?;
    native.raw_set("finish", scope.calls(PhaseSet::ANY, finish, None)?)?;
    native.raw_set("complain", scope.calls(PhaseSet::ANY, complain, None)?)?;
    native.raw_set("context", scope.calls(PhaseSet::ANY, context, None)?)?;
    native.raw_set("started_at", scope.calls(PhaseSet::ANY, started_at, None)?)?;
    native.raw_set("is_on", scope.calls(PhaseSet::ANY, is_on, None)?)?;
    native.raw_set("configured_rate", scope.calls(PhaseSet::ANY, configured_rate, None)?)?;
    let tracer = scope.lua.load(include_str!("tracer.lua")).set_name("=tower-lua");
    tracer.call((functions, native))
}

/// The tables of the request's spans.
fn get_spans(call: &mut Call<'_>, (): ()) -> mlua::Result<Table> {
    kept(call.lua, &mut call.tx.tables.get_or_default().spans)
}

fn check_processor(_: &mut Call<'_>, processor: Value) -> mlua::Result<()> {
    if processor.is_function() {
        return Ok(());
    }
    Err(raise("processor must be a function"))
}

/// Begins a span: gives its id, that of its trace, and the time.
fn start_span(
    call: &mut Call<'_>,
    (name, kind, sampled, parent_id, trace_id, time): (
        LuaString,
        f64,
        bool,
        Value,
        Value,
        Option<f64>,
    ),
) -> mlua::Result<(LuaString, LuaString, f64)> {
    let time = time.unwrap_or_else(|| now(call));
    let random = random::bits().to_be_bytes();
    let id = std::array::from_fn(|at| random[at]);
    let trace_id = match trace_id {
        Value::String(trace_id) => trace_id,
        _ => call.string(random::bits().to_be_bytes())?,
    };
    let trace = call.tx.traced().map(|traced| traced.trace.clone());
    if sampled && (trace.is_some() || spans::is_enabled()) {
        let mut parent_id = match &parent_id {
            Value::String(parent_id) => parent_id.as_bytes().to_vec(),
            _ => Vec::new(),
        };
        // What the request's own span has for its part, the function has that runs.
        if let Some(traced) = call.tx.traced()
            && parent_id == traced.trace.span_id()
        {
            parent_id = traced.function.to_vec();
        }
        let start = Start {
            id,
            name: &name.to_string_lossy(),
            kind: kind_name(kind),
            trace_id: &spans::hex(&trace_id.as_bytes()),
            parent_id: &parent_id,
            time,
        };
        call.tx.rare_mut().spans.get_or_insert_default().start(&start, trace);
    }
    Ok((call.string(id)?, trace_id, time))
}

/// The span that the request is in the trace that the application has given it, if it has: its id, that of
/// the trace, and whether anybody wants more.
fn context(
    call: &mut Call<'_>,
    (): (),
) -> mlua::Result<(Option<LuaString>, Option<LuaString>, Option<bool>)> {
    let Some(trace) = call.tx.traced().map(|traced| traced.trace.clone()) else {
        return Ok((None, None, None));
    };
    let (span_id, id) = (call.string(trace.span_id())?, call.string(trace.id())?);
    Ok((Some(span_id), Some(id), Some(trace.is_sampled())))
}

/// When the request began, in nanoseconds since 1970.
#[expect(clippy::unnecessary_wraps, reason = "a binding may fail")]
fn started_at(call: &mut Call<'_>, (): ()) -> mlua::Result<f64> {
    Ok(call.tx.started_at().as_nanos() as f64)
}

/// OpenTelemetry's kinds, by Kong's numbers.
fn kind_name(kind: f64) -> &'static str {
    const NAMES: [&str; 6] =
        ["unspecified", "internal", "server", "client", "producer", "consumer"];
    NAMES.get(kind as usize).copied().unwrap_or(NAMES[0])
}

/// Nanoseconds since 1970.
fn now(call: &Call<'_>) -> f64 {
    (call.tx.started_at() + call.tx.age()).as_nanos() as f64
}

/// The request's spans, once `tracing` has some, or the request a trace.
fn spans_of<'a>(call: &'a mut Call<'_>) -> Option<&'a mut Spans> {
    let rare = &mut call.tx.tables.get_mut()?.rare;
    if let Some(traced) = &rare.traced {
        let root = &traced.trace;
        return Some(rare.spans.get_or_insert_with(|| Spans::of_root(root.clone())));
    }
    rare.spans.as_mut()
}

fn set_attribute(
    call: &mut Call<'_>,
    (id, key, value): (LuaString, LuaString, Value),
) -> mlua::Result<()> {
    if let Some(spans) = spans_of(call) {
        spans.set_attribute(&id.as_bytes(), &key.to_string_lossy(), &value);
    }
    Ok(())
}

fn set_attributes(call: &mut Call<'_>, (id, attributes): (LuaString, Table)) -> mlua::Result<()> {
    let lua = call.lua;
    let Some(spans) = spans_of(call) else { return Ok(()) };
    for pair in attributes.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let key = convert::display(lua, &key);
        spans.set_attribute(&id.as_bytes(), &key, &value);
    }
    Ok(())
}

/// Tells of a moment in a span; gives its time.
fn add_event(
    call: &mut Call<'_>,
    (id, name, attributes, time): (LuaString, LuaString, Option<Table>, Value),
) -> mlua::Result<f64> {
    let time = as_number(&time).unwrap_or_else(|| now(call));
    let attributes = match attributes {
        Some(attributes) if spans_of(call).is_some() => fields(call, &attributes)?,
        _ => Map::new(),
    };
    if let Some(spans) = spans_of(call) {
        spans.add_event(&id.as_bytes(), &name.to_string_lossy(), &attributes, time);
    }
    Ok(time)
}

/// A table of attributes.
pub(super) fn fields(call: &Call<'_>, attributes: &Table) -> mlua::Result<Map<String, Json>> {
    let mut fields = Map::new();
    for pair in attributes.pairs::<Value, Value>() {
        let (key, value) = pair?;
        if let Some(value) = spans::json(&value) {
            spans::insert(&mut fields, &convert::display(call.lua, &key), value);
        }
    }
    Ok(fields)
}

fn set_status(call: &mut Call<'_>, (id, status): (LuaString, f64)) -> mlua::Result<()> {
    if let Some(spans) = spans_of(call) {
        spans.set_status(&id.as_bytes(), status);
    }
    Ok(())
}

/// Ends a span; gives the time.
fn finish(call: &mut Call<'_>, (id, time): (LuaString, Option<f64>)) -> mlua::Result<f64> {
    let time = time.unwrap_or_else(|| now(call));
    if let Some(spans) = spans_of(call) {
        spans.finish(&id.as_bytes(), time);
    }
    Ok(time)
}

/// What Kong writes to the log rather than raise an error.
fn complain(call: &mut Call<'_>, message: MultiValue) -> mlua::Result<()> {
    if call.logs(Level::Err) {
        let position = position(call.lua);
        let mut line = Line::default();
        message.iter().for_each(|value| convert::log(call.lua, value, &mut line));
        log::write_for_ngx(Level::Err, &call.tx.origin(), position.as_ref(), &line);
    }
    Ok(())
}

/// Whether the configuration has switched an instrumentation on. Then requests have an active span
/// from the start.
fn is_on(call: &mut Call<'_>, (): ()) -> mlua::Result<bool> {
    let configured = call.settings.configuration.fields().get("tracing_instrumentations");
    Ok(match configured {
        Some(Json::String(names)) => names != "off",
        Some(Json::Array(names)) => names.iter().any(|name| name != "off"),
        _ => false,
    })
}

fn configured_rate(call: &mut Call<'_>, (): ()) -> mlua::Result<Option<f64>> {
    let configured = call.settings.configuration.fields().get("tracing_sampling_rate");
    Ok(configured.and_then(Json::as_f64))
}
