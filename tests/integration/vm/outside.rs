//! What happens in a VM outside functions: compiling, making environments, loading modules. It has
//! nothing to do with the time of the function that ran before.

use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use tower::Layer;
use tower_lua::{Budget, Functions, PreFunctionLayer, Runtime, Sandbox};

use crate::support::{App, Call, Reply, echo, serve};

/// A budget that a pause between two requests is longer than.
fn brief() -> Budget {
    Budget::default().call_time(Duration::from_millis(100)).request_time(Duration::from_secs(1))
}

const PAUSE: Duration = Duration::from_millis(130);

async fn get(addr: SocketAddr) -> Reply {
    Call::new(addr, Method::GET, "/").send().await
}

/// A function whose run the clock has seen.
const LOOP: &str = "for i = 1, 1000 do end";

/// A set that takes a while to be made: each function has an environment.
fn many(number: usize, count: usize) -> Functions {
    let mut builder = Functions::builder(format!("set {number}"));
    for place in 0..count {
        builder = builder.function(
            tower_lua::Phase::Access,
            format!("local x = {number} + {place} kong.response.set_header('x-set', '{number}')"),
        );
    }
    builder.build().unwrap()
}

#[tokio::test]
async fn a_set_that_comes_after_a_pause_is_compiled_and_runs() {
    let runtime = Runtime::builder().vms(1).budget(brief()).build().unwrap();
    let (layer, handle) = PreFunctionLayer::reloadable(Functions::access("loop", LOOP).unwrap());
    let addr = serve(layer.runtime(&runtime).layer(echo())).await;
    for number in 0..3 {
        handle.reload(Functions::access("loop", format!("{LOOP} --{number}")).unwrap());
        assert_eq!(get(addr).await.status, 200);
        tokio::time::sleep(PAUSE).await;
        handle.reload(many(number, 100));
        let reply = get(addr).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("x-set"), number.to_string());
    }
}

#[tokio::test]
async fn a_pause_lets_nobody_past_a_set_that_lets_requests_go_on_when_it_fails() {
    let runtime = Runtime::builder().vms(1).budget(brief()).build().unwrap();
    let refusing = |number: usize| {
        let source = format!("{LOOP} kong.response.exit(403, '{number}')");
        let phase = tower_lua::Phase::Access;
        Functions::builder("guard").fail_open(true).function(phase, source).build().unwrap()
    };
    let (layer, handle) = PreFunctionLayer::reloadable(refusing(0));
    let addr = serve(layer.runtime(&runtime).layer(echo())).await;
    for number in 1..4 {
        assert_eq!(get(addr).await.status, 403);
        tokio::time::sleep(PAUSE).await;
        assert_eq!(get(addr).await.status, 403);
        tokio::time::sleep(PAUSE).await;
        handle.reload(refusing(number));
        assert_eq!(get(addr).await.text(), number.to_string());
    }
}

#[tokio::test]
async fn two_thousand_sets_are_compiled_one_after_the_other() {
    let runtime = Runtime::builder().vms(1).budget(brief()).build().unwrap();
    let (layer, handle) = PreFunctionLayer::reloadable(Functions::empty());
    let addr = serve(layer.runtime(&runtime).layer(echo())).await;
    let sets: Vec<_> = (0..2000)
        .map(|number| {
            Functions::access("one", format!("{LOOP} kong.response.set_header('x-set', {number})"))
        })
        .collect::<Result<_, _>>()
        .unwrap();
    for (number, set) in sets.iter().enumerate() {
        handle.reload(set.clone());
        assert_eq!(get(addr).await.header("x-set"), number.to_string());
    }
}

#[tokio::test]
async fn a_set_of_two_thousand_functions_and_a_function_of_a_megabyte_are_loaded_after_a_pause() {
    let runtime = Runtime::builder().vms(1).budget(brief()).build().unwrap();
    let (layer, handle) = PreFunctionLayer::reloadable(Functions::access("loop", LOOP).unwrap());
    let addr = serve(layer.runtime(&runtime).layer(echo())).await;
    let long = "do local function f(t) t[1] = 'a line of some length' t[2] = f end end\n";
    let long = Functions::access("long", long.repeat(16_000)).unwrap();
    for set in [many(1, 2000), long] {
        assert_eq!(get(addr).await.status, 200);
        tokio::time::sleep(PAUSE).await;
        handle.reload(set);
        assert_eq!(get(addr).await.status, 200);
        handle.reload(Functions::access("loop", LOOP).unwrap());
    }
}

#[tokio::test]
async fn a_request_whose_phases_lie_far_apart_gets_its_next_set() {
    // The pause lies between two phases of one request here.
    let app = App::builder()
        .budget(brief())
        .access(LOOP)
        .post_function(tower_lua::Phase::Access, "ngx.sleep(0.15)")
        .header_filter(LOOP)
        .post_function(tower_lua::Phase::HeaderFilter, "kong.response.set_header('x-end', 'yes')")
        .serve()
        .await;
    for _ in 0..3 {
        assert_eq!(app.get("/").send().await.header("x-end"), "yes");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Makes a directory of modules and an application that may have them.
async fn with_module(name: &str, module: &str, function: &str) -> App {
    let directory = std::env::temp_dir().join(format!("tower-lua-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join(format!("{name}.lua")), module).unwrap();
    App::builder()
        .budget(brief())
        .runtime(|runtime| {
            runtime.module_path(&directory).sandbox(Sandbox::default().allow_require(name))
        })
        .access(function)
        .serve()
        .await
}

/// Works for that many seconds of the process's CPU time.
fn work(seconds: f64) -> String {
    format!("do local t = os.clock() + {seconds} while os.clock() < t do end end")
}

#[tokio::test]
async fn a_module_is_loaded_in_time_of_its_own() {
    let (function, module) = (work(0.06), format!("{} return {{}}", work(0.06)));
    let source = format!("{function} require('patient_module')");
    let app = with_module("patient_module", &module, &source).await;
    assert_eq!(app.get("/").send().await.status, 200);
}

#[tokio::test]
async fn a_module_that_never_ends_is_stopped_each_time() {
    let source = "if kong.request.get_query_arg('m') then require('endless_module') end";
    let app = with_module("endless_module", "while true do end", source).await;
    for _ in 0..2 {
        assert_eq!(app.get("/?m=1").send().await.status, 500);
        assert_eq!(app.get("/").send().await.status, 200);
    }
}

#[tokio::test]
async fn a_module_that_failed_says_why_each_time_and_takes_of_the_function_s_own_time() {
    let module = "error('not today', 0)";
    let source = "local _, why = pcall(require, 'failing_module') kong.response.exit(200, why)";
    let app = with_module("failing_module", module, source).await;
    for _ in 0..2 {
        let text = app.get("/").send().await.text();
        assert!(text.contains("not today"), "{text}");
    }
    let source = "while true do pcall(require, 'failing_module') end";
    let app = with_module("failing_module", module, source).await;
    assert_eq!(app.get("/").send().await.status, 500);
}
