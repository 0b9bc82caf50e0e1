//! The module `ngx.resp`.

use mlua::Value;

use crate::binding::{Call, Namespace, bindings, raise_at};
use crate::ngx;
use crate::transaction::headers;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.resp",
    bindings: bindings! {
        "add_header", ngx::REQUEST, calls add_header;
    },
};

fn add_header(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    if value.is_nil() {
        return Err(raise_at(call.lua, "invalid header value"));
    }
    if call.tx.response.sent {
        ngx::complain(call, "attempt to set ngx.header.HEADER after sending out response headers");
        return Ok(());
    }
    let refused = |why: headers::Refused| raise_at(call.lua, &why.to_string());
    let name = ngx::tostring(call, name)?;
    let name = headers::response_name_of(&name.as_bytes()).map_err(refused)?;
    for value in ngx::header_values(call, &value)? {
        call.tx.response.add_header(name.clone(), &value.as_bytes()).map_err(refused)?;
    }
    Ok(())
}
