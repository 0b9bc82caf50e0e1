//! `kong.cache`: what it gives, and to whom.

use crate::api::ngx::assert_errors;
use crate::support::App;

/// What `statements` are worth. They have `get`, which gives the value, error and level of `key` as
/// text, and `loader(value)`, which counts its calls in `calls`.
async fn eval(statements: &str) -> String {
    App::eval(&format!(
        r"(function()
           local cache, calls = kong.cache, 0
           local function loader(...)
             local results, count = {{...}}, select('#', ...)
             return function() calls = calls + 1 return unpack(results, 1, count) end
           end
           local function get(key, opts, cb, ...)
             local value, err, level = cache:get(key, opts, cb, ...)
             return tostring(value) .. '|' .. tostring(err) .. '|' .. tostring(level)
           end
           {statements}
         end)()"
    ))
    .await
}

async fn assert_evals(cases: &[(&str, &str)]) {
    for (statements, expected) in cases {
        assert_eq!(eval(statements).await, *expected, "{statements}");
    }
}

#[tokio::test]
async fn a_value_is_loaded_once() {
    assert_evals(&[
        (
            "return get('k', nil, loader('a')), get('k', nil, loader('b')), get('k'), calls",
            "a|nil|3, a|nil|1, a|nil|1, 1",
        ),
        ("return get('k')", "nil|nil|-1"),
        (
            "return get('k', nil, function(...) return select('#', ...) .. ... end, 'x', nil, nil)",
            "3x|nil|3",
        ),
        ("return get('k', {ttl = 0}, loader(false)), get('k')", "false|nil|3, false|nil|1"),
    ])
    .await;
}

#[tokio::test]
async fn a_light_thread_waits_for_another_that_loads_the_same_value() {
    let statements = r#"
        local calls = 0
        local function get()
          return kong.cache:get("k", nil, function()
            calls = calls + 1
            ngx.sleep(0.01)
            return "loaded"
          end)
        end
        local one, other = ngx.thread.spawn(get), ngx.thread.spawn(get)
        local _, first = ngx.thread.wait(one)
        local _, second, err = ngx.thread.wait(other)
        return tostring(first) .. " " .. tostring(second) .. " " .. tostring(err) .. " " .. calls"#;
    assert_eq!(eval(statements).await, "loaded loaded nil 1");
}

#[tokio::test]
async fn that_there_is_nothing_is_kept_too() {
    assert_evals(&[(
        "return get('k', nil, loader(nil)), get('k', nil, loader('a')), calls",
        "nil|nil|3, nil|nil|1, 1",
    )])
    .await;
}

#[tokio::test]
async fn values_of_all_kinds_come_back() {
    assert_evals(&[
        ("get('k', nil, loader(1.5)) return cache:get('k') + 1", "2.5"),
        ("get('k', nil, loader('a\\0b')) return #cache:get('k')", "3"),
        (
            "get('k', nil, loader({1, {x = 'y'}, ngx.null})) return (cache:get('k'))",
            "[1,{\"x\":\"y\"},null]",
        ),
    ])
    .await;
}

#[tokio::test]
async fn tables_are_copies() {
    let statements = "local own = cache:get('k', nil, loader({1}))
                      own[1] = 2
                      local copy = cache:get('k')
                      copy[1] = 3
                      return own, copy, (cache:get('k'))";
    assert_eq!(eval(statements).await, "[2], [3], [1]");
}

#[tokio::test]
async fn what_belongs_to_a_vm_cannot_be_kept_and_the_key_is_free_again() {
    for (value, error) in [
        ("print", "cannot cache value of type function"),
        ("coroutine.create(print)", "cannot cache value of type thread"),
        ("ngx.null", "cannot cache value of type userdata"),
        ("{{print}}", "cannot serialize 'function'"),
        ("(function() local t = {} t.t = t return t end)()", "too deep to serialize"),
    ] {
        let statements = format!(
            "local ok, err = pcall(function() get('k', nil, loader({value})) end)
             return (err:gsub('^.-:%d+: ', '')), get('k', nil, loader('a'))"
        );
        assert_eq!(eval(&statements).await, format!("{error}, a|nil|3"), "{value}");
    }
}

#[tokio::test]
async fn a_loader_says_what_went_wrong_and_is_asked_again() {
    let failed = "nil|failed to get from node cache: ";
    for (loader, error) in [
        ("loader(nil, 'no luck')", "no luck"),
        ("loader('value', 'and error')", "and error"),
        ("loader(nil, 5)", "5"),
        ("function() error('boom', 0) end", "callback threw an error: boom"),
        ("function() error({}, 0) end", "callback threw an error: table: "),
    ] {
        let statements = format!("return get('k', nil, {loader}), get('k', nil, loader('a'))");
        let found = eval(&statements).await;
        assert!(found.starts_with(&format!("{failed}{error}")), "{loader}: {found}");
        assert!(found.ends_with("|nil, a|nil|3"), "{loader}: {found}");
    }
}

#[tokio::test]
async fn a_loader_may_say_how_long_its_value_is_good() {
    assert_evals(&[
        (
            "return get('k', nil, loader('a', nil, -1)), get('k', nil, loader('b', nil, -1)), calls",
            "a|nil|3, b|nil|3, 2",
        ),
        ("get('k', {ttl = 5}, loader('a', nil, 60)) return cache:probe('k') > 50", "true"),
        ("get('k', {neg_ttl = 5}, loader(nil, nil, 60)) return cache:probe('k') > 50", "true"),
        ("get('k', {ttl = 60}, loader('a', nil, 'x')) return cache:probe('k') > 50", "true"),
    ])
    .await;
}

// The clock is paused: it jumps when there is nothing to do but to wait for it.
#[tokio::test(start_paused = true)]
async fn values_expire() {
    assert_evals(&[
        (
            "get('k', {ttl = 10}, loader('a')) ngx.sleep(9.9)
             local before = get('k', nil, loader('b')) ngx.sleep(0.2)
             return before, get('k', nil, loader('c')), calls",
            "a|nil|1, c|nil|3, 2",
        ),
        (
            "get('k', {ttl = 10, neg_ttl = 2}, loader(nil)) ngx.sleep(1.9)
             local before = get('k', nil, loader('b')) ngx.sleep(0.2)
             return before, get('k', nil, loader('c'))",
            "nil|nil|1, c|nil|3",
        ),
        ("get('k', nil, loader('a')) ngx.sleep(1e6) return get('k')", "a|nil|1"),
        ("get('k', {ttl = 10}, loader('a')) ngx.sleep(11) return get('k')", "nil|nil|-1"),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_old_value_is_better_than_an_error() {
    let statements = "get('k', {ttl = 10}, loader('old')) ngx.sleep(11)
                      local first = get('k', {resurrect_ttl = 5}, loader(nil, 'down'))
                      local again = get('k', nil, loader('unasked')) ngx.sleep(5.1)
                      return first, again, get('k', nil, loader('new')), calls";
    assert_eq!(eval(statements).await, "old|nil|4, old|nil|1, new|nil|3, 3");
    // Not where the loader raises an error.
    let statements = "get('k', {ttl = 10}, loader('old')) ngx.sleep(11)
                      return get('k', nil, function() error('boom', 0) end)";
    let expected = "nil|failed to get from node cache: callback threw an error: boom|nil";
    assert_eq!(eval(statements).await, expected);
}

#[tokio::test]
async fn a_serializer_makes_of_a_value_what_the_function_gets() {
    let failed = "nil|failed to get from node cache: ";
    assert_evals(&[
        (
            "local opts = {l1_serializer = function(v) return v .. '!' end}
             return get('k', opts, loader('a')), get('k'), (cache:get('k', opts))",
            "a!|nil|3, a|nil|1, a",
        ),
        (
            "return get('k', {l1_serializer = loader(nil, 'no')}, loader('a')), get('k')",
            &format!("{failed}no|nil, nil|nil|-1"),
        ),
        (
            "return get('k', {l1_serializer = loader(nil)}, loader('a'))",
            &format!("{failed}l1_serializer returned a nil value|nil"),
        ),
        (
            "return get('k', {l1_serializer = function() error('boom', 0) end}, loader('a'))",
            &format!("{failed}l1_serializer threw an error: boom|nil"),
        ),
        ("return get('k', {l1_serializer = loader('x')}, loader(nil))", "nil|nil|3"),
    ])
    .await;
}

#[tokio::test]
async fn probe_looks_without_loading() {
    assert_evals(&[
        ("return select('#', cache:probe('k')), (cache:probe('k'))", "3, nil"),
        ("get('k', nil, loader({1})) return cache:probe('k')", "0, nil, [1]"),
        (
            "get('k', {ttl = 60}, loader('a')) local ttl, err, value = cache:probe('k')
             return ttl > 59 and ttl <= 60, err, value",
            "true, nil, a",
        ),
        ("get('k', nil, loader(nil)) return cache:probe('k')", "0, nil, nil"),
    ])
    .await;
}

#[tokio::test]
async fn what_is_invalidated_is_loaded_anew() {
    for way in ["cache:invalidate('k')", "cache:invalidate_local('k')", "cache:purge()"] {
        let statements =
            format!("get('k', nil, loader('a')) {way} return get('k'), get('k', nil, loader('b'))");
        assert_eq!(eval(&statements).await, "nil|nil|-1, b|nil|3", "{way}");
    }
}

#[tokio::test]
async fn safe_set_evicts_nothing() {
    assert_evals(&[
        (
            "cache:safe_set('k', 'a') return get('k'), get('k'), (cache:probe('k'))",
            "a|nil|2, a|nil|1, 0",
        ),
        ("return cache:safe_set(5, 'a'), get('5')", "true, a|nil|2"),
    ])
    .await;
    let app = App::builder()
        .runtime(|runtime| runtime.cache(10_000))
        .access(
            "local ok, err
             for i = 1, 100 do
               ok, err = kong.cache:safe_set('key' .. i, ('v'):rep(1000))
               if not ok then
                 return kong.response.exit(200, i .. err .. tostring((kong.cache:probe('key1'))))
               end
             end",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "9no memory0");
}

#[tokio::test]
async fn the_capacity_holds() {
    let app = App::builder()
        .runtime(|runtime| runtime.cache(10_000))
        .access(
            "local kept = 0
             local function value() return ('v'):rep(1000) end
             for i = 1, 100 do kong.cache:get('key' .. i, nil, value) end
             for i = 1, 100 do kept = kept + (kong.cache:probe('key' .. i) and 1 or 0) end
             local large, err, level = kong.cache:get('large', nil, function() return ('v'):rep(20000) end)
             kong.response.exit(200, kept .. ' ' .. #large .. level .. tostring((kong.cache:probe('large'))))",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "8 200003nil");
}

#[tokio::test]
async fn renew_replaces_what_there_is() {
    assert_evals(&[
        (
            "get('k', nil, loader('a'))
             return cache:renew('k', {ttl = 60}, loader('b')), get('k')",
            "b, b|nil|1",
        ),
        ("return cache:renew('k', {ttl = 60}, loader('b'))", "b, nil, 60"),
        ("return cache:renew('k', {ttl = 60, neg_ttl = 7}, loader(nil))", "nil, nil, 7"),
        ("return cache:renew('k', nil, loader('b', nil, 9))", "b, nil, 9"),
        ("return cache:renew('k', nil, loader('b', nil, -1))", "b, nil, -1"),
        (
            "return cache:renew('k', nil, loader(nil, 'no'))",
            "nil, failed to renew key in node cache: no",
        ),
        (
            "return cache:renew('k', nil, function() error('boom', 0) end)",
            "nil, failed to renew key in node cache: callback threw an error: boom",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_bulk_has_each_result() {
    assert_evals(&[(
        "local mlcache, out = require('kong.resty.mlcache'), {}
         local bulk = mlcache.new_bulk(3)
         get('b', nil, loader('known'))
         bulk:add('a', {ttl = 5}, function(arg) return arg end, 'argument')
         bulk:add('b', nil, loader('unasked'))
         bulk:add('c', nil, loader(nil, 'no luck'))
         bulk:add('d', nil, loader(nil))
         for i, value, err, level in mlcache.each_bulk_res(cache:get_bulk(bulk, {concurrency = 2})) do
           out[i] = i .. tostring(value) .. tostring(err) .. tostring(level)
         end
         return table.concat(out, ' ')",
        "1argumentnil3 2knownnil1 3nilno lucknil 4nilnil3",
    )])
    .await;
    assert_errors(&[(
        "require('kong.resty.mlcache').each_bulk_res({})",
        "res must have res.n field; is this a get_bulk() result?",
    )])
    .await;
}

#[tokio::test]
async fn arguments_are_checked() {
    for call in ["get(5)", "renew()", "probe({})", "invalidate(true)", "invalidate_local()"] {
        let call = format!("kong.cache:{call}");
        assert_errors(&[(&*call, "key must be a string")]).await;
    }
    assert_errors(&[
        ("kong.cache.get('k')", "key must be a string"),
        ("kong.cache:get('k', nil, 5)", "callback must be nil or a function"),
        ("kong.cache:renew('k')", "callback must be a function"),
        ("kong.cache:safe_set()", "attempt to concatenate local 'key' (a nil value)"),
        ("kong.cache:safe_set('k', print)", "cannot serialize 'function'"),
        ("kong.cache:get_bulk()", "bulk must be a table"),
        ("kong.cache:get_bulk({})", "bulk must have n field"),
        ("kong.cache:get_bulk({n = 0}, 5)", "opts must be a table"),
        ("kong.cache:get_bulk({n = 0}, {concurrency = '1'})", "opts.concurrency must be a number"),
        ("kong.cache:get_bulk({n = 0}, {concurrency = 0})", "opts.concurrency must be > 0"),
        (
            "kong.cache:get_bulk({n = 1e9})",
            "key at index 1 must be a string for operation 1 (got nil)",
        ),
        (
            "kong.cache:get_bulk({n = 2, 'a', nil, print, nil, 'b'})",
            "callback at index 7 must be a function for operation 2 (got nil)",
        ),
        (
            "kong.cache:get_bulk({n = 1, 'a', {ttl = -1}, print})",
            "options at index 2 for operation 1 are invalid: opts.ttl must be >= 0",
        ),
    ])
    .await;
    for (options, error) in [
        ("5", "opts must be a table"),
        ("{ttl = '1'}", "opts.ttl must be a number"),
        ("{ttl = -1}", "opts.ttl must be >= 0"),
        ("{neg_ttl = {}}", "opts.neg_ttl must be a number"),
        ("{neg_ttl = -1}", "opts.neg_ttl must be >= 0"),
        ("{resurrect_ttl = true}", "opts.resurrect_ttl must be a number"),
        ("{resurrect_ttl = -0.1}", "opts.resurrect_ttl must be >= 0"),
        ("{l1_serializer = 5}", "opts.l1_serializer must be a function"),
        ("{shm_set_tries = 'a'}", "opts.shm_set_tries must be a number"),
        ("{shm_set_tries = 0}", "opts.shm_set_tries must be >= 1"),
    ] {
        for call in [
            format!("kong.cache:get('k', {options})"),
            format!("kong.cache:renew('k', {options}, print)"),
        ] {
            assert_errors(&[(&*call, error)]).await;
        }
    }
}
