//! Encodings and digests.

use super::{assert_errors, assert_values};

const HEX: &str = "(function(s) return (s:gsub('.', function(c) return \
                   ('%02x'):format(c:byte()) end)) end)";

#[tokio::test]
async fn base64_encodes() {
    assert_values(&[
        ("ngx.encode_base64('')", ""),
        ("ngx.encode_base64('f')", "Zg=="),
        ("ngx.encode_base64('fo')", "Zm8="),
        ("ngx.encode_base64('foo')", "Zm9v"),
        ("ngx.encode_base64('\\251\\255\\0')", "+/8A"),
        ("ngx.encode_base64('f', true)", "Zg"),
        ("ngx.encode_base64('f', false)", "Zg=="),
        ("#ngx.encode_base64(('x'):rep(3e6))", "4000000"),
    ])
    .await;
}

#[tokio::test]
async fn base64_decodes_with_and_without_padding() {
    assert_values(&[
        ("ngx.decode_base64('')", ""),
        ("ngx.decode_base64('Zg==')", "f"),
        ("ngx.decode_base64('Zg')", "f"),
        ("ngx.decode_base64('Zg=')", "f"),
        ("ngx.decode_base64('Zm9v')", "foo"),
        ("ngx.decode_base64('+/8A') == '\\251\\255\\0'", "true"),
        ("ngx.decode_base64('Zh==')", "f"),
        ("ngx.decode_base64('Zg==Zg==')", "f"),
        ("ngx.decode_base64('Zm9v= not looked at')", "foo"),
    ])
    .await;
}

#[tokio::test]
async fn what_is_no_base64_is_nil() {
    assert_values(&[
        ("ngx.decode_base64('Z')", "nil"),
        ("ngx.decode_base64('Zm9vZ')", "nil"),
        ("ngx.decode_base64('Zm 9v')", "nil"),
        ("ngx.decode_base64('-_8A')", "nil"),
        ("ngx.decode_base64('\\255\\255')", "nil"),
    ])
    .await;
}

#[tokio::test]
async fn digests_are_those_of_everybody() {
    assert_values(&[
        ("ngx.md5('hello')", "5d41402abc4b2a76b9719d911017c592"),
        (&format!("{HEX}(ngx.md5_bin('hello'))"), "5d41402abc4b2a76b9719d911017c592"),
        (&format!("{HEX}(ngx.sha1_bin('abc'))"), "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("ngx.crc32_short('123456789')", "3421780262"),
        ("ngx.crc32_long('123456789')", "3421780262"),
        ("ngx.md5('\\0\\255')", "d07d34efac6328007ad67c7e0a985e00"),
    ])
    .await;
}

#[tokio::test]
async fn a_text_is_signed() {
    let source = "ngx.encode_base64(ngx.hmac_sha1('thisisverysecretstuff', \
                  'some string we want to sign'))";
    assert_values(&[
        (source, "R/pvxzHC4NLtj7S+kXFg/NePTmk="),
        ("ngx.hmac_sha1(1, 2) == ngx.hmac_sha1('1', '2')", "true"),
        ("#ngx.hmac_sha1('', '')", "20"),
    ])
    .await;
}

#[tokio::test]
async fn what_is_no_string_is_taken_for_its_text() {
    for function in
        ["encode_base64", "md5", "md5_bin", "sha1_bin", "crc32_short", "crc32_long", "escape_uri"]
    {
        for (value, text) in [("nil", "''"), ("false", "''"), ("12", "'12'"), ("true", "'true'")] {
            let same = format!("ngx.{function}({value}) == ngx.{function}({text})");
            assert_values(&[(&same, "true")]).await;
        }
    }
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    assert_errors(&[
        ("ngx.encode_base64('a', 1)", "bad no_padding: boolean expected, got number"),
        ("ngx.decode_base64()", "string argument only"),
        ("ngx.decode_base64(12)", "string argument only"),
        ("ngx.hmac_sha1('key')", "bad argument #2 to 'hmac_sha1' (string expected, got nil)"),
        ("ngx.hmac_sha1({}, 'x')", "bad argument #1 to 'hmac_sha1' (string expected, got table)"),
    ])
    .await;
}

#[tokio::test]
async fn base64_of_mail_may_have_anything_between() {
    assert_values(&[
        ("ngx.decode_base64mime('aGVs\\r\\n bG8=')", "hello"),
        ("ngx.decode_base64mime('aGVs-bG8')", "hello"),
        ("ngx.decode_base64mime('aGVsbG8=ignored')", "hello"),
        ("ngx.decode_base64mime('') == ''", "true"),
        ("ngx.decode_base64mime('a')", "nil"),
        ("ngx.decode_base64mime('aGVsb')", "nil"),
    ])
    .await;
    assert_errors(&[("ngx.decode_base64mime(1)", "string argument only")]).await;
}

#[tokio::test]
async fn a_text_is_quoted_for_sql() {
    assert_values(&[
        ("ngx.quote_sql_str('')", "''"),
        ("ngx.quote_sql_str('hello')", "'hello'"),
        (r#"ngx.quote_sql_str("'\\\"")"#, r#"'\'\\\"'"#),
        (r"ngx.quote_sql_str('\n\r\t\b\0\26')", r"'\n\r\t\b\0\Z'"),
        ("ngx.quote_sql_str(7)", "'7'"),
    ])
    .await;
    assert_errors(&[
        ("ngx.quote_sql_str()", "expecting one argument"),
        ("ngx.quote_sql_str('a', 'b')", "expecting one argument"),
        (
            "ngx.quote_sql_str({})",
            "bad argument #1 to 'quote_sql_str' (string expected, got table)",
        ),
    ])
    .await;
}
