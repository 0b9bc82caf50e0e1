//! `resty.string`.

use crate::api::ngx::{assert_errors, assert_values};

#[tokio::test]
async fn to_hex_gives_two_digits_a_byte() {
    assert_values(&[
        ("require('resty.string').to_hex('')", ""),
        ("require('resty.string').to_hex('\\0a\\255')", "0061ff"),
        ("#require('resty.string').to_hex(string.rep('a', 5000))", "10000"),
    ])
    .await;
}

#[tokio::test]
async fn atoi_reads_digits_alone() {
    assert_values(&[
        ("require('resty.string').atoi('0042')", "42"),
        ("require('resty.string').atoi('9007199254740992')", "9.007199254741e+15"),
        ("require('resty.string').atoi('')", "-1"),
        ("require('resty.string').atoi('-1')", "-1"),
        ("require('resty.string').atoi('+1')", "-1"),
        ("require('resty.string').atoi('1a')", "-1"),
        ("require('resty.string').atoi('99999999999999999999')", "-1"),
    ])
    .await;
}

#[tokio::test]
async fn arguments_are_checked() {
    for (value, kind) in [("nil", "nil"), ("5", "number"), ("{}", "table")] {
        for name in ["to_hex", "atoi"] {
            let error = format!("attempt to get length of local 's' (a {kind} value)");
            assert_errors(&[(&*format!("require('resty.string').{name}({value})"), &*error)]).await;
        }
    }
}
