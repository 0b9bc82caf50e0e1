//! Every function that there is, with the largest arguments that the memory limit allows: none keeps its
//! worker for longer than the budget, and the next request is served.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cpu_time::ThreadTime;
use tower_lua::mlua::{IntoLua, Lua, Table, Value};
use tower_lua::{Budget, Network, RuntimeBuilder, Sandbox};

use crate::support::App;
use crate::support::reach::{OBJECTS, modules};

/// What a call may run.
const BUDGET: Duration = Duration::from_millis(20);

/// By how much the longest may exceed it, in CPU time of the thread: what Rust does takes many times as
/// long without optimizations, a digest of a megabyte 50 ms, and eight of those may return before the
/// clock is looked at. What LuaJIT does takes as long as ever.
const MARGIN: Duration = Duration::from_millis(if cfg!(debug_assertions) { 800 } else { 50 });

/// Arguments that are large, made without a budget.
const LARGE: &str = r##"
    local SIZE = 2 ^ 20
    local large, many, list, fields, refs, deep = {}, {}, {}, {}, {}, {}
    for _, piece in ipairs {
      "a", " ", "'", "1", "a=b&", "%2", "%d", "[", '{"a":', "$0", "../", "a\n", "(a*)*", "\\", "\255", "a.",
    } do
      large[#large + 1] = piece:rep(SIZE / #piece)
    end
    for i = 1, 200000 do list[i] = i end
    for i = 1, 30000 do fields["k" .. i] = i end
    for i = 1, 400 do refs[i] = large[1] end
    local inner = deep
    for _ = 1, 20000 do inner[1] = {} inner = inner[1] end
    for i = 1, 7000 do many[i] = large[1] end
    for _, value in ipairs { list, fields, refs, deep, { a = refs, b = fields } } do
      large[#large + 1] = value
    end
    large.many, large.list, large.format = many, list, ("%s%99.99f"):rep(3500)
    return large
"##;

type Progress = (usize, usize, f64);

/// What is being called, and what the CPU clock of the thread said when it began.
#[derive(Clone, Default)]
struct Stopwatch(Arc<Mutex<Watched>>);

#[derive(Default)]
struct Watched {
    current: Option<(String, Duration)>,
    /// Which function is next, with which of the lists of arguments, and how long it has been tried.
    progress: Progress,
    count: usize,
    too_long: Vec<String>,
}

impl Stopwatch {
    /// Ends what is being called, and begins with `next`. How long it took, in milliseconds.
    fn step(&self, next: &str) -> f64 {
        let mut watched = self.0.lock().unwrap();
        let mut took = Duration::ZERO;
        if let Some((what, since)) = watched.current.take() {
            took = ThreadTime::now().as_duration().saturating_sub(since);
            if took > BUDGET + MARGIN {
                watched.too_long.push(format!("{took:?}: {what}"));
            }
        }
        if !next.is_empty() {
            watched.count += 1;
            watched.current = Some((next.to_owned(), ThreadTime::now().as_duration()));
        }
        took.as_secs_f64() * 1000.0
    }

    fn register(&self, runtime: RuntimeBuilder) -> RuntimeBuilder {
        let stopwatch = self.clone();
        runtime
            .module("stopwatch", move |lua| {
                let stopwatch = stopwatch.clone();
                let step = move |_: &Lua, (what, place, at, used): (String, _, _, _)| {
                    stopwatch.0.lock().unwrap().progress = (place, at, used);
                    Ok(stopwatch.step(&what))
                };
                lua.create_function(step)?.into_lua(lua)
            })
            // Made once, when the VM is, and so in nobody's time.
            .module("large", |lua| {
                if let Some(large) = lua.named_registry_value("large")? {
                    return Ok(Value::Table(large));
                }
                let large: Table = lua.load(LARGE).eval()?;
                lua.set_named_registry_value("large", &large)?;
                Ok(Value::Table(large))
            })
    }
}

/// Calls all functions of `roots`, which are expressions by their names.
async fn is_within_the_budget(roots: &[(&str, String)], least: usize) {
    let makes = roots.iter().map(|(name, expression)| {
        format!("{{ name = [==[{name}]==], make = function() return {expression} end }},")
    });
    let source = format!(
        "local place = tonumber(kong.request.get_query_arg('place'))
         if not place then return kong.response.exit(200) end
         local roots = {{ {} }}
         (function(...) {} end)(
           roots, require('large'), require('stopwatch'), place,
           tonumber(kong.request.get_query_arg('at')), tonumber(kong.request.get_query_arg('used'))
         )",
        makes.collect::<Vec<_>>().join("\n"),
        include_str!("stretch.lua")
    );
    let stopwatch = Stopwatch::default();
    let app = App::builder()
        .budget(Budget::default().call_time(BUDGET).request_time(BUDGET * 10).memory(96 << 20))
        .access(&source)
        .runtime(|runtime| {
            let sandbox = Sandbox::default().network(Network::any());
            stopwatch.register(runtime).sandbox(sandbox).shared_dict("dict", 1 << 20)
        })
        .serve()
        .await;
    let mut before = (1, 0, 0.0);
    stopwatch.0.lock().unwrap().progress = before;
    let mut stalled = 0;
    while before.0 > 0 {
        let (place, at, used) = before;
        let path = format!("/?place={place}&at={at}&used={used}");
        let request = app.post(&path).header("content-type", "application/json");
        let sent = request.body("[[1],{\"a\":[]}]").try_send();
        let _ = tokio::time::timeout(Duration::from_secs(5), sent).await;
        let last = stopwatch.0.lock().unwrap().current.as_ref().map(|(what, _)| what.clone());
        stopwatch.step("");
        let honest = app.get("/").send().await;
        assert_eq!(honest.status, 200, "after {last:?}");
        let progress = stopwatch.0.lock().unwrap().progress;
        stalled = if progress == before { stalled + 1 } else { 0 };
        assert!(stalled < 10, "no progress from {progress:?}");
        before = progress;
    }
    let watched = stopwatch.0.lock().unwrap();
    eprintln!("{} calls", watched.count);
    assert!(watched.count > least, "only {} calls", watched.count);
    assert!(watched.too_long.is_empty(), "{:#?}", watched.too_long);
}

fn globals(names: &[&'static str]) -> Vec<(&'static str, String)> {
    names.iter().map(|name| (*name, (*name).to_owned())).collect()
}

/// The functions of Lua's own that are in no library.
const BASE: &str = "(function()
    local base = {}
    for name, value in pairs(_G) do
      if type(value) == 'function' then base[name] = value end
    end
    return base
  end)()";

#[tokio::test]
async fn no_function_of_lua_keeps_its_worker() {
    let libraries = ["bit", "coroutine", "io", "jit", "math", "os", "string", "table"];
    let mut roots = globals(&libraries);
    roots.push(("_G", BASE.to_owned()));
    is_within_the_budget(&roots, 5000).await;
}

#[tokio::test]
async fn no_function_of_kong_keeps_its_worker() {
    is_within_the_budget(&globals(&["kong"]), 5000).await;
}

#[tokio::test]
async fn no_function_of_ngx_keeps_its_worker() {
    is_within_the_budget(&globals(&["ngx"]), 5000).await;
}

#[tokio::test]
async fn no_function_of_a_module_keeps_its_worker() {
    let modules = modules().await;
    let roots: Vec<_> =
        modules.iter().map(|name| (name.as_str(), format!("require('{name}')"))).collect();
    is_within_the_budget(&roots, 5000).await;
}

#[tokio::test]
async fn no_method_of_an_object_keeps_its_worker() {
    let methods = |object: &&'static str| {
        // A class's methods are behind its objects.
        let expression = format!(
            "(function()
               local object = {object}
               local ok, index = pcall(function() return object.__index end)
               return type(index) == 'table' and index or object
             end)()"
        );
        (*object, expression)
    };
    is_within_the_budget(&OBJECTS.iter().map(methods).collect::<Vec<_>>(), 1000).await;
}
