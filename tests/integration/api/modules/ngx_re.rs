//! `ngx.re` as a module.

use crate::api::ngx::{assert_errors, assert_values};
use crate::support::App;

/// What `split` makes of `arguments`: the parts, joined.
async fn split(arguments: &str) -> String {
    App::eval(&format!(
        "(function() local parts, err = require('ngx.re').split({arguments})
          if err then return err end
          local texts = {{}}
          for i, part in ipairs(parts) do texts[i] = part end
          return table.concat(texts, '|') end)()"
    ))
    .await
}

// What lua-resty-core's own tests expect.
#[tokio::test]
async fn a_text_is_split_where_the_expression_matches() {
    for (arguments, parts) in [
        ("'a,b,c,d', ','", "a|b|c|d"),
        ("'a;,b;,c;,d;e', ';,'", "a|b|c|d;e"),
        ("'a,b,c,d', ',', 'jo'", "a|b|c|d"),
        ("'abcd', ','", "abcd"),
        ("'', ','", ""),
        ("',a,b,c,d,', ','", "|a|b|c|d"),
        ("'a,b,cd,,,', ','", "a|b|cd"),
        ("1234512345, '23', 'jo'", "1|451|45"),
        ("'abcd,erfg;hello world', ',|;'", "abcd|erfg|hello world"),
    ] {
        assert_eq!(split(arguments).await, parts, "{arguments}");
    }
}

#[tokio::test]
async fn the_first_capture_is_a_part_too() {
    for (arguments, parts) in [
        ("'a;,b;,c;,d,e', '(;),'", "a|;|b|;|c|;|d,e"),
        ("'a,b,c,d,e', '(;)|,'", "a|b|c|d|e"),
        ("'a,b,c,d,e', '(,)', nil, nil, 3", "a|,|b|,|c,d,e"),
        ("'abcd', '()'", "a||b||c||d"),
    ] {
        assert_eq!(split(arguments).await, parts, "{arguments}");
    }
}

#[tokio::test]
async fn there_may_be_a_limit() {
    for (max, parts) in [
        (-1, "a|b|cd"),
        (0, "a|b|cd"),
        (1, "a,b,cd,,,"),
        (2, "a|b,cd,,,"),
        (3, "a|b|cd,,,"),
        (4, "a|b|cd|,,"),
        (5, "a|b|cd||,"),
        (6, "a|b|cd|||"),
        (7, "a|b|cd|||"),
    ] {
        assert_eq!(split(&format!("'a,b,cd,,,', ',', nil, nil, {max}")).await, parts, "{max}");
    }
}

#[tokio::test]
async fn what_matches_nothing_splits_between_bytes() {
    for (arguments, parts) in [
        ("'12345', ''", "1|2|3|4|5"),
        ("'12345', '', 'jo', nil, 3", "1|2|345"),
        ("'12345', '', 'jo', {pos = 2}", "2|3|4|5"),
        ("'12345', '', 'jo', {pos = 2}, 2", "2|345"),
        ("'abcd', '|'", "a|b|c|d"),
        ("'ab\\ncd\\nef', '^'", "ab\ncd\nef"),
        ("'ab\\ncd\\nef', '^', 'm'", "ab\n|cd\n|ef"),
        ("'ab\\ncd\\nef', '^()', 'm'", "ab\n||cd\n||ef"),
        ("'ab\\ncd\\nef', '^', 'm', nil, 2", "ab\n|cd\nef"),
        ("'ab\\n1cdefg\\n2hij', [[^(\\d)]], 'm'", "ab\n|1|cdefg\n|2|hij"),
    ] {
        assert_eq!(split(arguments).await, parts, "{arguments}");
    }
}

#[tokio::test]
async fn it_begins_where_it_is_told_and_fills_the_table_it_is_given() {
    for (arguments, parts) in [
        ("'a,b,c,d,e', ',', nil, {pos = 5}", "c|d|e"),
        ("'a,b,c,d,e', ',', nil, {pos = 10}", ""),
        ("'a,b,c,d,e', ',', nil, nil, nil, {1, 2, 3, 4, 5, 6, 7, 8}", "a|b|c|d|e"),
        ("'a,b,c,d,e', ',', nil, nil, 3, {1, 2, 3, 4, 5}", "a|b|c,d,e"),
    ] {
        assert_eq!(split(arguments).await, parts, "{arguments}");
    }
    let same = "(function() local t = {} return require('ngx.re').split('a', ',', nil, nil, 0, t) == t end)()";
    assert_values(&[(same, "true")]).await;
}

#[tokio::test]
async fn what_is_no_expression_is_said() {
    let error = split("'a,b', '('").await;
    assert!(error.starts_with("pcre2_compile() failed: "), "{error}");
    assert_errors(&[
        ("require('ngx.re').split('a', 'b', nil, nil, 0, 5)", "res is not a table"),
        ("require('ngx.re').opt('speed', 5)", "unrecognized option name"),
    ])
    .await;
    assert_values(&[("require('ngx.re').opt('jit_stack_size', 65536)", "")]).await;
}
