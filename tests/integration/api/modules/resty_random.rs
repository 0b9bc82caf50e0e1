//! `resty.random`.

use crate::api::ngx::{assert_errors, assert_values};
use crate::support::App;

#[tokio::test]
async fn it_gives_as_many_bytes_as_are_asked_for() {
    assert_values(&[
        ("#require('resty.random').bytes(16)", "16"),
        ("#require('resty.random').bytes(16, true)", "16"),
        ("#require('resty.random').bytes(16, false)", "16"),
        ("#require('resty.random').bytes('3')", "3"),
        ("#require('resty.random').bytes(0)", "0"),
    ])
    .await;
}

#[tokio::test]
async fn they_differ_each_time() {
    let hex = "require('resty.string').to_hex(require('resty.random').bytes(16))";
    let (first, second) = (App::eval(hex).await, App::eval(hex).await);
    assert_ne!(first, second);
}

#[tokio::test]
async fn arguments_are_checked() {
    let too_large = "bad argument #1 to 'ffi_new' (size of C type is unknown or too large)";
    assert_errors(&[
        (
            "require('resty.random').bytes()",
            "bad argument #2 to 'ffi_new' (cannot convert 'nil' to 'int')",
        ),
        ("require('resty.random').bytes(-1)", too_large),
        ("require('resty.random').bytes(2^40)", too_large),
        ("require('resty.random').bytes(0/0)", too_large),
    ])
    .await;
}

#[tokio::test]
async fn more_than_a_vm_may_have_is_not_enough_memory() {
    let text = App::eval("pcall(require('resty.random').bytes, 2^30)").await;
    assert_eq!(text, "false, not enough memory");
}
