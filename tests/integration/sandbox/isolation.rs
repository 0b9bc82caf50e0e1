//! What one function reaches of another's: nothing.

use std::collections::BTreeMap;

use tower_lua::{Network, RuntimeBuilder, Sandbox};

use crate::support::reach::{OBJECTS, modules};
use crate::support::{App, AppBuilder, patient};

/// Walks all that the function can reach: `visit(value, path)` for each table. Functions are called with
/// this and that, and what they give is walked as well.
const WALK: &str = include_str!("walk.lua");

/// A walk over the modules, the objects and the globals.
async fn walk_of_all() -> String {
    let mut walk = String::new();
    for name in modules().await.into_iter().chain(["app.flags".to_owned()]) {
        walk.push_str(&format!(
            "do local ok, module = pcall(require, '{name}')
                if ok then walk(module, '{name}', 0) end end\n"
        ));
    }
    for object in OBJECTS {
        walk.push_str(&format!(
            "do local ok, a, b, c = pcall(function() return {object} end)
                walk(a, [==[{object}]==], 0) walk(b, '', 0) walk(c, '', 0) end\n"
        ));
    }
    walk.push_str("walk(_G, '_G', 0)\n");
    walk
}

/// Two functions, each for its requests, where the sandbox has `globals` besides.
fn two_functions(globals: &[&str], a: &str, b: &str) -> AppBuilder {
    let sandbox = globals
        .iter()
        .fold(Sandbox::default(), |sandbox, global| sandbox.allow_global(*global))
        .network(Network::any());
    let only = |who: &str, source: &str| {
        format!("if kong.request.get_query_arg('who') ~= '{who}' then return end {source}")
    };
    App::builder()
        .access(&only("a", a))
        .access(&only("b", b))
        .budget(patient().memory(512 << 20))
        .runtime(|runtime| with_module(runtime).sandbox(sandbox).shared_dict("dict", 1 << 20))
}

/// A module of the application's, with a table in it.
fn with_module(runtime: RuntimeBuilder) -> RuntimeBuilder {
    runtime.module("app.flags", |lua| {
        let flags = lua.create_table()?;
        flags.set("list", lua.create_sequence_from([1, 2])?)?;
        Ok(tower_lua::mlua::Value::Table(flags))
    })
}

/// Where each table was found that a function can reach, by its address.
async fn found_by(app: &App, who: &str) -> BTreeMap<String, String> {
    let request = app.post(&format!("/?who={who}")).header("content-type", "application/json");
    // What the functions that were called made of the response does not matter.
    let _ = request.body("[[1],{\"a\":[]}]").try_send().await;
    let entries = app.recorder.entries();
    let last = entries.last().unwrap_or_else(|| panic!("{who}: nothing recorded"));
    let mut found = BTreeMap::new();
    for line in last.lines() {
        let (address, path) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
        found.insert(address.to_owned(), path.to_owned());
    }
    found
}

async fn have_nothing_in_common(globals: &[&str]) {
    let source = format!(
        "{WALK}
         kept, found = {{}}, {{}}
         local walk = walker(function(t, path)
           kept[#kept + 1] = t
           found[#found + 1] = ('%p'):format(t) .. ' ' .. path:gsub('%c', ' ')
         end)
         {}
         require('recorder')(table.concat(found, '\\n'))",
        walk_of_all().await
    );
    let app = two_functions(globals, &source, &source).serve().await;
    let (a, b) = (found_by(&app, "a").await, found_by(&app, "b").await);
    assert!(a.len() > 500, "only {} tables: {a:#?}", a.len());
    assert!(b.len() > 500, "only {} tables", b.len());
    let common: Vec<_> = a.iter().filter_map(|(at, path)| Some((path, b.get(at)?))).collect();
    assert!(common.is_empty(), "{}: {common:#?}", common.len());
}

#[tokio::test]
async fn no_table_is_reached_by_two_functions() {
    have_nothing_in_common(&[]).await;
}

#[tokio::test]
async fn nor_by_functions_that_have_metatables() {
    have_nothing_in_common(&["getmetatable", "setmetatable", "rawget", "rawset"]).await;
}
