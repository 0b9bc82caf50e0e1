//! The module `ngx.req`.

use mlua::Value;

use crate::api::ngx;
use crate::binding::refuse_at;
use crate::binding::{Call, Namespace, bindings};
use crate::lua::raise_at;
use crate::message::headers::Name;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.req",
    bindings: bindings! {
        "add_header", ngx::REQUEST, calls add_header;
    },
};

fn add_header(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    let problem = match (&name, &value) {
        (Value::Nil, _) => Some("bad 'name' argument: string expected, got nil"),
        (_, Value::Nil) => Some("bad 'value' argument: string or table expected, got nil"),
        (_, Value::Table(values)) if values.raw_len() == 0 => {
            Some("bad 'value' argument: non-empty table expected")
        }
        _ => None,
    };
    if let Some(problem) = problem {
        return Err(raise_at(call.lua, problem));
    }
    let refused = |why| refuse_at(call.lua, why);
    let name = ngx::tostring(call, name)?;
    let name = name.as_bytes();
    let name = Name::of_request(&name).map_err(refused)?;
    for value in ngx::header_values(call, &value)? {
        call.tx
            .request
            .add_header(&name, &value.as_bytes(), &mut call.tx.share)
            .map_err(refused)?;
    }
    Ok(())
}
