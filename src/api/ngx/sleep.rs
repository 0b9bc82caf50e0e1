//! `ngx.sleep`.

use std::time::Duration;

use mlua::Value;

use super::arguments::Argument;
use crate::binding::{Await, Call, Namespace, bindings};
use crate::lua::raise_at;
use crate::phase::PhaseSet;
use crate::transaction::Operation;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "sleep", PhaseSet::YIELDABLE, awaits sleep;
    },
};

fn sleep(call: &mut Call<'_>, seconds: Value) -> mlua::Result<Await<()>> {
    let seconds = Argument::new(1, "sleep").number(call, seconds)?;
    // Whole milliseconds, as nginx's timers have them.
    match Duration::try_from_secs_f64((seconds * 1000.0).trunc() / 1000.0) {
        Ok(duration) if duration.is_zero() => Ok(Await::Future(Operation::turn())),
        Ok(duration) => Ok(Await::future(async move {
            tokio::time::sleep(duration).await;
            Ok(())
        })),
        Err(_) => {
            let millis = (seconds * 1000.0).trunc();
            Err(raise_at(call.lua, &format!("invalid sleep duration \"{millis}\"")))
        }
    }
}
