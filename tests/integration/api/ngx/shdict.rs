//! `ngx.shared.DICT`.

use super::Calls;
use crate::support::App;

/// An application with a dictionary `d` of `bytes`, that answers with what `expression` is worth.
async fn eval_with(bytes: usize, expression: &str) -> String {
    let app = App::builder()
        .runtime(|runtime| runtime.shared_dict("d", bytes))
        .access(&format!(
            r##"
            local d = ngx.shared.d
            local function join(...)
              local texts = {{}}
              for i = 1, select("#", ...) do texts[i] = tostring((select(i, ...))) end
              return table.concat(texts, ", ")
            end
            return kong.response.exit(200, join((function() {expression} end)()))
            "##
        ))
        .serve()
        .await;
    app.get("/").send().await.text()
}

async fn eval(expression: &str) -> String {
    eval_with(1 << 20, expression).await
}

async fn assert_values(cases: Calls<'_>) {
    for (source, value) in cases {
        assert_eq!(eval(source).await, *value, "{source}");
    }
}

/// Asserts that each source raises the error beside it, with a position before it.
async fn assert_errors(cases: Calls<'_>) {
    for (source, message) in cases {
        let text = eval(&format!("return pcall(function() {source} end)")).await;
        let raised =
            text.starts_with("false, [string \"") && text.ends_with(&format!(": {message}"));
        assert!(raised, "{source}: {text}");
    }
}

#[tokio::test]
async fn a_value_is_what_it_was_set_to() {
    assert_values(&[
        ("return d:set('k', 'text'), d:get('k')", "true, text"),
        ("return d:set('k', 'text')", "true, nil, false"),
        ("d:set('k', 1.5) return d:get('k')", "1.5"),
        ("d:set('k', 10) return d:get('k')", "10"),
        ("d:set('k', false) return d:get('k'), type(d:get('k'))", "false, boolean"),
        ("d:set('k', true) return d:get('k')", "true"),
        ("d:set('k', 'a\\0b') return #d:get('k')", "3"),
        ("d:set('k', '') return d:get('k') == ''", "true"),
        ("d:set(7, 'seven') return d:get('7')", "seven"),
        ("return select('#', d:get('none')), d:get('none')", "1, nil"),
        ("d:set('k', 1) d:set('k', nil) return d:get('k')", "nil"),
        ("d:set('k', 1) return d:delete('k'), d:get('k')", "true, nil"),
        ("return d:delete('none')", "true, nil, false"),
    ])
    .await;
}

#[tokio::test]
async fn flags_stand_beside_a_value() {
    assert_values(&[
        ("d:set('k', 'v', 0, 7) return d:get('k')", "v, 7"),
        ("d:set('k', 'v') return d:get('k')", "v"),
        ("d:set('k', 'v', 0, 7) return d:get_stale('k')", "v, 7, false"),
        ("d:set('k', 'v') return d:get_stale('k')", "v, nil, false"),
        ("return d:get_stale('none')", "nil"),
    ])
    .await;
}

#[tokio::test]
async fn add_wants_nothing_there_and_replace_something() {
    assert_values(&[
        ("return d:add('k', 1)", "true, nil, false"),
        ("d:set('k', 1) return d:add('k', 2)", "false, exists, false"),
        ("d:set('k', 1) return d:safe_add('k', 2)", "false, exists, false"),
        ("return d:replace('k', 1)", "false, not found, false"),
        ("d:set('k', 1) d:replace('k', 2) return d:get('k')", "2"),
        ("return d:add('k', nil)", "false, attempt to add or replace nil values, false"),
        ("return d:replace('k', nil)", "false, attempt to add or replace nil values, false"),
    ])
    .await;
}

#[tokio::test]
async fn incr_adds_to_a_number() {
    assert_values(&[
        ("d:set('k', 5) return d:incr('k', 2)", "7"),
        ("d:set('k', 5) return d:incr('k', '-2.5')", "2.5"),
        ("return d:incr('k', 1)", "nil, not found"),
        ("return d:incr('k', 1, 10)", "11, nil, false"),
        ("d:incr('k', 1, 10) return d:incr('k', 1, 10), d:get('k')", "12, 12"),
        ("d:set('k', 'text') return d:incr('k', 1)", "nil, not a number"),
        ("d:set('k', true) return d:incr('k', 1, 0)", "nil, not a number"),
        ("d:set('k', 5, 0, 3) d:incr('k', 1) return d:get('k')", "6, 3"),
        ("d:incr('k', 1, 0, 100) return d:ttl('k') > 99, d:ttl('k') <= 100", "true, true"),
        ("d:incr('k', 1, 0) return d:ttl('k')", "0"),
    ])
    .await;
}

#[tokio::test]
async fn a_list_grows_and_shrinks_at_both_ends() {
    assert_values(&[
        ("return d:lpush('l', 'b'), d:lpush('l', 'a'), d:rpush('l', 3), d:llen('l')", "1, 2, 3, 3"),
        (
            "d:rpush('l', 'a') d:rpush('l', 2) d:rpush('l', 'c')
             return d:lpop('l'), d:rpop('l'), d:lpop('l'), d:lpop('l'), d:llen('l')",
            "a, c, 2, nil, 0",
        ),
        ("d:lpush('l', 1) return d:get('l')", "nil, value is a list"),
        ("d:lpush('l', 1) d:lpop('l') return #d:get_keys()", "0"),
        ("d:lpush('l', 1) return d:incr('l', 1)", "nil, not a number"),
        ("d:lpush('l', 1) d:set('l', 2) return d:get('l')", "2"),
        ("d:set('k', 1) return d:lpush('k', 1)", "nil, value not a list"),
        ("d:set('k', 1) return d:rpop('k')", "nil, value not a list"),
        ("d:set('k', 1) return d:llen('k')", "nil, value not a list"),
        ("return d:llen('none')", "0"),
        ("return d:lpush('l', true)", "nil, bad value type"),
        ("return d:rpush('l', nil)", "nil, bad value type"),
    ])
    .await;
}

#[tokio::test]
async fn a_value_goes_when_its_time_is_over() {
    let gone = "while d:get('k') do ngx.sleep(0.001) end ";
    for (source, value) in [
        ("d:set('k', 'v', 0.01) GONE return d:get('k')", "nil"),
        ("d:set('k', 'v', 0.01, 5) GONE return d:get_stale('k')", "v, 5, true"),
        ("d:set('k', 'v', 0.01) GONE return d:add('k', 'w'), d:get('k')", "true, w"),
        ("d:set('k', 'v', 0.01) GONE return d:replace('k', 'w')", "false, not found, false"),
        ("d:set('k', 5, 0.01) GONE return d:incr('k', 1)", "nil, not found"),
        ("d:set('k', 5, 0.01) GONE return d:incr('k', 1, 0)", "1, nil, false"),
        ("d:set('k', 5, 0.01) GONE return d:ttl('k')", "nil, not found"),
        ("d:set('k', 5, 0.01) GONE return d:expire('k', 1)", "nil, not found"),
        ("d:set('k', 5, 0.01) GONE return d:lpush('k', 1)", "1"),
        ("d:set('k', 5, 0.01) d:set('l', 1) GONE return table.concat(d:get_keys(), ' ')", "l"),
        (
            "d:set('k', 5, 0.01) d:set('l', 1) GONE return d:flush_expired(), d:get_stale('k')",
            "1, nil",
        ),
    ] {
        assert_eq!(eval(&source.replace("GONE", gone)).await, value, "{source}");
    }
}

#[tokio::test]
async fn the_time_that_is_left_can_be_asked_for_and_changed() {
    assert_values(&[
        ("d:set('k', 1) return d:ttl('k')", "0"),
        ("d:set('k', 1, 10) return d:ttl('k') > 9, d:ttl('k') <= 10", "true, true"),
        ("return d:ttl('none')", "nil, not found"),
        ("d:set('k', 1) return d:expire('k', 10), d:ttl('k') > 9", "true, true"),
        ("d:set('k', 1, 10) return d:expire('k', 0), d:ttl('k')", "true, 0"),
        ("return d:expire('none', 1)", "nil, not found"),
        ("d:set('k', 1, 1e300) return d:get('k')", "1"),
    ])
    .await;
}

#[tokio::test]
async fn all_can_be_flushed() {
    assert_values(&[
        ("d:set('a', 1) d:lpush('b', 1) return select('#', d:flush_all()), d:get('a'), d:llen('b')", "0, nil, 0"),
        ("d:set('a', 1) d:set('b', 2) d:flush_all() return d:flush_expired(1), d:flush_expired(), d:flush_expired()", "1, 1, 0"),
        ("d:set('a', 1) d:flush_all() d:set('a', 2) return d:get('a')", "2"),
    ])
    .await;
}

#[tokio::test]
async fn keys_are_given_from_the_least_recently_used_on() {
    assert_values(&[
        ("for i = 1, 3 do d:set('k' .. i, i) end d:get('k1') return table.concat(d:get_keys(), ' ')", "k2 k3 k1"),
        ("for i = 1, 2000 do d:set(i, i) end return #d:get_keys(), #d:get_keys(0), #d:get_keys(2)", "1024, 2000, 2"),
        ("return #d:get_keys()", "0"),
    ])
    .await;
}

#[tokio::test]
async fn a_full_dictionary_forgets_what_was_not_used() {
    for (source, value) in [
        ("return d:capacity(), d:free_space()", "1000, 1000"),
        ("d:set('k', ('x'):rep(100)) return d:free_space() <= 899", "true"),
        ("return d:set('k', ('x'):rep(2000))", "false, no memory, false"),
        ("d:set('k', 1) return d:set('big', ('x'):rep(2000))", "false, no memory, true"),
        ("for i = 1, 100 do d:set('k' .. i, 'x') end return d:get('k1'), d:get('k100')", "nil, x"),
        (
            "local forced for i = 1, 100 do forced = select(3, d:set('k' .. i, 'x')) end return forced",
            "true",
        ),
        ("for i = 1, 100 do d:set('k' .. i, 1) end return d:incr('new', 1, 0)", "1, nil, true"),
        (
            "local n = 0 while d:safe_set('k' .. n, 'x') do n = n + 1 end
             return n > 0, d:get('k0'), d:safe_set('more', 'x')",
            "true, x, false, no memory, false",
        ),
        (
            "while d:safe_set(#d:get_keys(), 'x') do end return d:safe_add('more', 'x')",
            "false, no memory, false",
        ),
        ("while d:lpush('l', 'x') do end return d:lpush('l', 'x')", "nil, no memory"),
        ("while d:lpush('l', 'x') do end return d:lpush('m', 'x')", "nil, no memory"),
    ] {
        assert_eq!(eval_with(1000, source).await, value, "{source}");
    }
}

#[tokio::test]
async fn bad_keys_and_values_are_told() {
    assert_values(&[
        ("return d:get(nil)", "nil, nil key"),
        ("return d:get('')", "nil, empty key"),
        ("return d:get(('k'):rep(65536))", "nil, key too long"),
        ("return d:get_stale('')", "nil, empty key"),
        ("return d:set('', 1)", "nil, empty key"),
        ("return d:set(nil, 1)", "nil, nil key"),
        ("return d:set('k', {})", "nil, bad value type"),
        ("return d:incr('', 1)", "nil, empty key"),
        ("return d:lpush(nil, 1)", "nil, nil key"),
        ("return d:rpop('')", "nil, empty key"),
        ("return d:llen(nil)", "nil, nil key"),
        ("return d:ttl('')", "nil, empty key"),
        ("return d:expire('', 1)", "nil, empty key"),
        ("return d:delete('')", "nil, empty key"),
    ])
    .await;
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    assert_errors(&[
        ("d.get('k')", "bad \"zone\" argument"),
        ("d.set({}, 'k', 1)", "bad \"zone\" argument"),
        ("d.flush_all()", "bad \"zone\" argument"),
        ("d.get(ngx.header, 'k')", "bad \"zone\" argument"),
        ("d:set('k', 1, -1)", "bad \"exptime\" argument"),
        ("d:set('k', 1, 'x')", "bad \"exptime\" argument"),
        ("d:expire('k')", "bad \"exptime\" argument"),
        ("d:set('k', 1, 0, {})", "cannot convert 'table' to 'int'"),
        ("d:incr('k')", "cannot convert 'nil' to 'double'"),
        ("d:incr('k', 1, {})", "bad init arg: number expected, got table"),
        ("d:incr('k', 1, 0, {})", "bad init_ttl arg: number expected, got table"),
        ("d:incr('k', 1, 0, -1)", "bad \"init_ttl\" argument"),
        ("d:incr('k', 1, nil, 1)", "must provide \"init\" when providing \"init_ttl\""),
        ("d:get_keys(1, 2)", "expecting 1 or 2 argument(s), but saw 3"),
        ("d:flush_expired({})", "bad argument #2 to 'flush_expired' (number expected, got table)"),
        ("d.get = print", "attempt to change a shared dictionary's methods"),
    ])
    .await;
}

#[tokio::test]
async fn a_dictionary_that_was_not_made_is_nil() {
    assert_values(&[
        ("return ngx.shared.none, ngx.shared.DICT", "nil, nil"),
        ("local names = {} for name in pairs(ngx.shared) do names[#names + 1] = name end return table.concat(names)", "d"),
    ])
    .await;
}

#[tokio::test]
async fn all_vms_and_requests_share_a_dictionary() {
    let app = App::builder()
        .runtime(|runtime| runtime.vms(2).shared_dict("counts", 1 << 20))
        .access(
            "for _ = 1, 10 do ngx.shared.counts:incr('n', 1, 0) ngx.sleep(0) end
             ngx.shared.counts:set('worker' .. ngx.worker.id(), true)",
        )
        .log("require('recorder')(ngx.shared.counts:get('n'))")
        .serve()
        .await;
    let calls = (0..20).map(|_| app.get("/").send());
    futures_util::future::join_all(calls).await;
    let mut counts: Vec<u32> =
        app.recorder.wait_for(20).await.iter().map(|count| count.parse().unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts.last(), Some(&200));
}
