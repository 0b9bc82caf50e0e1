//! `sandbox`: what a function may reach.

mod environment;
mod headers;
mod isolation;
mod require;

use std::path::PathBuf;

use tower_lua::{Runtime, Sandbox, UntrustedLua, mlua};

use crate::support::App;

/// What an expression is worth, in a sandbox of your own.
async fn eval_in(sandbox: Sandbox, expression: &str) -> String {
    let app = App::builder()
        .access(&format!(
            "local ok, value = pcall(function() return {expression} end)
             kong.response.exit(200, tostring(value))"
        ))
        .runtime(|runtime| runtime.sandbox(sandbox))
        .serve()
        .await;
    app.get("/").send().await.text()
}

async fn eval(expression: &str) -> String {
    eval_in(Sandbox::default(), expression).await
}

#[tokio::test]
async fn what_kong_allows_is_there() {
    let names = "
        assert error ipairs next pairs pcall print select tonumber tostring type unpack xpcall
        bit.band bit.tohex coroutine.create coroutine.isyieldable io.type jit.version math.floor
        math.random os.clock os.date os.time string.format string.gsub table.clear table.clone
        table.concat table.isarray table.isempty table.move table.new table.nkeys table.pack
        table.sort table.unpack kong.request.get_header ngx.say require _G _VERSION";
    for name in names.split_whitespace().filter(|name| *name != "coroutine.isyieldable") {
        assert_ne!(eval(&format!("type({name})")).await, "nil", "{name}");
    }
}

#[tokio::test]
async fn what_kong_forbids_is_not() {
    let names = "
        setmetatable getmetatable rawget rawset rawequal rawlen load loadstring loadfile dofile getfenv
        setfenv collectgarbage debug package module newproxy ffi os.getenv os.execute os.exit os.remove
        os.rename os.tmpname os.setlocale io.open io.popen io.stdout string.dump math.randomseed
        jit.on jit.off jit.opt coroutine.isyieldable";
    for name in names.split_whitespace() {
        assert_eq!(eval(&format!("type({name})")).await, "nil", "{name}");
    }
}

#[tokio::test]
async fn no_known_way_leads_out() {
    for (way, expected) in [
        // A string's methods are those of the library, without `dump`; its metatable is not to be had.
        ("('').dump", "nil"),
        ("_G._G == _G", "true"),
        ("_G.setmetatable", "nil"),
        ("select(2, pcall(require, 'ffi'))", "require 'ffi' not allowed within sandbox"),
        ("select(2, pcall(require, 'os'))", "require 'os' not allowed within sandbox"),
        ("select(2, pcall(require))", "require 'nil' not allowed within sandbox"),
        ("select(2, pcall(require, {}))", "require 'table"),
        ("coroutine.wrap(function() return _G.debug end)()", "nil"),
        ("(function(...) local a = {...} return a.n end)()", "nil"),
    ] {
        let found = eval(way).await;
        assert!(found.starts_with(expected), "{way}: {found}");
    }
}

#[tokio::test]
async fn bytecode_cannot_be_loaded_where_load_is_there() {
    let sandbox = Sandbox::new(UntrustedLua::On);
    for load in ["load", "loadstring"] {
        let found = eval_in(
            sandbox.clone(),
            &format!("select(2, {load}(string.dump(function() return 1 end)))"),
        )
        .await;
        assert!(found.contains("attempt to load chunk with wrong mode"), "{load}: {found}");
    }
    assert_eq!(eval_in(sandbox, "load('return 6 * 7')()").await, "42");
}

#[tokio::test]
async fn c_stays_out_of_reach_where_all_of_lua_is_seen() {
    for name in ["ffi", "jit.profile", "jit.util", "jit.opt"] {
        let found = eval_in(Sandbox::new(UntrustedLua::On), &format!("(require('{name}'))")).await;
        assert!(found.contains("not found"), "{name}: {found}");
    }
    // What stands in for LuaJIT's buffers has no pointers.
    let buffer = "pcall(require('string.buffer').new().ref)";
    assert_eq!(eval_in(Sandbox::new(UntrustedLua::On), buffer).await, "false");
    for expression in ["debug", "newproxy", "jit.on"] {
        let found = eval_in(Sandbox::new(UntrustedLua::On), &format!("type({expression})")).await;
        assert_eq!(found, "nil", "{expression}");
    }
    let found = eval_in(Sandbox::new(UntrustedLua::On), "package.loadlib('libc.so.6', '*')").await;
    assert!(found.contains("disabled in safe mode"), "{found}");
}

#[tokio::test]
async fn what_a_function_does_to_a_library_stays_with_it() {
    let app = App::builder()
        .access(
            "string.rep = function() return 'mine' end
             ngx.say = nil kong.request.get_path = 7 table.insert(_G, 'x') type = nil
             require('recorder')(string.rep('a', 2))",
        )
        .access("kong.response.exit(200, string.rep('a', 2) .. type(ngx.say) .. kong.request.get_path())")
        .serve()
        .await;
    assert_eq!(app.get("/path").send().await.text(), "aafunction/path");
    assert_eq!(app.recorder.entries(), ["mine"]);
}

#[tokio::test]
async fn the_sandbox_may_be_widened_by_names() {
    let sandbox = Sandbox::default()
        .allow_global("os.getenv")
        .allow_global("setmetatable")
        .allow_global("no.such.thing");
    let found = eval_in(sandbox, "type(os.getenv) .. type(setmetatable) .. type(os.execute)").await;
    assert_eq!(found, "functionfunctionnil");
}

#[test]
fn a_mode_is_read_by_kong_s_names() {
    for (name, mode) in
        [("off", UntrustedLua::Off), ("sandbox", UntrustedLua::Sandbox), ("on", UntrustedLua::On)]
    {
        assert_eq!(name.parse::<UntrustedLua>().unwrap(), mode);
    }
    let error = "yes".parse::<UntrustedLua>().unwrap_err().to_string();
    assert_eq!(error, "untrusted_lua is 'yes': expected 'off', 'sandbox' or 'on'");
}

/// A directory with these modules, of a name of its own.
fn directory(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    for (file, source) in files {
        let path = directory.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, source).unwrap();
    }
    directory
}

#[tokio::test]
async fn a_module_comes_from_the_operator_s_directory_once_it_is_allowed() {
    let directory = directory(
        "modules",
        &[
            (
                "acme/headers.lua",
                "local m = {} m.name = 'X-Acme' m.inner = require('acme.inner').v return m",
            ),
            ("acme/inner/init.lua", "return { v = type(setmetatable) }"),
        ],
    );
    let sandbox = Sandbox::default().allow_require("acme.headers");
    let app = App::builder()
        .access("local h = require('acme.headers') kong.response.exit(200, h.name .. h.inner)")
        .runtime(|runtime| runtime.sandbox(sandbox).module_path(directory))
        .serve()
        .await;
    // The module itself is the operator's code: it sees all of Lua.
    assert_eq!(app.get("/").send().await.text(), "X-Acmefunction");
}

#[tokio::test]
async fn an_allowed_module_that_is_not_there_or_broken_is_an_error_that_says_so() {
    let directory =
        directory("broken-modules", &[("broken.lua", "return ("), ("fails.lua", "error('no')")]);
    for (name, expected) in [
        ("missing", "module 'missing' not found"),
        ("broken", "error loading module 'broken' from file"),
        ("fails", "no"),
        ("../modules/acme/headers", "not found"),
    ] {
        let sandbox = Sandbox::default().allow_require(name);
        let directory = directory.clone();
        let app = App::builder()
            .access(&format!("kong.response.exit(200, select(2, pcall(require, '{name}')))"))
            .runtime(|runtime| runtime.sandbox(sandbox).module_path(directory))
            .serve()
            .await;
        let found = app.get("/").send().await.text();
        assert!(found.contains(expected), "{name}: {found}");
    }
}

#[tokio::test]
async fn a_module_made_in_rust_needs_no_permission() {
    let app = App::builder()
        .access("kong.response.exit(200, tostring(require('app.flags').is_on('beta')))")
        .runtime(|runtime| {
            runtime.module("app.flags", |lua| {
                let flags = lua.create_table()?;
                flags.set("is_on", lua.create_function(|_, name: String| Ok(name == "beta"))?)?;
                Ok(mlua::Value::Table(flags))
            })
        })
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "true");
}

#[test]
fn a_module_that_cannot_be_made_is_an_error_of_the_runtime() {
    let runtime = Runtime::builder()
        .module("app.broken", |_| Err(mlua::Error::runtime("no flags today")))
        .build();
    assert!(runtime.unwrap_err().to_string().contains("no flags today"));
}

#[tokio::test]
async fn what_require_refuses_fails_the_function_with_kong_s_words() {
    let events = crate::support::Events::capture();
    App::access("require('lfs')").await.get("/").send().await;
    let messages = events.messages().join("\n");
    assert!(messages.contains("require 'lfs' not allowed within sandbox"), "{messages}");
}
