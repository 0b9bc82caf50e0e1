//! `kong.node`: this process and its machine.

use crate::support::App;

#[tokio::test]
async fn the_id_is_a_uuid_and_stays_the_same() {
    let app = App::builder()
        .runtime(|runtime| runtime.vms(4))
        .access("kong.response.exit(200, kong.node.get_id())")
        .serve()
        .await;
    let id = app.get("/").send().await.text();
    assert_eq!(id.len(), 36, "{id}");
    assert_eq!(id.matches('-').count(), 4, "{id}");
    assert_eq!(app.get("/").send().await.text(), id);
    let other = App::access("kong.response.exit(200, kong.node.get_id())").await;
    assert_ne!(other.get("/").send().await.text(), id);
}

#[tokio::test]
async fn the_id_can_be_configured() {
    let app = App::builder()
        .runtime(|runtime| runtime.configuration(serde_json::json!({ "node_id": "edge-7" })))
        .access("kong.response.exit(200, kong.node.get_id() .. ' ' .. kong.configuration.node_id)")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "edge-7 edge-7");
}

#[tokio::test]
async fn the_hostname_is_the_machines() {
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let seen = App::eval("kong.node.get_hostname()").await;
    match hostname {
        Ok(hostname) => assert_eq!(seen, hostname.trim()),
        Err(_) => assert!(!seen.is_empty()),
    }
}

#[tokio::test]
async fn memory_is_told_in_bytes() {
    let source = "(function()
        local stats = kong.node.get_memory_stats()
        local before = stats.workers_lua_vms[1].http_allocated_gc
        local garbage = ('x'):rep(1000000)
        local after = kong.node.get_memory_stats().workers_lua_vms[1].http_allocated_gc
        return #stats.workers_lua_vms, stats.workers_lua_vms[1].pid == ngx.worker.pid(),
               before > 50000, after - before >= 1000000, #garbage, type(stats.lua_shared_dicts)
      end)()";
    assert_eq!(App::eval(source).await, "1, true, true, true, 1000000, table");
}

#[tokio::test]
async fn shared_dictionaries_are_among_it() {
    let app = App::builder()
        .runtime(|runtime| runtime.shared_dict("counts", 1 << 20))
        .access(
            "local before = kong.node.get_memory_stats().lua_shared_dicts.counts
             ngx.shared.counts:set('key', ('x'):rep(10000))
             local after = kong.node.get_memory_stats().lua_shared_dicts.counts
             local shown = kong.node.get_memory_stats('k', 0).lua_shared_dicts.counts
             kong.response.exit(200, table.concat({ before.capacity, before.allocated_slabs,
               tostring(after.allocated_slabs >= 10000), shown.capacity }, ' '))",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "1048576 0 true 1024 KiB");
}

#[tokio::test]
async fn memory_is_told_in_the_unit_that_is_asked_for() {
    for (arguments, pattern) in [
        ("'k'", "^%d+%.%d%d KiB$"),
        ("'K', 0", "^%d+ KiB$"),
        ("'m'", "^%d%.%d%d MiB$"),
        ("'M', 5", "^%d%.%d%d%d%d%d MiB$"),
        ("'g', 1", "^0%.0 GiB$"),
        ("'G', 2.9", "^0%.00 GiB$"),
        ("'b', 'ignored'", "^%d+$"),
        ("'B'", "^%d+$"),
        ("nil, 3", "^%d+$"),
    ] {
        let source = format!(
            "tostring(kong.node.get_memory_stats({arguments}).workers_lua_vms[1].http_allocated_gc)\
             :match('{pattern}') ~= nil"
        );
        assert_eq!(App::eval(&source).await, "true", "{arguments}");
    }
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    for (arguments, message) in [
        ("'a'", "invalid unit 'a' (expected 'k/K', 'm/M', or 'g/G')"),
        ("''", "invalid unit '' (expected 'k/K', 'm/M', or 'g/G')"),
        ("'k', -1", "scale must be equal or greater than 0"),
        ("'k', '1'", "scale must be equal or greater than 0"),
        ("'k', 0/0", "scale must be equal or greater than 0"),
        ("'k', 1000", "invalid option '%.1000f' to 'format'"),
        ("{}", "bad argument #1 to 'lower' (string expected, got table)"),
    ] {
        let source = format!("select(2, pcall(kong.node.get_memory_stats, {arguments}))");
        assert_eq!(App::eval(&source).await, message, "{arguments}");
    }
}
