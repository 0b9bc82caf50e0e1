//! `ngx.re`.

use std::time::{Duration, Instant};

use tower_lua::Budget;

use super::{assert_errors, assert_values};
use crate::support::{App, Events};

#[tokio::test]
async fn a_match_has_its_groups_by_number_and_by_name() {
    assert_values(&[
        ("ngx.re.match('hello, 1234', '[0-9]+')[0]", "1234"),
        ("ngx.re.match('hello, 1234', '([0-9])[0-9]+')[1]", "1"),
        (r"ngx.re.match('hello, 1234', '(?<rest>\\d)(\\d+)').rest", "1"),
        ("ngx.re.match('hello', '(he)|(x)')[2]", "false"),
        ("ngx.re.match('hello', '(?<a>he)|(?<b>x)').b", "false"),
        ("#ngx.re.match('hello', '(h)(e)(l)(x)?')", "4"),
        ("ngx.re.match('a1b2', '([a-z])(?<digit>[0-9])').digit", "1"),
        ("ngx.re.match(1234, '2.')[0]", "23"),
        ("ngx.re.match(nil, 'n.l')[0], ngx.re.match(true, 'r')[0]", "nil, r"),
        ("ngx.re.match('x', '')[0] == ''", "true"),
    ])
    .await;
}

#[tokio::test]
async fn no_match_is_nil_alone() {
    assert_values(&[
        ("select('#', ngx.re.match('a', 'b')), ngx.re.match('a', 'b')", "1, nil"),
        ("select('#', ngx.re.find('a', 'b')), ngx.re.find('a', 'b')", "1, nil"),
        ("select('#', ngx.re.match('a', 'a'))", "1"),
    ])
    .await;
}

#[tokio::test]
async fn bytes_are_matched_as_they_are() {
    assert_values(&[
        ("ngx.re.match('\\0\\255a', '\\255(.)')[1]", "a"),
        ("ngx.re.match('\\0\\255a', '[\\254-\\255]a')[0] == '\\255a'", "true"),
        ("ngx.re.match('a\\0b', 'a\\0b')[0] == 'a\\0b'", "true"),
        ("#ngx.re.match('\u{e4}', '.')[0], #ngx.re.match('\u{e4}', '.', 'u')[0]", "1, 2"),
    ])
    .await;
}

#[tokio::test]
async fn options_change_what_matches() {
    for (subject, regex, options, found) in [
        ("ABC", "b", "i", "B"),
        ("a\\nb", "a.b", "s", "a\\nb"),
        ("a\\nb", "^b", "m", "b"),
        ("ab", "a b # both", "x", "ab"),
        ("ab", "b", "a", "nil"),
        ("ab", "b|a", "a", "a"),
        ("ab", "a b # both", "ax", "ab"),
        ("ab", "(?x)a b # both", "a", "ab"),
        ("ba", "(?x)a # alone", "a", "nil"),
        ("ab", "a", "jo", "a"),
        ("\u{e4}b", ".b", "u", "\u{e4}b"),
        ("\u{e4}b", ".b", "U", "\u{e4}b"),
        ("aa", "(*UTF)\\\\x{61}", "", "a"),
        ("a)(b", "a\\\\)\\\\(b", "a", "a)(b"),
    ] {
        let source = format!(
            "(ngx.re.match(\"{subject}\", '{regex}', '{options}') or {{[0]='nil'}})[0] == \"{found}\""
        );
        assert_eq!(App::eval(&source).await, "true", "{source}");
    }
}

#[tokio::test]
async fn names_may_be_shared() {
    assert_values(&[
        ("ngx.re.match('ab', '(?<x>a)(?<x>b)', 'D').x", r#"["a","b"]"#),
        ("ngx.re.match('b', '(?<x>a)|(?<x>b)', 'D').x", r#"["b"]"#),
        ("ngx.re.match('c', '(?<x>a)?(?<x>b)?c', 'D').x", "nil"),
    ])
    .await;
    let source = "select(2, ngx.re.match('ab', '(?<x>a)(?<x>b)'))";
    let message = App::eval(source).await;
    assert!(
        message.starts_with("pcre2_compile() failed: two named subpatterns have the same name"),
        "{message}"
    );
}

#[tokio::test]
async fn javascript_reads_some_patterns_otherwise() {
    assert_values(&[
        ("ngx.re.match(']', '[]', 'J')", "nil"),
        ("ngx.re.match('\\n', '[^]', 'J') ~= nil", "true"),
        (r"ngx.re.match('a', '\\u0061', 'J')[0]", "a"),
        (r"ngx.re.match('u', '\\u', 'J')[0]", "u"),
        (r"ngx.re.match('x', '\\x', 'J')[0]", "x"),
        (r"ngx.re.match('b', '(a)?\\1b', 'J')[0], ngx.re.match('b', '(a)?\\1b')", "b, nil"),
        (r"ngx.re.match('aab', '(a)?\\1b', 'J')[0]", "aab"),
        (r"ngx.re.match('b', '(?<n>a)?\\k<n>b', 'J')[0]", "b"),
        (r"ngx.re.match('a]1', '[a\\]]+[[:digit:]]', 'J')[0]", "a]1"),
    ])
    .await;
}

#[tokio::test]
async fn without_groups_there_is_the_match_alone() {
    assert_values(&[
        ("#ngx.re.match('hello', '(h)(e)', 'd'), ngx.re.match('hello', '(h)(e)', 'd')[0]", "0, he"),
        ("ngx.re.match('hello', '(?<a>h)', 'd').a", "nil"),
        // Of several alternatives the first, not the longest.
        ("ngx.re.match('foobar', 'foo|foobar', 'd')[0]", "foo"),
        ("select(3, ngx.re.find('hello', '(h)', 'd', nil, 1))", "nth out of bound"),
    ])
    .await;
}

#[tokio::test]
async fn a_context_says_where_to_begin_and_where_the_match_ended() {
    assert_values(&[
        (
            "(function() local ctx, found = {}, {}
               for i = 1, 3 do found[i] = ngx.re.match('a1b22', '[0-9]', '', ctx)[0] .. ctx.pos end
               return found, ngx.re.match('a1b22', '[0-9]', '', ctx), ctx.pos end)()",
            r#"["13","25","26"], nil, 6"#,
        ),
        ("ngx.re.match('ab', '^b', '', {pos = 2})", "nil"),
        ("ngx.re.match('ab', '(?<=a)b', '', {pos = 2})[0]", "b"),
        ("ngx.re.match('ab', 'b', 'a', {pos = 2})[0]", "b"),
        ("ngx.re.match('ab', 'a', '', {pos = 0})[0], ngx.re.match('ab', 'a', '', {pos = -3})[0]", "a, a"),
        ("ngx.re.match('ab', '', '', {pos = 3})[0] == ''", "true"),
        ("ngx.re.match('ab', 'a', '', {pos = 4})", "nil, pcre_exec() failed: -33"),
        ("ngx.re.find('ab', 'a', '', {pos = 4})", "nil, nil, pcre_exec() failed: -33"),
        ("(function() local ctx = {pos = 2} return {ngx.re.find('abc', 'c', 'jo', ctx)}, ctx.pos end)()", "[3,3], 4"),
    ])
    .await;
}

#[tokio::test]
async fn a_table_can_be_used_again() {
    let source = "(function() local t = {'old', 'old', x = 1}
                   local m = ngx.re.match('ab', '(a)', '', nil, t)
                   return m == t, t[0], t[1], t[2], t.x end)()";
    assert_eq!(App::eval(source).await, "true, a, a, old, 1");
}

#[tokio::test]
async fn find_gives_the_place_of_the_match_or_of_a_group() {
    assert_values(&[
        ("ngx.re.find('hello, 1234', '([0-9])([0-9]+)')", "8, 11"),
        ("ngx.re.find('hello, 1234', '([0-9])([0-9]+)', 'jo', nil, 2)", "9, 11"),
        ("ngx.re.find('hello', '(x)?h', 'jo', nil, 1)", "nil, nil"),
        ("ngx.re.find('hello', 'h', 'jo', nil, 1)", "nil, nil, nth out of bound"),
        ("ngx.re.find('hello', 'l+', 'jo', nil, -1)", "3, 4"),
        ("ngx.re.find('hello', '')", "1, 0"),
    ])
    .await;
}

#[tokio::test]
async fn gmatch_walks_through_all_matches() {
    let all = |subject: &str, regex: &str, options: &str| {
        format!(
            "(function() local found = {{}}
               for m in ngx.re.gmatch('{subject}', '{regex}', '{options}') do found[#found + 1] = m[1] or m[0] end
               return table.concat(found, '|') end)()"
        )
    };
    for (subject, regex, options, found) in [
        ("hello, world!", "([a-z]+)", "i", "hello|world"),
        ("abc", "", "", "|||"),
        ("a1b2", "[0-9]*", "", "|1||2|"),
        ("abc", "x", "jo", ""),
        ("ab cd", "([a-z])", "jo", "a|b|c|d"),
    ] {
        assert_eq!(App::eval(&all(subject, regex, options)).await, found, "{regex}");
    }
    let end = "(function() local it = ngx.re.gmatch('a', 'a') it() return select('#', it()), it(), it() end)()";
    assert_eq!(App::eval(end).await, "1, nil, nil");
    let error = App::eval("ngx.re.gmatch('a', '(')").await;
    assert_eq!(error, "nil, pcre2_compile() failed: missing closing parenthesis in \"(\"");
}

#[tokio::test]
async fn sub_replaces_the_first_match_and_gsub_all() {
    assert_values(&[
        ("ngx.re.sub('hello, 1234', '([0-9])[0-9]', '[$0][$1]')", "hello, [12][1]34, 1"),
        ("ngx.re.sub('hello, 1234', '[0-9]', '${0}00')", "hello, 100234, 1"),
        ("ngx.re.sub('hello, 1234', '[0-9]', '$$')", "hello, $234, 1"),
        ("ngx.re.gsub('hello, world', '([a-z])[a-z]+', '[$0,$1]', 'i')", "[hello,h], [world,w], 2"),
        ("ngx.re.gsub('abc', '', '-')", "-a-b-c-, 4"),
        ("ngx.re.gsub('abc', 'x', '-')", "abc, 0"),
        ("ngx.re.gsub('abc', '(x)?b', '[$1]')", "a[]c, 1"),
        ("ngx.re.gsub('abc', 'b', '[$7]')", "a[]c, 1"),
        ("ngx.re.gsub('abc', 'b', 7)", "a7c, 1"),
        ("ngx.re.gsub('a.b.c', '\\\\.', '/', 'jo')", "a/b/c, 2"),
    ])
    .await;
}

#[tokio::test]
async fn a_function_makes_the_replacement() {
    assert_values(&[
        (
            "ngx.re.gsub('hello, world', '(h)?([a-z])[a-z]*', function(m)
               return '[' .. tostring(m[1]) .. m[2] .. ']' end)",
            "[he], [falsew], 2",
        ),
        ("ngx.re.sub('a b', '[a-z]', function() return '$0%1' end)", "$0%1 b, 1"),
        ("ngx.re.gsub('a b', '[a-z]', function() return nil end)", "nil nil, 2"),
        ("ngx.re.gsub('abc', '', function(m) return '-' end)", "-a-b-c-, 4"),
        ("ngx.re.gsub('abc', 'x', function() error('never') end)", "abc, 0"),
        (
            "ngx.re.gsub('abc', '(', function() error('never') end)",
            "nil, nil, pcre2_compile() failed: missing closing parenthesis in \"(\"",
        ),
        (
            "ngx.re.gsub('ab', '[a-z]', function(m)
               return (ngx.re.gsub(m[0] .. m[0], 'a', function() return 'x' end)) end)",
            "xxbb, 2",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_replacing_function_may_wait_and_may_end_the_request() {
    let app = App::access(
        "local text = ngx.re.gsub('ab', '.', function(m) ngx.sleep(0.001) return m[0] .. '!' end)
         require('recorder')(text)
         ngx.re.gsub('ab', '.', function() kong.response.exit(403) end)
         error('never')",
    )
    .await;
    assert_eq!(app.get("/").send().await.status, 403);
    assert_eq!(app.recorder.entries(), ["a!b!"]);
}

#[tokio::test]
async fn what_does_not_compile_says_why_and_where() {
    assert_values(&[
        (
            "ngx.re.match('a', '(a')",
            "nil, pcre2_compile() failed: missing closing parenthesis in \"(a\"",
        ),
        (
            "ngx.re.find('a', '(a')",
            "nil, nil, pcre2_compile() failed: missing closing parenthesis in \"(a\"",
        ),
        (
            "ngx.re.gsub('a', '(a', '')",
            "nil, nil, pcre2_compile() failed: missing closing parenthesis in \"(a\"",
        ),
        (
            "ngx.re.match('a', 'a)b')",
            "nil, pcre2_compile() failed: unmatched closing parenthesis in \"a)b\" at \")b\"",
        ),
        (
            "ngx.re.match('a', 'a)(b', 'a')",
            "nil, pcre2_compile() failed: unmatched closing parenthesis in \"a)(b\" at \")(b\"",
        ),
        ("ngx.re.gsub('a', 'a', '$')", "nil, nil, failed to compile the replacement template"),
        ("ngx.re.gsub('a', 'a', '$name')", "nil, nil, failed to compile the replacement template"),
        ("#select(2, ngx.re.match('a', ('('):rep(9999))) < 256", "true"),
        (
            "select(2, ngx.re.match('a', ('a'):rep(99999)))",
            "pcre2_compile() failed: regular expression is too large",
        ),
    ])
    .await;
}

#[tokio::test]
async fn bad_utf8_is_an_error_where_text_is_asked_for() {
    assert_values(&[("ngx.re.match('\\255', '.', 'u')", "nil, pcre_exec() failed: -23")]).await;
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    assert_errors(&[
        ("ngx.re.match('a', 'a', 'k')", "unknown flag \"k\" (flags \"k\")"),
        ("ngx.re.gsub('a', 'a', '', 'jo!')", "unknown flag \"!\" (flags \"jo!\")"),
        ("ngx.re.match('a', 'a', 1)", "bad argument #3 to 'match' (string expected, got number)"),
        ("ngx.re.gsub('a', 'a', '', 1)", "bad argument #4 to 'gsub' (string expected, got number)"),
        ("ngx.re.match('a')", "bad argument #2 to 'match' (string expected, got nil)"),
        (
            "ngx.re.match('a', 'a', '', 1)",
            "bad argument #4 to 'match' (table expected, got number)",
        ),
        (
            "ngx.re.match('a', 'a', '', {pos = {}})",
            "bad argument #4 to 'match' (number expected, got table)",
        ),
        (
            "ngx.re.match('a', 'a', '', nil, 1)",
            "bad argument #5 to 'match' (table expected, got number)",
        ),
        (
            "ngx.re.find('a', 'a', '', nil, {})",
            "bad argument #5 to 'find' (number expected, got table)",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_hostile_pattern_is_stopped() {
    for options in ["", "jo"] {
        for (regex, subject) in [
            ("(a+)+$", "('a'):rep(40) .. '!'"),
            ("(a|aa)+$", "('a'):rep(60) .. '!'"),
            ("a*a*a*a*a*a*[bc]", "('a'):rep(3000)"),
            ("(?:a?){18}[bc]", "('a'):rep(60000)"),
            ("(a|a)*[bc]", "('a'):rep(5000)"),
            ("(.*?,){11}[PQ]", "('1,'):rep(2000)"),
        ] {
            let source = format!(
                "local m, err = ngx.re.match({subject}, '{regex}', '{options}')
                 kong.response.exit(200, tostring(m) .. ' ' .. tostring(err))"
            );
            let app = App::builder().budget(Budget::unlimited()).access(&source).serve().await;
            let started = Instant::now();
            let text = app.get("/").send().await.text();
            // Out of steps; or, compiled to machine code, out of stack.
            let ends = ["nil pcre_exec() failed: -47", "nil pcre_exec() failed: -46"];
            assert!(ends.contains(&&*text), "{regex} {options}: {text}");
            assert!(started.elapsed() < Duration::from_secs(5), "{regex} {options}");
        }
    }
}

#[tokio::test]
async fn matches_have_no_more_time_than_a_call() {
    let app = App::builder()
        .budget(Budget::default())
        .access(
            "for _ = 1, 1000 do ngx.re.match(('a'):rep(40) .. '!', '(a+)+$', 'jo') end
             kong.response.exit(200, 'done')",
        )
        .serve()
        .await;
    let started = Instant::now();
    assert_eq!(app.get("/").send().await.status, 500);
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_long_subject_is_searched_to_its_end() {
    assert_values(&[
        ("ngx.re.find(('a'):rep(200000) .. 'b', 'b', 'jo')", "200001, 200001"),
        ("ngx.re.find(('a'):rep(20000) .. 'b', '(?:a|c)+b', '')", "1, 20001"),
        ("ngx.re.match(('{'):rep(50) .. ('}'):rep(50), [[\\{(?:[^{}]|(?R))*\\}]], 'jo')[0] == ('{'):rep(50) .. ('}'):rep(50)", "true"),
        ("#ngx.re.gsub(('a'):rep(5000), 'a', 'bc', 'jo')", "10000"),
    ])
    .await;
}

#[tokio::test]
async fn a_result_has_the_size_of_the_vm_at_most() {
    let app = App::builder()
        .budget(Budget::default().memory(8 << 20))
        .access(
            "local text = ('b'):rep(100000)
             local ok, why = pcall(ngx.re.gsub, ('a'):rep(1000), 'a', text)
             kong.response.exit(200, tostring(ok) .. ' ' .. why)",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "false not enough memory");
}

#[tokio::test]
async fn more_patterns_than_the_cache_holds_work() {
    let app = App::builder()
        .budget(Budget::unlimited())
        .access(
            "local sum = 0
             for i = 1, 1500 do sum = sum + ngx.re.match('a' .. i, 'a(' .. i .. ')', 'o')[1] end
             kong.response.exit(200, tostring(sum))",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "1125750");
}

#[tokio::test]
async fn what_is_wrong_with_a_replacement_is_in_the_log() {
    for (replacement, logged) in [
        (
            "[$hello]",
            "attempt to use named capturing variable \"hello\" (named captures not supported yet)",
        ),
        ("${12", "the closing bracket in \"12\" variable is missing"),
        ("a$", "lua script: invalid capturing variable name found in \"a$\""),
    ] {
        let events = Events::capture();
        let source = format!("ngx.re.sub('a', 'a', '{replacement}')");
        let answer = App::eval(&source).await;
        assert_eq!(answer, "nil, nil, failed to compile the replacement template");
        assert!(events.messages()[0].ends_with(logged), "{:?}", events.messages());
    }
}
