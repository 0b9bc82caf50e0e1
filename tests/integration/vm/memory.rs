//! The memory that functions may use.

use crate::support::{App, patient};

/// Functions that would use it all.
const GREEDY: &[&str] = &[
    "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
    "local s = 'x' while true do s = s .. s end",
    "local s = ('x'):rep(1e9)",
    "local t = {} for i = 1, 1e9 do t[i] = i end",
    "local t = table.new(2 ^ 26, 0)",
    "local f f = function() return {f} end local t = {} while true do t = {t, f()} end",
    "local t = {} for i = 1, 1e7 do t[i] = coroutine.create(function() end) end",
    "local s = ('x'):rep(1e6) local t = {} for i = 1, 1000 do t[i] = s end return table.concat(t)",
    "local t = {} while true do t[#t + 1] = ngx.encode_base64(('x'):rep(1e6) .. #t) end",
    "local s = ('x'):rep(1e6) return s:gsub('x', ('y'):rep(1000))",
    "local s = ('%s'):rep(200) return s:format(unpack((function() local t = {} for i = 1, 200 do t[i] = ('x'):rep(1e6) .. i end return t end)()))",
    "kept = kept or {} while true do kept[#kept + 1] = ('x'):rep(1000) .. #kept end",
    "pcall(function() local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end end) local s = ('x'):rep(1e9)",
];

#[tokio::test]
async fn a_function_that_takes_too_much_fails_and_the_vm_recovers() {
    let mut builder = App::builder().budget(patient().memory(16 << 20));
    for (place, source) in GREEDY.iter().enumerate() {
        builder = builder.access(&format!(
            "if kong.request.get_query_arg('place') ~= '{place}' then return end {source}"
        ));
    }
    let app = builder.serve().await;
    for (place, source) in GREEDY.iter().enumerate() {
        let reply = app.get(&format!("/?place={place}")).send().await;
        assert_eq!(reply.status, 500, "{source}");
        assert_eq!(app.get("/").send().await.status, 200, "after {source}");
    }
    let used = app.runtime.stats().used_memory;
    assert!(used < 16 << 20, "{used} bytes");
}

#[tokio::test]
async fn a_vm_with_its_first_function_has_less_than_half_a_mebibyte() {
    let app = App::builder().access("kong.ctx.shared.id = kong.request.get_path()").serve().await;
    assert_eq!(app.get("/").send().await.status, 200);
    let stats = app.runtime.stats();
    let each = stats.used_memory / stats.vms;
    assert!((100 << 10..512 << 10).contains(&each), "{each} bytes");
}

#[tokio::test]
async fn what_a_function_caught_of_it_is_lua_s_own_message() {
    let text = App::eval("select(2, pcall(string.rep, 'x', 1e9))").await;
    assert_eq!(text, "not enough memory");
}

#[tokio::test]
async fn requests_leave_nothing_behind() {
    let app = App::builder()
        .access(
            "kong.ctx.shared.text = ('x'):rep(1e5) .. kong.request.get_query_arg('id')
             kong.ctx.plugin.again = kong.ctx.shared.text .. 'y'",
        )
        .serve()
        .await;
    for id in 0..2000 {
        assert_eq!(app.get(&format!("/?id={id}")).send().await.status, 200);
    }
    let used = app.runtime.stats().used_memory;
    assert!(used < 64 << 20, "{used} bytes after 2,000 requests of 200 kB each");
}
