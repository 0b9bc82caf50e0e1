//! `kong.log`.

use tower_lua::Phase;

use crate::support::{App, Events};

/// The messages that `source` writes in `access`.
async fn messages(source: &str) -> Vec<String> {
    let events = Events::capture();
    App::access(source).await.get("/").send().await;
    events.messages()
}

#[tokio::test]
async fn a_line_names_the_place_and_the_plugin() {
    assert_eq!(
        messages("\n\nkong.log.err('hello')").await,
        [r#"[kong] [string "..."]:3 [pre-function] hello"#]
    );
    assert_eq!(
        messages("kong.log.err('hello')").await,
        [r#"[kong] [string "kong.log.err('hello')"]:1 [pre-function] hello"#]
    );
}

#[tokio::test]
async fn a_line_carries_its_circumstances_as_fields() {
    let events = Events::capture();
    let app =
        App::builder().post_function(Phase::HeaderFilter, "kong.log.crit('hello')").serve().await;
    app.get("/").send().await;
    let event = &events.all()[0];
    let fields = ["level", "plugin", "functions", "phase"].map(|name| event.field(name));
    assert_eq!(fields, ["crit", "post-function", "post", "header_filter"]);
    assert_eq!(event.target, "tower_lua::log");
}

#[tokio::test]
async fn nginxs_levels_become_those_of_tracing() {
    for (function, level) in [
        ("kong.log.emerg", "ERROR"),
        ("kong.log.alert", "ERROR"),
        ("kong.log.crit", "ERROR"),
        ("kong.log.err", "ERROR"),
        ("kong.log.warn", "WARN"),
        ("kong.log.notice", "INFO"),
        ("kong.log", "INFO"),
        ("kong.log.info", "INFO"),
        ("kong.log.debug", "DEBUG"),
        ("kong.log.deprecation", "WARN"),
        ("kong.log.deprecation.write", "WARN"),
    ] {
        let events = Events::capture();
        App::access(&format!("{function}('hello')")).await.get("/").send().await;
        let all = events.all();
        assert_eq!((all.len(), &*all[0].level), (1, level), "{function}");
        assert!(all[0].message().ends_with(":1 [pre-function] hello"), "{function}");
    }
}

#[tokio::test]
async fn values_are_written_one_after_the_other() {
    for (arguments, expected) in [
        ("'a', 1, 2.5, true, nil", "a12.5truenil"),
        ("", ""),
        ("nil", "nil"),
        ("1e100, -0.1, 2^53", "1e+100-0.19.007199254741e+15"),
        ("ngx.null", "userdata: NULL"),
        (r"'line\nbreak'", "line\nbreak"),
        (r"'\255'", "\u{fffd}"),
    ] {
        let message = messages(&format!("kong.log.notice({arguments})")).await.concat();
        let (_, message) = message.split_once("[pre-function] ").unwrap();
        assert_eq!(message, expected, "{arguments}");
    }
    let message = messages("kong.log.notice({}, print)").await.concat();
    assert!(message.contains("[pre-function] table: 0x"), "{message}");
    assert!(message.contains("function: "), "{message}");
}

#[tokio::test]
async fn trace_says_nothing() {
    assert!(messages("kong.log.trace('hello')").await.is_empty());
}

#[tokio::test]
async fn what_nobody_listens_to_costs_nothing_and_breaks_nothing() {
    let app =
        App::access("kong.log.err('hello') kong.log.inspect({}) kong.response.exit(204)").await;
    assert_eq!(app.get("/").send().await.status, 204);
}

#[tokio::test]
async fn a_deprecation_says_since_when_and_until_when() {
    for (options, note) in [
        ("", ""),
        (", { after = '2.6.0' }", " (deprecated after 2.6.0)"),
        (", { removal = '3.0.0' }", " (scheduled for removal in 3.0.0)"),
        (
            ", { after = '2.6.0', removal = 3 }",
            " (deprecated after 2.6.0, scheduled for removal in 3)",
        ),
        (", {}", ""),
    ] {
        let message =
            messages(&format!("kong.log.deprecation('x ', 'is old'{options})")).await.concat();
        assert!(message.ends_with(&format!("[pre-function] x is old{note}")), "{message}");
    }
}

#[tokio::test]
async fn tables_that_know_their_text_show_it() {
    let source = "local n = require('resty.openssl.bn').new(7)
        kong.log.err('n = ', n, nil, n) kong.log(n) kong.log.deprecation(n, { after = '1.0' })
        kong.log.new('own', '%namespace %message').warn(n, ';')
        kong.log.set_format('%message;') kong.log.crit(n)";
    let messages = messages(source).await;
    let ends = ["n = 7nil7", "7", "7 (deprecated after 1.0)", "own 7;", "7;"];
    assert_eq!(messages.len(), ends.len(), "{messages:?}");
    for (message, end) in messages.iter().zip(ends) {
        assert!(message.ends_with(&format!(" {end}")), "{message}");
    }
}
