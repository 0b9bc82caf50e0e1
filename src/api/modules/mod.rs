//! What `require` offers beside the application's and the operator's modules.

mod cjson;
mod loader;
mod ngx_base64;
mod ngx_errlog;
mod ngx_req;
mod ngx_semaphore;
#[cfg(feature = "tls")]
mod ngx_ssl;
mod pure;
mod resty;
mod stand_ins;

use mlua::{Function, Lua, LuaString, Table, Value};

use self::cjson::Manner;
pub(in crate::api) use self::loader::Loader;
use crate::api::digest::Algorithm;
use crate::api::json;
use crate::binding::{Modules, Namespace, Scope};
use crate::settings::{Sandbox, Settings, UntrustedLua};

/// Makes a module.
type Maker = fn(&Loader<'_>) -> mlua::Result<Table>;

/// The modules that come with the crate, and how each is made. None of them touches anything
/// outside the request.
const MODULES: &[(&str, Maker)] = &[
    ("bit", |lua| copy(lua, &lua.globals().get("bit")?)),
    ("cjson", |lua| cjson::module(lua, Manner::Plain)),
    ("cjson.safe", |lua| cjson::module(lua, Manner::Safe)),
    ("ngx.base64", ngx_base64::module),
    ("ngx.errlog", |lua| bound(lua, &ngx_errlog::NAMESPACE)),
    ("ngx.req", |lua| bound(lua, &ngx_req::NAMESPACE)),
    ("ngx.re", |lua| lua.chunk(include_str!("ngx_re.lua"))?.call(of_ngx(lua, "re", "match")?)),
    #[cfg(feature = "tls")]
    ("ngx.ssl", ngx_ssl::module),
    ("ngx.semaphore", |lua| {
        lua.chunk(include_str!("ngx_semaphore.lua"))?.call(bound(lua, &ngx_semaphore::NAMESPACE)?)
    }),
    ("ngx.resp", |lua| {
        let names = ["add_header", "set_status"];
        let functions = names.map(|name| Ok((name, of_ngx(lua, "resp", name)?)));
        lua.create_table_from(functions.into_iter().collect::<mlua::Result<Vec<_>>>()?)
    }),
    #[cfg(feature = "digest")]
    ("resty.aes", resty::aes::module),
    #[cfg(feature = "digest")]
    ("resty.hmac", resty::hmac::module),
    #[cfg(feature = "net")]
    ("resty.http", resty::http::module),
    #[cfg(feature = "net")]
    ("resty.http_headers", resty::http::headers),
    #[cfg(feature = "net")]
    ("resty.memcached", |lua| over_ngx(lua, include_str!("resty/memcached.lua"))),
    ("resty.md5", |lua| resty::digest::module(lua, Algorithm::Md5)),
    #[cfg(feature = "digest")]
    ("resty.random", resty::random::module),
    #[cfg(feature = "net")]
    ("resty.redis", |lua| over_ngx(lua, include_str!("resty/redis.lua"))),
    ("resty.sha1", |lua| resty::digest::module(lua, Algorithm::Sha1)),
    #[cfg(feature = "digest")]
    ("resty.sha224", |lua| resty::digest::module(lua, Algorithm::Sha224)),
    #[cfg(feature = "digest")]
    ("resty.sha256", |lua| resty::digest::module(lua, Algorithm::Sha256)),
    #[cfg(feature = "digest")]
    ("resty.sha384", |lua| resty::digest::module(lua, Algorithm::Sha384)),
    #[cfg(feature = "digest")]
    ("resty.sha512", |lua| resty::digest::module(lua, Algorithm::Sha512)),
    ("resty.string", resty::string::module),
    ("mime", |lua| over_ngx(lua, include_str!("luasocket_mime.lua"))),
    ("socket", |lua| over_ngx(lua, include_str!("luasocket.lua"))),
    ("socket.url", |lua| lua.chunk(include_str!("luasocket_url.lua"))?.call(())),
];

/// The modules that are functions of LuaJIT's or the prelude's.
const FUNCTIONS: &[&str] =
    &["table.clear", "table.clone", "table.isarray", "table.isempty", "table.new", "table.nkeys"];

/// The namespaces of modules whose functions work on the request that is being served.
pub(crate) const NAMESPACES: &[&Namespace] =
    &[&ngx_errlog::NAMESPACE, &ngx_req::NAMESPACE, &ngx_semaphore::NAMESPACE];

/// Those that the Lua halves of modules are made with, and functions do not see.
const HIDDEN: &[&Namespace] = &[
    &pure::lock::NAMESPACE,
    #[cfg(feature = "net")]
    &resty::http::NAMESPACE,
];

/// Where a VM keeps the functions of [`NAMESPACES`] and [`HIDDEN`].
const BOUND_KEY: &str = "tower-lua.modules";

/// The names of all modules that are tables.
fn names() -> impl Iterator<Item = &'static str> {
    all().map(|(name, _)| *name)
}

/// [`MODULES`], and those of the crate's features.
fn all() -> impl Iterator<Item = &'static (&'static str, Maker)> {
    #[cfg(feature = "crypto")]
    let more = resty::openssl::MODULES;
    #[cfg(not(feature = "crypto"))]
    let more: &[(&str, Maker)] = &[];
    MODULES.iter().chain(pure::MODULES).chain(more)
}

/// Makes the crate's modules known to `require`, which makes them when they are asked for.
pub(crate) fn register(scope: &Scope<'_>) -> mlua::Result<()> {
    let lua = scope.lua;
    json::register(lua)?;
    loader::register(lua)?;
    let bound = lua.create_table()?;
    for namespace in NAMESPACES.iter().chain(HIDDEN) {
        let functions = lua.create_table()?;
        scope.extend(&functions, namespace)?;
        bound.raw_set(namespace.path, functions)?;
    }
    lua.set_named_registry_value(BOUND_KEY, bound)?;
    let preload: Table = lua.globals().get::<Table>("package")?.get("preload")?;
    let maker = maker(lua)?;
    let are_theirs =
        |name: &&str| Sandbox::REACHING_OUT.contains(name) && is_in_directory(scope.settings, name);
    names().filter(|name| !are_theirs(name)).try_for_each(|name| preload.set(name, &maker))?;
    if scope.settings.module_path.is_some() {
        stand_ins::register(lua)?;
    }
    // In the sandbox, each function has an `ngx` of its own.
    if scope.settings.sandbox.mode == UntrustedLua::On {
        let ngx = |lua: &Lua, _: Value| lua.globals().get::<Value>("ngx");
        preload.set("ngx", lua.create_function(ngx)?)?;
    }
    add_host_modules(scope)
}

/// Makes the application's functions known, as those of modules.
fn add_host_modules(scope: &Scope<'_>) -> mlua::Result<()> {
    let loaded: Table = scope.lua.globals().get::<Table>("package")?.get("loaded")?;
    scope.settings.host_functions.iter().try_for_each(|function| {
        let module = match loaded.raw_get(&*function.module)? {
            Value::Table(module) => module,
            _ => scope.lua.create_table()?,
        };
        module.raw_set(&*function.name, scope.host(function)?)?;
        loaded.raw_set(&*function.module, module)
    })
}

/// The modules, and how the sandbox's `require` comes by each.
pub(crate) fn offered(lua: &Lua, settings: &Settings) -> mlua::Result<Modules> {
    let maker = Value::Function(maker(lua)?);
    // Libraries of the same names in the operator's directory take their place.
    let reaches_out = |name: &str| Sandbox::REACHING_OUT.contains(&name);
    let own = names().filter(|name| !reaches_out(name) || settings.may_reach_out()).map(|name| {
        let is_theirs = reaches_out(name) && is_in_directory(settings, name);
        (name, if is_theirs { Value::Boolean(true) } else { maker.clone() })
    });
    let theirs = Sandbox::LIBRARIES_REACHING_OUT
        .iter()
        .filter(|name| settings.may_reach_out() && is_in_directory(settings, name));
    let as_they_are = FUNCTIONS.iter().chain(theirs).map(|name| (*name, Value::Boolean(true)));
    Ok(as_they_are.chain(own).collect())
}

/// Whether the operator's directory has a module of this name.
fn is_in_directory(settings: &Settings, name: &str) -> bool {
    let path = name.replace('.', "/");
    settings.module_path.as_deref().is_some_and(|directory| {
        let file = directory.join(&path);
        file.with_extension("lua").is_file() || file.join("init.lua").is_file()
    })
}

/// The function that makes the module of a name, in globals of the function's or the VM's.
fn maker(lua: &Lua) -> mlua::Result<Function> {
    lua.create_function(|lua, (name, globals): (LuaString, Option<Table>)| {
        let module = all().find(|(own, _)| name.as_bytes() == own.as_bytes());
        let (_, make) = module.expect("asked for the names of modules alone");
        make(&Loader::new(lua, globals))
    })
}

/// A table of the functions of one of [`NAMESPACES`].
fn bound(lua: &Lua, namespace: &Namespace) -> mlua::Result<Table> {
    copy(lua, &lua.named_registry_value::<Table>(BOUND_KEY)?.raw_get(namespace.path)?)
}

/// A function of `ngx`.
fn of_ngx(lua: &Lua, library: &str, name: &str) -> mlua::Result<Function> {
    lua.globals().get::<Table>("ngx")?.raw_get::<Table>(library)?.raw_get(name)
}

/// A module that is a chunk over `ngx`.
fn over_ngx(lua: &Loader<'_>, source: &'static str) -> mlua::Result<Table> {
    lua.chunk(source)?.call(lua.globals().get::<Table>("ngx")?)
}

fn copy(lua: &Lua, table: &Table) -> mlua::Result<Table> {
    lua.create_table_from(table.pairs::<Value, Value>().collect::<mlua::Result<Vec<_>>>()?)
}
