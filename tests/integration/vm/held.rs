//! What Rust puts together and holds for functions, outside Lua's own limit.

use std::time::Duration;

use tower_lua::Budget;

use crate::support::{App, Events, patient};

/// 16 MiB for a VM, and so at most 8 for a request.
fn small() -> Budget {
    patient().memory(16 << 20)
}

/// A megabyte, and tables that refer to it a hundred times.
const GIVEN: &str = r#"
    local v = ("v"):rep(1e6)
    local list, fields = {}, {}
    for i = 1, 100 do list[i], fields["k" .. i] = v, v end
"#;

/// Calls that ask for more than there is: small in Lua, and large when they are written out.
const GREEDY: &[&str] = &[
    "ngx.encode_args(fields)",
    "ngx.encode_args({ a = list })",
    "ngx.escape_uri((' '):rep(4e6))",
    "ngx.unescape_uri(('x'):rep(9e6))",
    "ngx.encode_base64(('x'):rep(7e6))",
    "ngx.decode_base64(('A'):rep(12e6))",
    "ngx.decode_base64mime(('A'):rep(12e6))",
    "require('ngx.base64').encode_base64url(('x'):rep(7e6))",
    "require('ngx.base64').decode_base64url(('A'):rep(12e6))",
    "ngx.quote_sql_str((\"'\"):rep(5e6))",
    "require('resty.string').to_hex(('x'):rep(5e6))",
    "ngx.re.sub(v, 'v+', ('$0'):rep(100))",
    "ngx.re.gsub(v, 'v', ('y'):rep(100))",
    "ngx.re.sub('a', 'a', ('$$'):rep(1e7))",
    "local t = {} for i = 1, 1e5 do t[i] = ngx.re.gmatch('a', 'a' .. i) end",
    "require('cjson').encode(list)",
    "require('cjson.safe').encode(fields)",
    "kong.service.request.set_query(fields)",
    "kong.service.request.set_body(fields, 'application/x-www-form-urlencoded')",
    "kong.service.request.set_body(fields, 'multipart/form-data')",
    "kong.service.request.set_body(list, 'application/json')",
    "kong.service.request.set_raw_body(('x'):rep(9e6))",
    "ngx.req.set_uri_args(fields)",
    "ngx.exec('/a', fields)",
    "ngx.req.read_body() ngx.req.set_body_data(('x'):rep(9e6))",
    "ngx.req.read_body() ngx.req.init_body() for i = 1, 100 do ngx.req.append_body(v) end",
    "ngx.say(list)",
    "ngx.print({ list, list })",
    "for i = 1, 100 do ngx.print(v) end",
    "for i = 1, 1e6 do ngx.print('x') end",
    "kong.response.exit(200, list)",
    "kong.response.exit(200, ('x'):rep(9e6))",
    "local s = ('x'):rep(1e5) for i = 1, 1000 do kong.service.request.add_header('x-a', s) end",
    "local s = ('x'):rep(1e5) for i = 1, 1000 do kong.service.request.set_header('x' .. i, s) end",
    "local s = ('x'):rep(1e5) for i = 1, 1000 do kong.response.add_header('x-a', s) end",
    "local s = ('x'):rep(1e5) for i = 1, 1000 do ngx.header['x' .. i] = s end",
    "local s = ('x'):rep(1e5) for i = 1, 1000 do ngx.req.set_header('x' .. i, s) end",
    "local s = ('x'):rep(6e4) for i = 1, 1000 do ngx.header[s .. i] = 'a' end",
    "local s = ('x'):rep(1e5) for i = 1, 1000 do require('ngx.req').add_header('x-a', s) end",
    "local s = ('x'):rep(1e5) for i = 1, 1000 do require('ngx.resp').add_header('x-a', s) end",
    "local s, t = ('x'):rep(1e5), {} for i = 1, 1000 do t[i] = s end ngx.header.x = t",
];

/// Calls that end well, however much they are given.
const MODEST: &[&str] = &[
    "kong.log.err(unpack(list)) kong.log(unpack(list)) ngx.log(ngx.ERR, unpack(list))",
    "print(unpack(list)) kong.log.inspect(unpack(list)) kong.log.inspect(list, fields)",
    "kong.log.new('a', ('%message'):rep(1e5)).err(unpack(list))",
    "local t = {} for i = 1, 20000 do t['k' .. i] = {} end kong.log.inspect(t) kong.table.clear(t)",
    "local t = {} for i = 1, 20000 do t['x' .. i] = 'a' end pcall(kong.response.set_headers, t)",
    "local t = {} for i = 1, 20000 do t[i] = 'a' .. i end pcall(kong.response.set_header, 'x', t)",
    "local t = {} for i = 1, 20000 do t[i] = 'a' .. i end pcall(ngx.req.set_header, 'x', t)",
    "pcall(kong.service.set_target, ('x'):rep(9e6), 80) pcall(kong.service.set_upstream, v)",
    "pcall(kong.service.request.set_path, '/' .. v) pcall(kong.service.request.set_raw_query, v)",
    "pcall(ngx.req.set_uri, '/' .. v) pcall(ngx.req.set_uri, '/\\0' .. v) ngx.var.limit_rate = v",
    "pcall(kong.log.set_serialize_value, ('a.'):rep(1e6), 1)",
    "pcall(function() ngx.shared.small:set('a', v) ngx.shared.small:lpush('b', v) end)",
    "kong.cache:get('k', nil, function() return list end)",
];

#[tokio::test]
async fn a_function_that_has_too_much_put_together_is_told_so_and_the_vm_recovers() {
    let mut builder = App::builder().budget(small());
    for (place, source) in GREEDY.iter().enumerate() {
        builder = builder.access(&format!(
            "if kong.request.get_query_arg('place') ~= '{place}' then return end {GIVEN}
             local ok, err = pcall(function() {source} end)
             require('recorder')(ok and 'passed' or err)"
        ));
    }
    let app = builder.serve().await;
    for (place, source) in GREEDY.iter().enumerate() {
        // What came of the headers may be more than a client takes.
        let _ = app.post(&format!("/?place={place}")).body("a").try_send().await;
        let last = app.recorder.entries().pop();
        assert_eq!(last.as_deref(), Some("not enough memory"), "{source}");
        assert_eq!(app.get("/").send().await.status, 200, "after {source}");
    }
}

#[tokio::test]
async fn a_function_that_gives_much_to_what_takes_little_ends_well() {
    let _events = Events::capture();
    let mut builder = App::builder()
        .budget(small().memory(64 << 20))
        .runtime(|runtime| runtime.shared_dict("small", 1 << 14));
    for (place, source) in MODEST.iter().enumerate() {
        builder = builder.access(&format!(
            "if kong.request.get_query_arg('place') ~= '{place}' then return end {GIVEN} {source}
             kong.response.exit(200, 'passed')"
        ));
    }
    let app = builder.serve().await;
    for (place, source) in MODEST.iter().enumerate() {
        let reply = app.get(&format!("/?place={place}")).send().await;
        assert_eq!(reply.text(), "passed", "{source}");
        assert_eq!(app.get("/").send().await.status, 200, "after {source}");
    }
}

#[tokio::test]
async fn a_chunk_that_a_function_makes_has_the_limit_too() {
    for source in [
        "ngx.arg[1] = list",
        "local t = {} for i = 1, 100 do t[i] = list end ngx.arg[1] = t",
        "kong.response.set_raw_body(('x'):rep(9e6))",
    ] {
        let app = App::builder()
            .budget(small())
            .body_filter(&format!(
                "{GIVEN} local ok, err = pcall(function() {source} end)
                 ngx.arg[1], ngx.arg[2] = tostring(err), true"
            ))
            .serve()
            .await;
        assert_eq!(app.get("/").send().await.text(), "not enough memory", "{source}");
    }
}

#[tokio::test]
async fn what_a_request_holds_while_it_waits_counts_until_it_ends() {
    let app = App::builder()
        .budget(small())
        .access(
            "if kong.request.get_path() == '/held' then
               ngx.req.read_body() ngx.req.set_body_data(('x'):rep(6e6)) ngx.sleep(1000)
             end
             ngx.req.read_body() ngx.req.set_body_data(('x'):rep(6e6))
             kong.response.exit(200, 'passed')",
        )
        .serve()
        .await;
    let holder = tokio::spawn(app.get("/held").send());
    while app.runtime.stats().suspended == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Half of what is left is less than it asks for.
    assert_eq!(app.get("/").send().await.status, 500);
    holder.abort();
    while app.runtime.stats().suspended > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(app.get("/").send().await.text(), "passed");
}

#[tokio::test]
async fn a_request_has_a_limit_of_its_own() {
    let app = App::builder()
        .budget(patient().request_memory(1 << 20))
        .access("kong.service.request.set_raw_body(('x'):rep(2e6))")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.status, 500);
}

#[tokio::test]
async fn a_line_is_cut_and_says_how_long_it_was() {
    let events = Events::capture();
    App::access("kong.log.err(('x'):rep(1e5), 'y')").await.get("/").send().await;
    let messages = events.messages();
    let line = &messages[0];
    assert_eq!(line.len(), 2048);
    assert!(line.starts_with("[kong] "), "{line}");
    assert!(line.contains("xx... [1000") && line.ends_with(" bytes]"), "{line}");
}

#[tokio::test]
async fn a_request_writes_a_thousand_lines_and_then_how_many_were_dropped() {
    let events = Events::capture();
    let app = App::builder()
        .access("for i = 1, 700 do kong.log.err(i) end")
        .log("for i = 1, 700 do ngx.log(ngx.ERR, i) end")
        .serve()
        .await;
    app.get("/").send().await;
    let count = |text: &str| events.messages().iter().filter(|line| line.contains(text)).count();
    while count("dropped") == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(events.messages().len(), 1001);
    assert_eq!(count("400 lines of this request were dropped"), 1);
}
