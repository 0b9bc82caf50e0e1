//! The module `ngx.ssl`, as far as it is about certificates and keys that functions have themselves.

use mlua::{Lua, LuaString, Table};

use crate::api::modules::Loader;
use crate::api::ngx::socket::{Certificate, Outcome, PrivateKey};
use crate::net::Fault;
use crate::net::tls::{Chain, Key};

pub(super) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    module.raw_set(
        "parse_pem_cert",
        parses(lua, |pem| Chain::from_pem(pem).map(Certificate), CERT)?,
    )?;
    module.raw_set(
        "parse_der_cert",
        parses(lua, |der| Chain::from_der(der).map(Certificate), CERT)?,
    )?;
    module.raw_set(
        "parse_pem_priv_key",
        parses(lua, |pem| Key::from_pem(pem).map(PrivateKey), KEY)?,
    )?;
    module.raw_set(
        "parse_der_priv_key",
        parses(lua, |der| Key::from_der(der).map(PrivateKey), KEY)?,
    )?;
    module.raw_set(
        "cert_pem_to_der",
        lua.create_function(|lua, pem: LuaString| {
            let der = Chain::from_pem(&pem.as_bytes()).map(|chain| chain.der());
            Ok(Outcome(der.map(|der| lua.create_string(der)).transpose()?.ok_or(CERT)))
        })?,
    )?;
    module.raw_set(
        "priv_key_pem_to_der",
        lua.create_function(|lua, pem: LuaString| {
            let der = Key::from_pem(&pem.as_bytes()).map(|key| key.der());
            Ok(Outcome(der.map(|der| lua.create_string(der)).transpose()?.ok_or(KEY)))
        })?,
    )?;
    Ok(module)
}

// OpenSSL's and lua-nginx-module's words.
const CERT: Fault = Fault::new("PEM_read_bio_X509_AUX() failed");
const KEY: Fault = Fault::new("PEM_read_bio_PrivateKey() failed");

fn parses<T: mlua::UserData + Send + Sync + 'static>(
    lua: &Lua,
    parse: fn(&[u8]) -> Option<T>,
    fault: Fault,
) -> mlua::Result<mlua::Function> {
    lua.create_function(move |lua, text: LuaString| {
        let parsed =
            parse(&text.as_bytes()).map(|parsed| lua.create_userdata(parsed)).transpose()?;
        Ok(Outcome(parsed.ok_or_else(|| fault.clone())))
    })
}
