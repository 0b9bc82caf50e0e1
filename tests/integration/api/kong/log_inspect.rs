//! `kong.log.inspect`.

use crate::support::{App, Events};

/// What `kong.log.inspect(arguments)` writes after the first line, which names the place.
async fn inspected(arguments: &str) -> String {
    let events = Events::capture();
    App::access(&format!("kong.log.inspect({arguments})")).await.get("/").send().await;
    let message = events.messages().concat();
    let (first, rest) = message.split_once('\n').expect(&message);
    assert!(first.ends_with(":?:1 [pre-function]"), "{first}");
    rest.to_owned()
}

#[tokio::test]
async fn values_are_shown_as_lua_would_read_them() {
    for (arguments, expected) in [
        ("'hello', 1.5, true, nil", r#""hello" 1.5 true nil"#),
        ("", ""),
        (r#"'say "hi"'"#, r#"'say "hi"'"#),
        (r#"'it\'s "me"'"#, r#""it's \"me\"""#),
        (r"'\\ \n \t \0 \0011 \27 \127'", r#""\\ \n \t \0 \0011 \27 \127""#),
        ("{}", "{}"),
        ("{ 1, 'b', false }", r#"{ 1, "b", false }"#),
        ("{ hello = 'world' }", "{\n  hello = \"world\"\n}"),
        ("{ a = 'foo', b = { c = 1 } }", "{\n  a = \"foo\",\n  b = {\n    c = 1\n  }\n}"),
        ("{ 1, 2, x = 3 }", "{ 1, 2,\n  x = 3\n}"),
        (
            "{ b = 1, [10] = 2, [2] = 3, ['end'] = 4, ['a b'] = 5, [true] = 6, _1 = 7, [1.5] = 8 }",
            "{\n  [1.5] = 8,\n  [2] = 3,\n  [10] = 2,\n  [true] = 6,\n  _1 = 7,\n  [\"a b\"] = 5,\n  \
             b = 1,\n  [\"end\"] = 4\n}",
        ),
        (
            "{ print, print, type, ngx.null }",
            "{ <function 1>, <function 1>, <function 2>, <userdata 1> }",
        ),
    ] {
        assert_eq!(inspected(arguments).await, expected, "{arguments}");
    }
}

#[tokio::test]
async fn a_table_that_occurs_again_is_shown_once() {
    let tables = "(function() local t = { 1 } return { t, t } end)()";
    assert_eq!(inspected(tables).await, "{ <1>{ 1 }, <table 1> }");
    let circle = "(function() local t = {} t.self = t return t end)()";
    assert_eq!(inspected(circle).await, "<1>{\n  self = <table 1>\n}");
}

#[tokio::test]
async fn depth_has_an_end() {
    let deep = "(function() local t = {} for _ = 1, 10000 do t = { t } end return t end)()";
    let expected = format!("{}{{...}}{}", "{ ".repeat(32), " }".repeat(32));
    assert_eq!(inspected(deep).await, expected);
}

#[tokio::test]
async fn it_can_be_switched_off_and_on() {
    let events = Events::capture();
    let app = App::access(
        "kong.log.inspect('log me')
         kong.log.inspect.off()
         kong.log.inspect('hidden')
         kong.log.inspect.on()
         kong.log.inspect('log again')",
    )
    .await;
    app.get("/").send().await;
    let seen: Vec<_> =
        events.messages().iter().map(|m| m.lines().last().unwrap().to_owned()).collect();
    assert_eq!(seen, [r#""log me""#, r#""log again""#]);
}

#[tokio::test]
async fn the_place_names_the_function() {
    let events = Events::capture();
    let source = "local function handle()\n  kong.log.inspect('a')\nend\nhandle()";
    App::access(source).await.get("/").send().await;
    let message = events.messages().concat();
    assert_eq!(
        message,
        "[kong] [string \"local function handle()...\"]:handle:2 [pre-function]\n\"a\""
    );
}

#[tokio::test]
async fn switching_it_off_is_each_functions_own_business() {
    let events = Events::capture();
    let app = App::builder()
        .access("kong.log.inspect.off() kong.log.inspect('first')")
        .access("kong.log.inspect('second')")
        .serve()
        .await;
    app.get("/").send().await;
    let messages = events.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].ends_with(r#""second""#), "{messages:?}");
}

#[tokio::test]
async fn no_value_makes_a_line_of_any_length() {
    let source = "local s, t = ('x'):rep(1000000), {} for i = 1, 10000 do t[i] = s end
                  kong.log.inspect(t, t, s)";
    let events = Events::capture();
    App::access(source).await.get("/").send().await;
    assert_eq!(events.messages().len(), 1);
    assert!(events.messages()[0].len() <= 64 * 1024);
}
