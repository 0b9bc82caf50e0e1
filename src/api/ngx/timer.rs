//! `ngx.timer`: functions that run later, and that no request waits for.

use std::time::Duration;

use mlua::{Function, Table, Value};

use super::arguments::Argument;
use crate::binding::convert::Noted;
use crate::binding::{Call, Namespace, Scope, bindings};
use crate::lua::raise_at;
use crate::phase::PhaseSet;
use crate::settings::Kind;
use crate::vm::timer::{self, Schedule, When};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.timer",
    bindings: bindings! {
        "at", PhaseSet::ANY, calls |call, arguments| start(call, arguments, "at");
        "every", PhaseSet::ANY, calls |call, arguments| start(call, arguments, "every");
        "pending_count", PhaseSet::ANY, calls |call, (): ()| Ok(count(call, Kind::PendingTimer));
        "running_count", PhaseSet::ANY, calls |call, (): ()| Ok(count(call, Kind::RunningTimer));
    },
};

/// Lets a function that starts a timer take the arguments of the timer's own function with it.
pub(super) fn register(scope: &Scope<'_>, table: &Table) -> mlua::Result<()> {
    let with_arguments: Function = scope
        .lua
        .load(
            r##"
            local start = ...
            local select, unpack = select, unpack
            return function(...)
              local given = select("#", ...)
              if given < 2 then
                return start(given, ...)
              end
              local delay, f = ...
              local arguments, count = { select(3, ...) }, given - 2
              return start(given, delay, f, function(is_premature)
                return function()
                  f(is_premature, unpack(arguments, 1, count))
                end
              end)
            end
            "##,
        )
        .set_name("=tower-lua")
        .into_function()?;
    for name in ["at", "every"] {
        let start: Function = table.raw_get(name)?;
        table.raw_set(name, with_arguments.call::<Function>(start)?)?;
    }
    Ok(())
}

/// 1, or `nil` and why there is no timer.
type Started = Noted<Option<u8>>;

/// What a function is called with: how many arguments there are, delay and function, and what makes
/// the function that is to run.
type Arguments = (usize, Value, Value, Option<Function>);

fn start(
    call: &mut Call<'_>,
    (given, delay, function, made): Arguments,
    name: &'static str,
) -> mlua::Result<Started> {
    let Some(made) = made else {
        let message = format!("expecting at least 2 arguments but got {given}");
        return Err(raise_at(call.lua, &message));
    };
    let seconds = Argument::new(1, name).number(call, delay)?;
    let repeats = name == "every";
    let delay = delay_of(call, seconds, repeats)?;
    let info = match &function {
        Value::Function(function) => Some(function.info()).filter(|info| info.what != "C"),
        _ => None,
    };
    let Some(info) = info else {
        return Err(Argument::new(2, name).bad(call, "Lua function expected"));
    };
    let when = if repeats { When::Every(delay) } else { When::After(delay) };
    Ok(match timer::start(call.lua, call.tx, Schedule::new(when, &info), made)? {
        Ok(()) => Noted(Some(1), None),
        Err(why) => Noted(None, Some(why.message())),
    })
}

/// The longest delay: a hundred years.
const LONGEST: f64 = 3.2e9;

/// Whole milliseconds, as nginx's timers have them.
///
/// Kong: takes what is negative for a very long time, which is over at once.
fn delay_of(call: &Call<'_>, seconds: f64, repeats: bool) -> mlua::Result<Duration> {
    let seconds = if seconds > LONGEST { LONGEST } else { seconds };
    let millis = (seconds * 1000.0).trunc();
    if repeats && millis == 0.0 {
        return Err(raise_at(call.lua, "delay cannot be zero"));
    }
    Duration::try_from_secs_f64(millis / 1000.0).map_err(|_| raise_at(call.lua, "invalid delay"))
}

fn count(call: &Call<'_>, kind: Kind) -> usize {
    call.settings.background.count(kind, call.tx.vm.map_or(0, |vm| vm.number))
}
