//! Functions that an application gives to Lua.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tower_lua::mlua::{self, Value};
use tower_lua::{Budget, HostCall, Phase, Runtime, Sandbox, UntrustedLua};

use crate::support::{App, AppBuilder, Events};

/// An application whose functions have `acme.find`, which takes a while, and `acme.double`.
fn acme() -> AppBuilder {
    App::builder().runtime(|runtime| {
        runtime
            .async_function("acme", "find", |_, id: String| async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                match &*id {
                    "broken" => Err(mlua::Error::runtime("no database")),
                    "7" => Ok(Ok(Some(("alice".to_owned(), 42)))),
                    "nobody" => Ok(Ok(None)),
                    _ => Ok(Err("no such id")),
                }
                .map(|found| found.map(|user| user.map(|(name, age)| format!("{name} {age}"))))
            })
            .function("acme", "double", |_, (number, times): (f64, Option<u32>)| {
                Ok(number * f64::from(2_u32.pow(times.unwrap_or(1))))
            })
    })
}

#[tokio::test]
async fn a_function_waits_for_what_rust_awaits() {
    let source = "
        local acme = require('acme')
        local say = require('recorder')
        say(acme.find('7'))
        say(acme.find('nobody'))
        say(acme.find('else'))
        say(pcall(acme.find, 'broken'))
        say(acme.double(4), acme.double(1, 3))";
    let app = acme().access(source).serve().await;
    assert_eq!(app.get("/").send().await.status, 200);
    let expected = ["alice 42", "nil", "nil no such id", "false no database", "8 8"];
    assert_eq!(app.recorder.entries(), expected);
    assert_eq!(app.runtime.stats().suspended, 0);
}

#[tokio::test]
async fn it_does_so_in_every_phase_in_timers_and_threads() {
    let source = "
        local acme, say = require('acme'), require('recorder')
        local t = ngx.thread.spawn(acme.find, '7')
        say(ngx.get_phase(), acme.find('7'), select(2, ngx.thread.wait(t)))
        ngx.timer.at(0, function() say(ngx.get_phase(), (acme.find('7'))) end)";
    let app = acme()
        .rewrite(source)
        .access(source)
        .header_filter(source)
        .body_filter(&format!("if ngx.arg[2] then {source} end"))
        .log(source)
        .serve()
        .await;
    assert_eq!(app.post("/").body("hello").send().await.status, 200);
    let said = app.recorder.wait_for(10).await;
    for phase in ["rewrite", "access", "header_filter", "body_filter", "log"] {
        assert!(said.contains(&format!("{phase} alice 42 alice 42")), "{phase}: {said:?}");
    }
    assert_eq!(said.iter().filter(|line| *line == "timer alice 42").count(), 5, "{said:?}");
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_named() {
    let app = acme()
        .access(
            "local acme = require('acme')
             require('recorder')(select(2, pcall(function() acme.double({}) end)))
             require('recorder')(select(2, pcall(function() acme.find() end)))",
        )
        .serve()
        .await;
    app.get("/").send().await;
    let said = app.recorder.entries();
    let place = "[string \"local acme = require('acme')...\"]:";
    assert!(said[0].starts_with(&format!("{place}2: bad argument to 'double' (")), "{said:?}");
    assert!(said[1].starts_with(&format!("{place}3: bad argument to 'find' (")), "{said:?}");
}

/// What the application's own middleware knows.
#[derive(Clone)]
struct Tenant(&'static str);

#[tokio::test]
async fn the_call_knows_its_request_in_every_phase() {
    let about = |call: &HostCall<'_>, (): ()| {
        let tenant = call.extensions().get::<Tenant>().map_or("none", |tenant| tenant.0);
        let user = call.headers().get("x-user").map(|user| user.to_str().unwrap().to_owned());
        Ok(format!(
            "{} {} {tenant} {} {} {}",
            call.phase(),
            call.function_set(),
            call.method(),
            call.uri().path(),
            user.unwrap_or_default(),
        ))
    };
    let source = "require('recorder')(require('acme').about())";
    let app = App::builder()
        .extension(Tenant("blue"))
        .runtime(|runtime| runtime.function("acme", "about", about))
        .access(source)
        .header_filter(source)
        .log(source)
        .post_function(Phase::HeaderFilter, source)
        .serve()
        .await;
    app.get("/a").header("x-user", "ada").send().await;
    assert_eq!(
        app.recorder.wait_for(4).await,
        [
            "access pre blue GET /a ada",
            "header_filter pre blue GET /a ada",
            "header_filter post blue GET /a ada",
            "log pre blue GET /a ada",
        ]
    );
}

#[tokio::test]
async fn a_client_that_goes_away_takes_the_future_with_it() {
    /// Counts itself.
    struct Held(Arc<AtomicUsize>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let held = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&held);
    let app = App::builder()
        .runtime(|runtime| {
            runtime.async_function("acme", "forever", move |_, (): ()| {
                counted.fetch_add(1, Ordering::Relaxed);
                let held = Held(Arc::clone(&counted));
                async move {
                    std::future::pending::<()>().await;
                    drop(held);
                    Ok(())
                }
            })
        })
        .access("require('acme').forever()")
        .serve()
        .await;
    let calls: Vec<_> = (0..50).map(|_| tokio::spawn(app.get("/").send())).collect();
    while held.load(Ordering::Relaxed) < calls.len() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(app.runtime.stats().suspended, calls.len());
    calls.iter().for_each(tokio::task::JoinHandle::abort);
    while held.load(Ordering::Relaxed) > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(app.runtime.stats().suspended, 0);
}

#[tokio::test]
async fn what_a_rust_function_blocks_for_is_its_callers_time() {
    let events = Events::capture();
    let block = |milliseconds: u64| std::thread::sleep(Duration::from_millis(milliseconds));
    let budget = Budget::default().call_time(Duration::from_millis(100));
    let app = App::builder()
        .budget(budget)
        .runtime(|runtime| {
            runtime
                .function("acme", "block", move |_, milliseconds: u64| {
                    block(milliseconds);
                    Ok(())
                })
                .module("older", move |lua| {
                    let f = lua.create_function(move |_, milliseconds: u64| {
                        block(milliseconds);
                        Ok(())
                    })?;
                    lua.create_table_from([("block", f)]).map(Value::Table)
                })
        })
        .access(
            "local block = require(kong.request.get_header('x-module')).block
             for _ = 1, tonumber(kong.request.get_header('x-times')) do block(40) end",
        )
        .serve()
        .await;
    for module in ["acme", "older"] {
        for (times, status) in [("1", 200), ("10", 500), ("0", 200)] {
            let call = app.get("/").header("x-module", module).header("x-times", times);
            assert_eq!(call.send().await.status.as_u16(), status, "{module} {times}");
        }
    }
    let messages = events.messages();
    for module in ["acme", "older"] {
        let said = format!("the Rust function {module}.block has held up its thread for 4");
        assert!(messages.iter().any(|message| message.starts_with(&said)), "{messages:?}");
    }
    assert!(messages.iter().any(|message| message.contains("CPU budget exhausted")));
}

#[tokio::test]
async fn a_function_may_call_lua_functions_that_it_is_given() {
    let app = App::builder()
        .runtime(|runtime| {
            runtime.function("acme", "twice", |_, function: mlua::Function| {
                function.call::<()>(1)?;
                function.call::<f64>(2)
            })
        })
        .access(
            "local twice = require('acme').twice
             local said = twice(function(n) return n * 10 end)
             local ok, err = pcall(twice, function() return ngx.var.uri end)
             kong.response.exit(200, said .. ' ' .. tostring(ok) .. ' ' .. err .. ' ' .. ngx.var.uri)",
        )
        .serve()
        .await;
    let text = app.get("/x").send().await.text();
    assert!(text.starts_with("20 false ") && text.contains("no request found"), "{text}");
    assert!(text.ends_with("/x"), "{text}");
}

#[tokio::test]
async fn the_strictest_sandbox_has_them_and_keeps_them_apart() {
    for mode in [UntrustedLua::Sandbox, UntrustedLua::On] {
        let app = acme()
            .runtime(|runtime| runtime.sandbox(Sandbox::new(mode).safe_modules(false)))
            .access("require('acme').double = nil require('acme').mine = 1")
            .post_function(
                Phase::Access,
                "local acme = require('acme')
                 kong.response.exit(200, type(acme.double) .. ' ' .. tostring(acme.mine))",
            )
            .serve()
            .await;
        let text = app.get("/").send().await.text();
        if mode == UntrustedLua::Sandbox {
            assert_eq!(text, "function nil");
        }
    }
}

#[test]
fn a_name_is_a_modules_or_that_of_functions() {
    let error = Runtime::builder()
        .module("acme", |_| Ok(Value::Nil))
        .function("acme", "nothing", |_, (): ()| Ok(()))
        .build()
        .unwrap_err();
    let said = "'acme' is a module, and functions are given that name, too";
    assert_eq!(error.to_string(), said);
}
