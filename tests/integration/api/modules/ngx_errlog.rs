//! `ngx.errlog`.

use crate::api::ngx::{assert_errors, assert_values};
use crate::support::{App, Events};

#[tokio::test]
async fn raw_log_writes_its_message_as_it_is() {
    let events = Events::capture();
    let app = App::access("require('ngx.errlog').raw_log(ngx.WARN, 'hello\\0')").await;
    app.get("/").send().await;
    let event = events.all().into_iter().find(|event| event.target == "tower_lua::log").unwrap();
    assert_eq!((&*event.level, event.message()), ("WARN", "hello\0"));
    assert_eq!(event.field("level"), "warn");
}

#[tokio::test]
async fn a_long_message_is_cut() {
    let events = Events::capture();
    let app = App::access("require('ngx.errlog').raw_log(ngx.ERR, string.rep('a', 1000000))").await;
    app.get("/").send().await;
    assert_eq!(events.messages()[0].len(), 2048);
}

#[tokio::test]
async fn raw_log_checks_its_arguments() {
    assert_errors(&[
        (
            "require('ngx.errlog').raw_log('1', 'a')",
            "bad argument #1 to 'raw_log' (must be a number)",
        ),
        ("require('ngx.errlog').raw_log(1, 2)", "bad argument #2 to 'raw_log' (must be a string)"),
        ("require('ngx.errlog').raw_log(9, 'a')", "bad log level"),
        ("require('ngx.errlog').raw_log(-1, 'a')", "bad log level"),
        ("require('ngx.errlog').raw_log(0/0, 'a')", "bad log level"),
    ])
    .await;
}

#[tokio::test]
async fn the_filter_level_is_that_of_whoever_listens() {
    // The tests' own collector wants to know everything.
    let _events = Events::capture();
    assert_values(&[("require('ngx.errlog').get_sys_filter_level() == ngx.DEBUG", "true")]).await;
}

#[tokio::test]
async fn there_is_no_ring_buffer_of_messages() {
    let not_set = "nil, directive \"lua_capture_error_log\" is not set";
    assert_values(&[
        ("require('ngx.errlog').get_logs()", not_set),
        ("require('ngx.errlog').set_filter_level(ngx.ERR)", not_set),
        ("require('ngx.errlog').set_filter_level()", "nil, missing \"level\" argument"),
    ])
    .await;
}
