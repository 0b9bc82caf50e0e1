//! `kong.log.new` and `kong.log.set_format`: facilities with names and formats of their own.

use crate::support::{App, Events};

/// The messages that `source` writes in `access`.
async fn messages(source: &str) -> Vec<String> {
    let events = Events::capture();
    App::access(source).await.get("/").send().await;
    events.messages()
}

#[tokio::test]
async fn a_facility_has_a_namespace_in_the_place_of_the_plugin() {
    let source = "local log = kong.log.new('my_namespace')\nlog('hello ', 'world', 1, nil)";
    assert_eq!(
        messages(source).await,
        [
            r#"[kong] [string "local log = kong.log.new('my_namespace')..."]:2 [my_namespace] hello world1nil"#
        ]
    );
}

#[tokio::test]
async fn a_format_has_modifiers() {
    for (format, expected) in [
        ("%message", "hello"),
        ("a useless format", "a useless format"),
        ("%message | %message", "hello | hello"),
        ("{%namespace} %message", "{my_namespace} hello"),
        ("line(%line_src) file(%file_src)", r#"line(2) file([string "..."])"#),
        ("func(%func_name) %message", "func(handle) hello"),
        (
            "%%namespace %%file_src %%func_name %%message %message",
            "%%namespace %%file_src %%func_name %%message hello",
        ),
    ] {
        let source = format!(
            "\nlocal log = kong.log.new('my_namespace', '{format}') \
             local function handle() log.err('hello') end handle()"
        );
        let message = messages(&source).await.concat();
        assert_eq!(message, format!("[kong] {expected}"), "{format}");
    }
}

#[tokio::test]
async fn outside_of_all_functions_there_is_no_name() {
    let source = "kong.log.new('a', 'func(%func_name)')('hello')";
    assert_eq!(messages(source).await, ["[kong] func(?)"]);
}

#[tokio::test]
async fn a_facility_has_all_that_kong_log_has() {
    let events = Events::capture();
    let source = "local log = kong.log.new('n', '[%namespace] %message')
         for _, level in ipairs({ 'emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug' }) do
           log[level](level)
         end
         log.trace('trace')
         log.deprecation('old', { after = '1.0' })
         log.deprecation.write('older')
         log.inspect('shown')
         log.inspect.off()
         log.inspect('hidden')
         log.inspect.on()
         log.new('other', '%namespace %message')('inner')
         log.set_serialize_value('field', 'value')";
    let app = App::builder()
        .access(source)
        .log("local log = kong.log.new('n') require('recorder')(log.serialize().field)")
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["value"]);
    let seen: Vec<_> = events
        .all()
        .iter()
        .map(|event| format!("{} {}", event.field("level"), event.message()))
        .collect();
    assert_eq!(
        seen,
        [
            "emerg [kong] [n] emerg",
            "alert [kong] [n] alert",
            "crit [kong] [n] crit",
            "err [kong] [n] err",
            "warn [kong] [n] warn",
            "notice [kong] [n] notice",
            "info [kong] [n] info",
            "debug [kong] [n] debug",
            "warn [kong] [n] old (deprecated after 1.0)",
            "warn [kong] [n] older",
            "notice [kong] [string \"local log = kong.log.new('n', '[%namespace] %...\"]:?:8 [n]\n\"shown\"",
            "notice [kong] other inner",
        ]
    );
}

fn first_line(source: &str) -> &str {
    source.lines().next().unwrap_or_default()
}

#[tokio::test]
async fn the_format_of_kong_log_can_be_changed_and_changed_back() {
    let source = "local log = kong.log
        log.set_format('<%namespace> %message')
        log('a') log.err('b') kong.log.warn('c') log.deprecation('d')
        log.set_format(nil)
        log.info('e')";
    let seen = messages(source).await;
    let place = format!("[kong] [string \"{}...\"]:5", first_line(source));
    assert_eq!(
        seen,
        [
            "[kong] <pre-function> a",
            "[kong] <pre-function> b",
            "[kong] <pre-function> c",
            "[kong] <pre-function> d",
            &format!("{place} [pre-function] e"),
        ]
    );
}

#[tokio::test]
async fn a_format_is_each_functions_own_and_stays() {
    let events = Events::capture();
    let app = App::builder()
        .access("kong.log.set_format('first %message') return function() kong.log('a') end")
        .access("kong.log('b')")
        .serve()
        .await;
    app.get("/").send().await;
    app.get("/").send().await;
    let seen = events.messages();
    let other = r#"[kong] [string "kong.log('b')"]:1 [pre-function] b"#;
    assert_eq!(seen, ["[kong] first a", other, "[kong] first a", other]);
}

#[tokio::test]
async fn a_deprecation_can_show_the_stack() {
    let source =
        "local function old()\n  kong.log.deprecation('x is old', { trace = true })\nend\nold()";
    let message = messages(source).await.concat();
    let (line, stack) = message.split_once('\n').unwrap();
    assert!(line.ends_with("[pre-function] x is old stack traceback:"), "{message}");
    assert!(stack.contains(":2: in function 'old'"), "{message}");
    assert!(!message.contains("tower-lua"), "{message}");
}

#[tokio::test]
async fn no_argument_makes_a_line_of_any_length() {
    let source = "local s = ('x'):rep(1000000)
                  kong.log(s, s, s) kong.log.new('n', ('%message'):rep(1000))(s, s)";
    let lengths: Vec<_> = messages(source).await.iter().map(String::len).collect();
    assert_eq!(lengths.len(), 2);
    assert!(lengths.iter().all(|&length| length <= 65 * 1024), "{lengths:?}");
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    for (call, message) in [
        ("new", "namespace must be a string"),
        ("new, {}", "namespace must be a string"),
        ("new, ''", "namespace cannot be an empty string"),
        ("new, 'a', 1", "format must be a string if specified"),
        ("new, 'a', ''", "format cannot be an empty string if specified"),
        ("set_format, 1", "format must be a string"),
        ("set_format, {}", "format must be a string"),
    ] {
        let source = format!("select(2, pcall(kong.log.{call}))");
        assert_eq!(App::eval(&source).await, message, "{call}");
    }
}
