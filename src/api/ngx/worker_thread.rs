//! `ngx.run_worker_thread`: a function of a module, on a thread of its own.

use mlua::{IntoLuaMulti, Lua, MultiValue, Value};

use crate::binding::{Await, Call, Namespace, bindings, convert};
use crate::lua::{Copies, NotPortable};
use crate::phase::PhaseSet;
use crate::vm::worker_thread::{self, Outcome, Work};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "run_worker_thread", PhaseSet::YIELDABLE, awaits run_worker_thread;
    },
};

/// `true` and what the function has returned, or `false` and why it has not.
struct Ran(Outcome);

impl IntoLuaMulti for Ran {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        match self.0 {
            Ok(values) => {
                let mut returned = mlua::Variadic::from_iter(values).into_lua_multi(lua)?;
                returned.push_front(Value::Boolean(true));
                Ok(returned)
            }
            Err(why) => (false, why).into_lua_multi(lua),
        }
    }
}

fn run_worker_thread(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Await<Ran>> {
    Ok(match work(call, &arguments)? {
        Ok(work) => {
            let future = worker_thread::run(call.lua, &call.tx.site, work);
            Await::future(async { Ok(Ran(future.await)) })
        }
        Err(why) => Await::Ready(Ran(Err(why))),
    })
}

/// What is to be done, or what is wrong with the arguments.
fn work(call: &mut Call<'_>, arguments: &MultiValue) -> mlua::Result<Result<Work, String>> {
    let [pool, module, function, ..] = &arguments.iter().collect::<Vec<_>>()[..] else {
        return Ok(Err("expecting at least 3 arguments".to_owned()));
    };
    let text = |value: &Value| {
        let text = if value.is_boolean() { None } else { convert::scalar_text(call.lua, value)? };
        Ok::<_, mlua::Error>(text.map(|text| text.as_bytes().to_vec()))
    };
    // Kong: has pools of names, with so many threads each. Here there is one, of any name.
    if text(pool)?.is_none() {
        return Ok(Err("threadpool should be a string".to_owned()));
    }
    let Some(module) = text(module)? else {
        return Ok(Err("module name should be a string".to_owned()));
    };
    let Some(function) = text(function)? else {
        return Ok(Err("function name should be a string".to_owned()));
    };
    Ok(match Copies::new(call.lua, arguments.iter().skip(3)) {
        Ok(Copies { values, bytes }) => {
            let charge = call.tx.share.charge(bytes)?;
            Ok(Work { module, function, arguments: values, _charge: charge })
        }
        Err(NotPortable::Unfit(why)) => Err(format!("{why} in the argument")),
        Err(NotPortable::Lua(error)) => return Err(error),
    })
}
