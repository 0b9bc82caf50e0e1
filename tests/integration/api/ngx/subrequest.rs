//! `ngx.location`: requests to the application itself.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{any, get};
use bytes::Bytes;
use http::Method;
use http_body::Frame;
use tower_lua::{Functions, Phase, PreFunctionLayer, Runtime, RuntimeBuilder, Sandbox};

use super::error_of;
use crate::support::{App, Call, Chunks, Recorder, echo, patient, serve};

/// An application whose functions may ask for its own paths.
struct Site {
    addr: SocketAddr,
    recorder: Recorder,
    runtime: Runtime,
}

/// What the functions of a request that is none of another's do in `access`; those of subrequests do
/// `inside`.
async fn site(outside: &str, inside: &str) -> Site {
    site_of(outside, inside, |runtime| runtime).await
}

async fn site_of(
    outside: &str,
    inside: &str,
    change: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
) -> Site {
    let recorder = Recorder::default();
    let sandbox = Sandbox::default().allow_require("cjson");
    let builder = Runtime::builder().vms(2).budget(patient()).sandbox(sandbox);
    let runtime = change(recorder.register(builder)).build().unwrap();
    let source = format!(
        "local say = require('recorder')
         if ngx.is_subrequest then {inside} else {outside} end"
    );
    let log = "require('recorder')('log', ngx.var.uri)";
    let functions = Functions::builder("capture")
        .function(Phase::Access, source)
        .function(Phase::Log, log)
        .build()
        .unwrap();
    let endless = || async { Body::new(Chunks::new(usize::MAX / 1024, 1024)) };
    let broken = || async { Body::new(Broken { begun: false }) };
    let cookies = || async {
        let response = Response::builder().status(201);
        let response = response.header("set-cookie", "a=1").header("set-cookie", "b=2");
        response.header("x-one", "1").body(Body::from("made")).unwrap()
    };
    let app = Router::new()
        .route("/", get(|| async { "outside" }))
        .route("/cookies", get(cookies))
        .route("/endless", get(endless))
        .route("/broken", get(broken))
        .route("/never", get(std::future::pending::<&str>))
        .fallback_service(tower::service_fn(|request: Request| async {
            use tower::ServiceExt;
            echo().oneshot(request).await.map(|response| response.map(Body::new))
        }))
        .route("/any", any(|| async { "any" }))
        .layer(PreFunctionLayer::new(functions).runtime(&runtime));
    runtime.subrequests(app.clone());
    Site { addr: serve(app).await, recorder, runtime }
}

/// A body that breaks off.
struct Broken {
    begun: bool,
}

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let begun = std::mem::replace(&mut self.begun, true);
        Poll::Ready(Some(match begun {
            false => Ok(Frame::data(Bytes::from("begin"))),
            true => Err(io::Error::other("gone")),
        }))
    }
}

impl Site {
    fn call(&self, method: Method, path: &str) -> Call {
        Call::new(self.addr, method, path)
    }

    async fn get(&self, path: &str) -> String {
        self.call(Method::GET, path).send().await.text()
    }
}

/// What `outside` answers with, which ends with what it has to say.
async fn said(outside: &str) -> String {
    site(outside, "").await.get("/").await
}

#[tokio::test]
async fn status_headers_and_body_come_back() {
    let text = said(
        "local res = ngx.location.capture('/cookies')
         local cookies = res.header['Set-Cookie']
         kong.response.exit(200, table.concat({ res.status, res.body, tostring(res.truncated),
           cookies[1], cookies[2], res.header['X-One'], res.header.x_one }, ' '))",
    )
    .await;
    assert_eq!(text, "201 made false a=1 b=2 1 1");
}

#[tokio::test]
async fn a_subrequest_is_what_its_options_say() {
    let text = said(
        "local res = ngx.location.capture('/a b?x=1', {
           method = ngx.HTTP_PUT, body = 'hello', args = { y = '2 3' },
           headers = { ['X-Mine'] = 'yes', ['X-Gone'] = '' },
         })
         kong.response.exit(200, res.body)",
    )
    .await;
    let seen: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(seen["method"], "PUT");
    assert_eq!(seen["uri"], "/a%20b?x=1&y=2%203");
    assert_eq!(seen["body"], "hello");
    assert_eq!(seen["headers"]["content-length"], "5");
    assert_eq!(seen["headers"]["x-mine"], "yes");
}

#[tokio::test]
async fn a_status_alone_comes_without_the_page_that_a_client_gets() {
    let outside = "local res = ngx.location.capture(ngx.var.arg_path)
                   kong.response.exit(200, res.status .. ' [' .. res.body .. ']')";
    let inside = "if ngx.var.uri == '/ngx' then return ngx.exit(404) end
                  if ngx.var.uri == '/kong' then return kong.response.exit(503) end
                  if ngx.var.uri == '/away' then return ngx.redirect('/any') end
                  if ngx.var.uri == '/text' then return kong.response.exit(404, 'text') end";
    let site = site(outside, inside).await;
    for (path, told) in
        [("ngx", "404 []"), ("kong", "503 []"), ("away", "302 []"), ("text", "404 [text]")]
    {
        assert_eq!(site.get(&format!("/?path=/{path}")).await, told);
    }
}

#[tokio::test]
async fn the_answer_to_head_has_no_body_and_says_how_long_that_to_get_is() {
    let outside = "local res = ngx.location.capture(ngx.var.arg_path, { method = ngx.HTTP_HEAD })
                   local length = tostring(res.header['Content-Length'])
                   kong.response.exit(200, table.concat({ res.status, length, #res.body }, ' '))";
    let inside = "if ngx.var.uri == '/exits' then kong.response.exit(418, 'a teapot') end";
    let site = site(outside, inside).await;
    for (path, told) in [
        ("/cookies", "201 4 0"),
        ("/any", "200 3 0"),
        ("/exits", "418 8 0"),
        ("/broken", "200 nil 0"),
    ] {
        assert_eq!(site.get(&format!("/?path={path}")).await, told, "{path}");
    }
}

#[tokio::test]
async fn it_inherits_headers_and_a_body_where_it_may_have_one() {
    let outside = "local method = ngx['HTTP_' .. ngx.var.arg_m]
                   local always = ngx.var.arg_always == '1'
                   local options = { method = method, always_forward_body = always }
                   kong.response.exit(200, ngx.location.capture('/seen', options).body)";
    let site = site(outside, "").await;
    for (query, body) in [("m=GET", ""), ("m=POST", "data"), ("m=GET&always=1", "data")] {
        let call = site.call(Method::POST, &format!("/?{query}"));
        let seen = call.header("x-from", "client").body("data").send().await.json();
        assert_eq!(seen["body"], body, "{query}");
        assert_eq!(seen["headers"]["x-from"], "client", "{query}");
        assert_eq!(seen["headers"].get("content-length").is_some(), !body.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn several_run_at_once_and_come_back_in_order() {
    let site = site(
        "local began = ngx.now()
         local a, b, c = ngx.location.capture_multi({
           { '/slow' }, { '/cookies' }, { '/any', { method = ngx.HTTP_POST } },
         })
         kong.response.exit(200, a.status .. ' ' .. b.body .. ' ' .. c.body)",
        "if ngx.var.uri == '/slow' then ngx.sleep(0.05) say('slow') else say('fast') end",
    )
    .await;
    assert_eq!(site.get("/").await, "200 made any");
    assert_eq!(site.recorder.wait_for(4).await, ["fast", "fast", "slow", "log /"]);
}

#[tokio::test]
async fn it_works_in_every_phase_of_a_request() {
    let recorder = Recorder::default();
    let runtime = recorder.register(Runtime::builder().budget(patient())).build().unwrap();
    let ask = "if not ngx.is_subrequest then
                 require('recorder')(ngx.get_phase(), ngx.location.capture('/name').body)
               end";
    let phases = [Phase::Rewrite, Phase::Access, Phase::HeaderFilter, Phase::Log];
    let functions = phases
        .into_iter()
        .fold(Functions::builder("all"), |builder, phase| builder.function(phase, ask));
    let once = "if ngx.arg[2] and not ngx.is_subrequest then
                  require('recorder')(ngx.get_phase(), ngx.location.capture('/name').body)
                end";
    let functions = functions.function(Phase::BodyFilter, once).build().unwrap();
    let app = Router::new()
        .route("/", get(|| async { "" }))
        .route("/name", get(|| async { "alice" }))
        .layer(PreFunctionLayer::new(functions).runtime(&runtime));
    runtime.subrequests(app.clone());
    let addr = serve(app).await;
    Call::new(addr, Method::GET, "/").send().await;
    let said = recorder.wait_for(5).await;
    let expected = ["rewrite", "access", "header_filter", "body_filter", "log"];
    assert_eq!(said, expected.map(|phase| format!("{phase} alice")));
}

#[tokio::test]
async fn a_context_is_shared_where_the_function_says_so() {
    let site = site(
        "local ctx = { n = 1 }
         ngx.ctx.own = 'parent'
         ngx.location.capture('/x', { ctx = ctx })
         ngx.location.capture('/x')
         ngx.location.capture('/x', { ctx = ngx.ctx })
         kong.response.exit(200, ctx.n .. ' ' .. tostring(ctx.own) .. ' ' .. ngx.ctx.n)",
        "say(tostring(ngx.ctx.own)) ngx.ctx.n = (ngx.ctx.n or 10) + 1",
    )
    .await;
    assert_eq!(site.get("/").await, "2 nil 11");
    assert_eq!(site.recorder.wait_for(3).await[..3], ["nil", "nil", "parent"]);
}

#[tokio::test]
async fn variables_are_given_copied_or_shared() {
    let site = site(
        "ngx.var.upstream_x_forwarded_path = '/mine'
         ngx.location.capture('/x', { vars = { limit_rate = 7 } })
         say(ngx.var.upstream_x_forwarded_path)
         ngx.location.capture('/x', { copy_all_vars = true })
         say(ngx.var.upstream_x_forwarded_path)
         ngx.location.capture('/x', { share_all_vars = true })
         say(ngx.var.upstream_x_forwarded_path)",
        "say(ngx.var.upstream_x_forwarded_path, ngx.var.limit_rate)
         ngx.var.upstream_x_forwarded_path = '/theirs'",
    )
    .await;
    site.get("/").await;
    let said = site.recorder.wait_for(6).await;
    assert_eq!(said[..6], [" 7", "/mine", "/mine ", "/mine", "/mine ", "/theirs"]);
}

#[tokio::test]
async fn a_body_that_is_too_long_or_breaks_off_is_truncated() {
    let outside = "local res = ngx.location.capture(ngx.var.arg_path)
                   kong.response.exit(200, #res.body .. ' ' .. tostring(res.truncated))";
    let site = site_of(outside, "", |runtime| runtime.max_body_size(10_000)).await;
    assert_eq!(site.get("/?path=/endless").await, "10000 true");
    assert_eq!(site.get("/?path=/broken").await, "5 true");
}

#[tokio::test]
async fn what_it_answers_counts_as_memory() {
    let outside = "ngx.location.capture('/endless') kong.response.exit(200)";
    let site = site_of(outside, "", |runtime| {
        runtime.max_body_size(1 << 30).budget(patient().memory(8 << 20))
    })
    .await;
    let reply = site.call(Method::GET, "/").send().await;
    assert_eq!(reply.status, 500);
}

#[tokio::test]
async fn subrequests_that_make_each_other_come_to_an_end() {
    let again = "local ok, err = pcall(ngx.location.capture, '/again')
                 if not ok then say(err) end";
    let site = site(&format!("{again} kong.response.exit(200, 'done')"), again).await;
    assert_eq!(site.get("/").await, "done");
    let said = site.recorder.wait_for(1).await;
    let expected = "failed to issue subrequest: subrequests cycle while processing \"/again\"";
    assert!(said[0].ends_with(expected), "{said:?}");
}

#[tokio::test]
async fn a_request_has_at_most_a_thousand() {
    let site = site(
        "local many = {}
         for i = 1, 200 do many[i] = { '/any' } end
         for i = 1, 5 do ngx.location.capture_multi(many) end
         local ok, err = pcall(ngx.location.capture, '/any')
         kong.response.exit(200, err)",
        "",
    )
    .await;
    let text = site.get("/").await;
    assert!(text.ends_with("failed to issue subrequest: more than 1000 for one request"), "{text}");
}

#[tokio::test]
async fn it_ends_with_the_client_that_does_not_wait() {
    let site = site("ngx.location.capture('/never')", "say('inside')").await;
    let call = site.call(Method::GET, "/").send();
    let given_up = tokio::time::timeout(Duration::from_millis(200), call).await;
    assert!(given_up.is_err());
    assert_eq!(site.recorder.wait_for(2).await, ["inside", "log /"]);
    assert_eq!(site.runtime.stats().suspended, 0);
}

#[tokio::test]
async fn what_is_wrong_is_said_in_lua_nginx_modules_words() {
    for (source, message) in [
        ("ngx.location.capture()", "expecting one or two arguments"),
        ("ngx.location.capture(nil)", "bad argument #1 to 'capture' (string expected, got nil)"),
        ("ngx.location.capture('')", "unsafe uri in argument #1: "),
        ("ngx.location.capture('/../a')", "unsafe uri in argument #1: /../a"),
        ("ngx.location.capture('@name')", "unsafe uri in argument #1: @name"),
        (
            "ngx.location.capture('/', 1)",
            "expecting table as the 2nd argument for subrequest 0, but got number",
        ),
        ("ngx.location.capture('/', { method = 'GET' })", "Bad http request method"),
        ("ngx.location.capture('/', { method = 3 })", "unsupported HTTP method: 3"),
        ("ngx.location.capture('/', { body = {} })", "Bad http request body"),
        ("ngx.location.capture('/', { args = true })", "Bad args option value"),
        ("ngx.location.capture('/', { headers = 1 })", "Bad headers option value"),
        ("ngx.location.capture('/', { vars = 1 })", "Bad vars option value"),
        (
            "ngx.location.capture('/', { vars = { dog = 1 } })",
            "variable \"dog\" cannot be assigned a value (maybe you forgot to define it first?)",
        ),
        (
            "ngx.location.capture('/', { vars = { query_string = 'a' } })",
            "variable \"query_string\" not changeable",
        ),
        ("ngx.location.capture('/', { copy_all_vars = 1 })", "Bad copy_all_vars option value"),
        (
            "ngx.location.capture('/', { ctx = 1 })",
            "Bad ctx option value type number, expected a Lua table",
        ),
        ("ngx.location.capture_multi({})", "at least one subrequest should be specified"),
        (
            "ngx.location.capture_multi({ '/' })",
            "the query argument 0 is not a table, but a string",
        ),
        ("ngx.location.capture_multi({ {} })", "query argument 0 expecting one or two arguments"),
        (
            "ngx.location.capture('/')",
            "no subrequests here: the application has not said who answers them",
        ),
    ] {
        assert_eq!(error_of(source).await, message, "{source}");
    }
}

#[tokio::test]
async fn timers_have_no_request_to_be_a_part_of() {
    let app = App::access(
        "ngx.timer.at(0, function()
           require('recorder')(pcall(ngx.location.capture, '/'))
         end)",
    )
    .await;
    app.get("/").send().await;
    let said = app.recorder.wait_for(1).await;
    assert!(said[0].ends_with("API disabled in the current context"), "{said:?}");
}
