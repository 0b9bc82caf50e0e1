//! Modules that are Lua: caches, limits, locks, `kong.tools`.

use std::time::Duration;

use crate::support::App;

/// What `statements` are worth, with shared dictionaries and `m`, the module of this name.
async fn eval(module: &str, statements: &str) -> String {
    let source = format!(
        r##"local m = require("{module}")
           local function join(...)
             local texts = {{}}
             for i = 1, select("#", ...) do texts[i] = tostring((select(i, ...))) end
             return table.concat(texts, ", ")
           end
           return kong.response.exit(200, join((function() {statements} end)()))"##
    );
    let dictionaries = |runtime: tower_lua::RuntimeBuilder| {
        runtime.shared_dict("cache", 1 << 20).shared_dict("locks", 1 << 20)
    };
    let app = App::builder().runtime(dictionaries).access(&source).serve().await;
    app.get("/").send().await.text()
}

async fn assert_all(cases: &[(&str, &str, &str)]) {
    for (module, statements, expected) in cases {
        assert_eq!(eval(module, statements).await, *expected, "{module}: {statements}");
    }
}

#[tokio::test]
async fn a_clock_that_nobody_sets_goes_on() {
    let goes_on = "local seconds, millis = m.monotonic_time(), m.monotonic_msec()
                   ngx.sleep(0.005)
                   local more = m.monotonic_msec() - millis
                   return more >= 4, more < 5000, m.monotonic_time() >= seconds + 0.004,
                     millis % 1 == 0, millis - seconds * 1000 < 1000";
    assert_all(&[("resty.core.time", goes_on, "true, true, true, true, true")]).await;
}

#[tokio::test]
async fn the_cache_forgets_what_was_used_least_lately() {
    assert_all(&[
        (
            "resty.lrucache",
            "local c = m.new(2) c:set('a', 1) c:set('b', 2) c:get('a') c:set('c', 3)
             return c:get('a'), c:get('b'), c:get('c'), c:count(), c:capacity(), table.concat(c:get_keys(), ' ')",
            "1, nil, 3, 2, 2, c a",
        ),
        ("resty.lrucache", "local c = m.new(2) c:set('a', 1, -1) return c:get('a')", "nil, 1, 0"),
        ("resty.lrucache", "local c = m.new(2) c:set('a', 1) c:delete('a') c:set('b', 1) c:flush_all() return c:count()", "0"),
        ("resty.lrucache", "return m.new(0)", "nil, size too small"),
    ])
    .await;
}

#[tokio::test]
async fn a_lock_is_had_once_at_a_time() {
    assert_all(&[
        ("resty.lock", "return m:new('none')", "nil, dictionary not found"),
        (
            "resty.lock",
            "local a, b = m:new('locks'), m:new('locks', { timeout = 0.01 })
             local first = a:lock('k')
             local second, err = b:lock('k')
             local freed = a:unlock()
             return first, second, err, freed, b:lock('k'), (b:unlock()), a:unlock()",
            "0, nil, timeout, 1, 0, 1, nil, unlocked",
        ),
    ])
    .await;
}

#[tokio::test]
async fn limits_count() {
    assert_all(&[
        (
            "resty.limit.count",
            "local l = m.new('cache', 2, 10) l:incoming('k', true) l:incoming('k', true)
             return l:incoming('k', true)",
            "nil, rejected",
        ),
        (
            "resty.limit.req",
            "local l = m.new('cache', 1, 1) local a = l:incoming('k', true)
             local b, excess = l:incoming('k', true)
             return a, b > 0.9, excess > 0.9, l:incoming('k', true)",
            "0, true, true, nil, rejected",
        ),
        (
            "resty.limit.conn",
            "local l = m.new('cache', 1, 1, 0.5) local a = l:incoming('k', true)
             local b = l:incoming('k', true)
             local c, err = l:incoming('k', true)
             return a, b, c, err, l:leaving('k', 0.1)",
            "0, 0.5, nil, rejected, 1",
        ),
        (
            "resty.limit.traffic",
            "local count = require('resty.limit.count')
             local a, b = count.new('cache', 1, 10), count.new('locks', 5, 10)
             local states = {}
             local delay = m.combine({ a, b }, { 'k', 'k' }, states)
             return delay, states[1], states[2], m.combine({ a, b }, { 'k', 'k' })",
            "0, 0, 4, nil, rejected",
        ),
    ])
    .await;
}

#[tokio::test]
async fn mlcache_asks_level_by_level() {
    assert_all(&[
        (
            "resty.mlcache",
            "local calls = 0
             local function cb(x) calls = calls + 1 return { x = x } end
             local c = assert(m.new('name', 'cache', { ipc_shm = 'locks' }))
             local v, err, level = c:get('k', nil, cb, 7)
             local _, _, again = c:get('k', nil, cb, 7)
             c.lru:flush_all()
             local w, _, from_shm = c:get('k', nil, cb, 7)
             local ttl, _, peeked = c:peek('k')
             c:delete('k')
             local _, _, after = c:get('k', nil, cb, 8)
             return v.x, err, level, again, w.x, from_shm, ttl > 29, peeked.x, after, calls",
            "7, nil, 3, 1, 7, 2, true, 7, 3, 2",
        ),
        (
            "resty.mlcache",
            "local c = assert(m.new('name', 'cache', { ipc_shm = 'locks' }))
             local _, err = c:get('k', nil, function() return nil, 'broken' end)
             local _, _, miss = c:get('n', nil, function() return nil end)
             local _, _, again = c:get('n')
             c:set('s', nil, false)
             c:purge()
             return err, miss, again, (c:get('s')), pcall(c.get, c, 1)",
            "broken, 3, 1, nil, false, key must be a string",
        ),
        ("resty.mlcache", "return m.new('name', 'none')", "nil, no such lua_shared_dict: none"),
        (
            "resty.mlcache",
            "local c = assert(m.new('name', 'cache'))
             local bulk = m.new_bulk()
             bulk:add('a', nil, function() return 1 end) bulk:add('b', nil, function() return nil, 'no' end)
             local seen = {}
             for i, value, err, level in m.each_bulk_res(c:get_bulk(bulk)) do
               seen[i] = tostring(value) .. ' ' .. tostring(err) .. ' ' .. tostring(level)
             end
             return table.concat(seen, '; ')",
            "1 nil 3; nil no nil",
        ),
    ])
    .await;
}

#[tokio::test]
async fn mlcache_has_a_stale_value_live_on_where_there_is_no_other() {
    assert_all(&[
        (
            "resty.mlcache",
            "local c = assert(m.new('name', 'cache', { ttl = 0.01, resurrect_ttl = 5 }))
             c:get('k', nil, function() return 'old' end)
             ngx.sleep(0.02)
             local v, err, level = c:get('k', nil, function() return nil, 'broken' end)
             c.lru:delete('k')
             return v, err, level, select(3, c:get('k'))",
            "old, nil, 4, 4",
        ),
        (
            "resty.mlcache",
            "local c = assert(m.new('name', 'cache', { ttl = 0.01, resurrect_ttl = 5 }))
             c:get('k', nil, function() return 'old' end)
             ngx.sleep(0.02)
             local v, err = c:get('k', nil, function() error('broken', 0) end)
             return v, (err:gsub('\\n.*', ''))",
            "nil, callback threw an error: broken",
        ),
        (
            "resty.mlcache",
            "local c = assert(m.new('name', 'cache'))
             return c:get('k', nil, function() return 'some', 42 end)",
            "some, 42, nil",
        ),
    ])
    .await;
}

#[tokio::test]
async fn mlcache_says_what_is_wrong_with_its_options() {
    let cases = [
        ("m.new('n', 'cache', { ipc_shm = 1 })", "opts.ipc_shm must be a string"),
        ("m.new('n', 'cache', { shm_miss = 1 })", "opts.shm_miss must be a string"),
        (
            "m.new('n', 'cache', { ipc_shm = 'locks', ipc = {} })",
            "cannot specify both of opts.ipc_shm and opts.ipc",
        ),
        ("m.new('n', 'cache', { ipc = {} })", "opts.ipc.register_listeners must be a function"),
        ("c:get('k', { shm_set_tries = 0 })", "opts.shm_set_tries must be >= 1"),
        ("c:get('k', { resty_lock_opts = 1 })", "opts.resty_lock_opts must be a table"),
        (
            "c:get_bulk({ n = 1, 'k' })",
            "callback at index 3 must be a function for operation 1 (got nil)",
        ),
        ("c:get_bulk({ n = 0 }, { concurrency = 0 })", "opts.concurrency must be > 0"),
        (
            "c:get_bulk({ n = 1, 'k', { ttl = 'x' }, print })",
            "options at index 2 for operation 1 are invalid: opts.ttl must be a number",
        ),
    ];
    for (call, problem) in cases {
        let source = format!(
            "local c = assert(m.new('name', 'cache'))
             local ok, err = pcall(function() return {call} end)
             return ok, (err:gsub('^%[string.-%]:%d+: ', ''))"
        );
        assert_all(&[("resty.mlcache", &source, &format!("false, {problem}"))]).await;
    }
}

#[tokio::test]
async fn mlcache_tells_others_in_their_order() {
    assert_all(&[
        (
            "resty.mlcache",
            "local c = assert(m.new('name', 'cache', { ipc_shm = 'locks', debug = true }))
             local heard = {}
             c.ipc:subscribe(c.events.invalidation.channel, function(key) heard[#heard + 1] = key end)
             c:delete('a') c:delete('b') c:delete('c')
             ngx.shared.locks:delete(2)
             local _, late = c:update(0.001)
             local ok = c:update()
             return late, ok, table.concat(heard, ' ')",
            "could not poll ipc events: timeout, true, a c",
        ),
        (
            "resty.mlcache.ipc",
            "local mine, theirs = assert(m.new('cache')), assert(m.new('cache', true))
             local heard = {}
             for name, ipc in pairs({ mine = mine, theirs = theirs }) do
               ipc:subscribe('x y', function(data) heard[#heard + 1] = name .. ' ' .. data end)
             end
             mine:broadcast('x y', '1: 2')
             mine:poll() theirs:poll()
             return table.concat(heard, '; '), pcall(mine.poll, mine, false)",
            "theirs 1: 2, false, timeout must be a number",
        ),
    ])
    .await;
}

#[tokio::test]
async fn mlcache_runs_callbacks_of_a_bulk_at_once() {
    assert_all(&[(
        "resty.mlcache",
        "local c = assert(m.new('name', 'cache'))
         local bulk, most, now = m.new_bulk(), 0, 0
         for i = 1, 5 do
           bulk:add('k' .. i, nil, function(x)
             now = now + 1 most = math.max(most, now)
             ngx.sleep(0.001)
             now = now - 1
             return x
           end, i)
         end
         local seen = {}
         for i, value, _, level in m.each_bulk_res(c:get_bulk(bulk, { concurrency = 2 })) do
           seen[i] = value .. ':' .. level
         end
         return most, table.concat(seen, ' ')",
        "2, 1:3 2:3 3:3 4:3 5:3",
    )])
    .await;
}

#[tokio::test]
async fn a_lock_that_is_forgotten_is_free() {
    assert_all(&[(
        "resty.lock",
        "assert(m:new('locks'):lock('k'))
         for _ = 1, 5e4 do local _ = { 1, 2, 3, 4 } end
         local lock = assert(m:new('locks', { timeout = 0 }))
         local elapsed, err = lock:lock('k')
         local busy = select(2, m:new('locks', { timeout = 0 }):lock('k'))
         return elapsed, err, busy, lock:unlock(), m:new('locks', { timeout = 0 }):lock('k')",
        "0, nil, timeout, 1, 0",
    )])
    .await;
}

#[tokio::test]
async fn kong_tools_are_kongs() {
    assert_all(&[
        ("kong.tools.string", "return table.concat(m.split('a,b,,c', ','), '|'), m.strip('  x '), m.split_once('a=b=c', '=')", "a|b||c, x, a, b=c"),
        ("kong.tools.string", "return m.bytes_to_str(2048, 'k'), m.replace_dashes_lower('A-B'), m.validate_utf8('\\255')", "2.00 KiB, a_b, false, 1"),
        ("kong.tools.table", "local t = { a = { 1 } } local c = m.deep_copy(t) return c.a ~= t.a, c.a[1], m.is_array({ 1, 2 }), m.table_contains({ 1, 2 }, 2)", "true, 1, true, true, 2"),
        ("kong.tools.uuid", "return m.is_valid_uuid(m.uuid()), m.is_valid_uuid('x'), m.uuid() == m.uuid()", "true, false, false"),
        ("resty.jit-uuid", "return m.generate_v5('e6ebd542-06ae-11e6-8e82-bba81706b27d', 'hello'), m.is_valid(m())", "4850816f-1658-5890-8bfd-1ed14251f1f0, true"),
        ("kong.tools.rand", "return #m.random_string(), #m.get_rand_bytes(5), m.random_string():find('%W')", "32, 5, nil"),
        ("kong.tools.gzip", "return m.inflate_gzip(m.deflate_gzip(('x'):rep(1000))) == ('x'):rep(1000), m.inflate_gzip('x')", "true, nil, INFLATE: data error"),
        ("kong.tools.http", "return m.validate_header_name('x-a'), m.validate_header_name('a b'), m.parse_directive_header('max-age=5, public')['max-age']", "x-a, nil, 5"),
        ("kong.tools.ip", "return m.is_valid_ipv4('1.2.3.4'), m.is_valid_ip('x'), m.is_valid_cidr('10.0.0.0/8'), m.format_host('::1', 80)", "true, false, true, [0000:0000:0000:0000:0000:0000:0000:0001]:80"),
        ("kong.tools.utils", "return m.strip(' x '), #m.uuid(), m.split('a b')[2]", "x, 36, b"),
        ("kong.constants", "return m.HEADERS.VIA", "Via"),
        ("kong.meta", "return m._VERSION == kong.version", "true"),
        ("ngx.pipe", "return select(2, m.spawn('ls'))", "functions start no processes"),
        ("ngx.process", "return m.type()", "worker"),
        ("tablepool", "local t = m.fetch('p', 0, 1) t.a = 1 m.release('p', t) return m.fetch('p', 0, 1) == t, t.a", "true, nil"),
    ])
    .await;
}

/// A text of nothing that is short while packed must not fill the server's memory.
#[tokio::test]
async fn what_inflates_without_end_is_not_enough_memory() {
    let statements = "local packed = m.deflate_gzip(('\\0'):rep(2^24))
                      local bomb = packed:rep(32)
                      local ok, err = pcall(m.inflate_gzip, bomb)
                      return ok, err";
    let seen =
        tokio::time::timeout(Duration::from_secs(60), eval("kong.tools.gzip", statements)).await;
    let seen = seen.expect("an answer");
    assert!(
        seen.starts_with("false, not enough memory") || seen.contains("unexpected error"),
        "{seen}"
    );
}

#[tokio::test]
async fn an_address_is_looked_for_in_blocks() {
    let all = "local all = assert(m.new({ '10.0.0.0/8', '192.168.1.7', '::1', 'fe80::/10' }))";
    for (statements, expected) in [
        ("return all:match('10.255.0.1'), all:match('11.0.0.1')", "true, false"),
        ("return all:match('192.168.1.7'), all:match('192.168.1.8')", "true, false"),
        (
            "return all:match('::1'), all:match('febf::1'), all:match('fec0::1')",
            "true, true, false",
        ),
        ("return all:match('10.0.0')", "false, invalid ip address, not ipv4 and ipv6"),
        (
            "return all:match_bin(ngx.var.binary_remote_addr), all:match_bin('\\10\\0\\0\\1')",
            "false, true",
        ),
        ("return all:match_bin('abc')", "nil, invalid ip address, not ipv4 and ipv6"),
        ("return m.new({ '1.2.3.4/33' })", "nil, invalid ip address: 1.2.3.4/33"),
        ("return m.new({ '127.0.0.ffff' })", "nil, invalid ip address: 127.0.0.ffff"),
        ("return m.new({ '127.0.0.1', true })", "nil, invalid ip address: boolean"),
        (
            "return m.new({ '0.0.0.0/0' }):match('9.9.9.9'), m.new({ '::/0' }):match('9.9.9.9')",
            "true, false",
        ),
        (
            "return m.parse_ipv4('1.2.3.4'), m.parse_ipv4('::1'), m.parse_ipv4('')",
            "16909060, false, false",
        ),
        (
            "return m.parse_ipv6('[::1]')[4], m.parse_ipv6('['), m.parse_ipv6('[::1x')",
            "1, false, false",
        ),
        (
            "local wide = m.new_with_value({ ['0.0.0.0/0'] = 'all', ['10.0.0.0/9'] = 'ten' })
             return wide:match('10.1.1.1'), wide:match('10.200.1.1')",
            "ten, all",
        ),
        ("return select(2, pcall(m.new, 'x')):match('missing.*')", "missing valid ip argument"),
    ] {
        let statements = format!("{all} {statements}");
        assert_all(&[("resty.ipmatcher", &statements, expected)]).await;
    }
}
