//! `kong.tracing`: spans that functions make.

use crate::support::{App, Events, Spans};

/// The spans that `source` makes in `access`, in the order of their ends: the last is the root.
async fn spans(source: &str) -> Vec<crate::support::Span> {
    let spans = Spans::capture();
    App::access(&format!("local tracing = kong.tracing {source}")).await.get("/").send().await;
    spans.closed()
}

#[tokio::test]
async fn a_span_reaches_whoever_listens_to_tracing() {
    let source = "local span = tracing.start_span('look up', { span_kind = 3 })
                  span:set_attribute('host', 'cache')
                  span:finish()";
    let spans = spans(source).await;
    assert_eq!(spans.len(), 2, "{spans:?}");
    let [span, root] = [&spans[0], &spans[1]];
    assert_eq!(
        (&*span.name, &*span.parent, span.field("otel.kind")),
        ("look up", "kong", "client")
    );
    assert_eq!(span.field("attributes"), r#"{"host":"cache"}"#);
    assert_eq!(span.field("parent_id"), root.field("span_id"));
    assert_eq!(span.field("trace_id"), root.field("trace_id"));
    assert_eq!((span.field("span_id").len(), span.field("trace_id").len()), (16, 32));
    let time = |name| span.field(name).parse::<f64>().unwrap();
    assert!(time("start_time_ns") > 1e18 && time("end_time_ns") >= time("start_time_ns"));
    assert_eq!(
        (&*root.name, root.field("otel.kind"), root.field("attributes")),
        ("kong", "server", "")
    );
}

#[tokio::test]
async fn the_root_belongs_to_the_span_of_the_application() {
    use tower::{Layer as _, ServiceExt as _, service_fn};
    use tower_lua::{Functions, PreFunctionLayer};
    use tracing::Instrument as _;

    let spans = Spans::capture();
    let source = "kong.tracing.start_span('inner'):finish()";
    let layer = PreFunctionLayer::new(Functions::access("test", source).unwrap());
    let service = layer.layer(service_fn(|_: http::Request<_>| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    }));
    let request = http::Request::new(String::new());
    let Ok(_) = service.oneshot(request).instrument(tracing::info_span!("application")).await;
    let closed: Vec<_> =
        spans.closed().iter().map(|s| [s.name.clone(), s.parent.clone()]).collect();
    assert_eq!(closed, [["inner", "kong"], ["kong", "application"]]);
}

#[tokio::test]
async fn spans_are_nested_by_the_active_one_or_as_a_function_says() {
    for (source, expected) in [
        ("tracing.start_span('a') tracing.start_span('b')", "b<kong a<kong"),
        ("tracing.set_active_span(tracing.start_span('a')) tracing.start_span('b')", "b<a a<kong"),
        ("local a = tracing.start_span('a') tracing.start_span('b', { parent = a })", "b<a a<kong"),
        (
            "local a = tracing.start_span('a') tracing.set_active_span(a)
             tracing.start_span('b'):finish() a:finish() tracing.start_span('c')",
            "b<a a<kong c<kong",
        ),
        (
            "local a = tracing.start_span('a') a:finish() tracing.start_span('b', { parent = a })",
            "a<kong b<",
        ),
        ("tracing.set_active_span(nil) tracing.start_span('a')", "a<"),
    ] {
        let spans = spans(source).await;
        let nested: Vec<_> = spans.iter().map(|s| format!("{}<{}", s.name, s.parent)).collect();
        assert_eq!(nested.join(" "), format!("{expected} kong<"), "{source}");
    }
}

#[tokio::test]
async fn attributes_are_told_when_the_span_ends() {
    for (calls, expected) in [
        ("span:set_attribute('a', 1) span:set_attribute('b', 2.5)", r#"{"a":1,"b":2.5}"#),
        ("span:set_attribute('a', true) span:set_attribute('a', 'x')", r#"{"a":"x"}"#),
        ("span:set_attribute('a', 1) span:set_attribute('a', nil)", ""),
        ("span:set_attribute('a', { 'x', 'y' })", r#"{"a":["x","y"]}"#),
        ("span:set_attribute('a', { b = { c = 1 } })", r#"{"a":{"b":{"c":1}}}"#),
        ("span:set_attribute('a', print)", ""),
        ("span:finish() span:set_attribute('a', 1)", ""),
    ] {
        let spans = spans(&format!("local span = tracing.start_span('s') {calls}")).await;
        assert_eq!(spans[0].field("attributes"), expected, "{calls}");
    }
    let started = spans("tracing.start_span('s', { attributes = { a = 1 } })").await;
    assert_eq!(started[0].field("attributes"), r#"{"a":1}"#);
}

#[tokio::test]
async fn events_errors_and_the_status_are_told() {
    let spans = spans(
        "local span = tracing.start_span('s')
         span:add_event('retry', { attempt = 2 })
         span:add_event('plain')
         span:record_error('out of luck')
         span:record_error({})
         span:set_status(2)",
    )
    .await;
    let events = &spans[0].events;
    assert_eq!(
        events[..3],
        [
            r#"INFO retry {"attempt":2}"#,
            "INFO plain {}",
            r#"ERROR exception {"exception.message":"out of luck"}"#,
        ]
    );
    assert!(
        events[3].starts_with(r#"ERROR exception {"exception.message":"table: 0x"#),
        "{events:?}"
    );
    assert_eq!(spans[0].field("otel.status_code"), "ERROR");
}

#[tokio::test]
async fn statuses_have_the_names_of_open_telemetry() {
    for (status, name) in [("0", ""), ("1", "OK"), ("2", "ERROR"), ("7", "")] {
        let spans = spans(&format!("tracing.start_span('s'):set_status({status})")).await;
        assert_eq!(spans[0].field("otel.status_code"), name, "{status}");
    }
}

#[tokio::test]
async fn a_span_may_last_over_phases_and_ends_with_the_request_at_the_latest() {
    let spans = Spans::capture();
    let app = App::builder()
        .access("kong.ctx.shared.span = kong.tracing.start_span('long') kong.tracing.start_span('open')")
        .log("kong.ctx.shared.span:set_attribute('phase', ngx.get_phase()) kong.ctx.shared.span:finish()")
        .serve()
        .await;
    app.get("/").send().await;
    let closed = spans.wait_for(3).await;
    let seen: Vec<_> = closed.iter().map(|span| (&*span.name, span.field("attributes"))).collect();
    assert_eq!(seen, [("long", r#"{"phase":"log"}"#), ("open", ""), ("kong", "")]);
}

#[tokio::test]
async fn functions_see_the_fields_of_a_span() {
    for (source, expected) in [
        ("s.name, s.kind, #s.span_id, #s.trace_id, s.should_sample", "a, 1, 8, 16, true"),
        (
            "s.parent == root, s.parent_id == root.span_id, s.trace_id == root.trace_id",
            "true, true, true",
        ),
        ("s.attributes, s.events, s.status, s.end_time_ns", "nil, nil, nil, nil"),
        ("(s:set_attribute('k', 'v')), s.attributes.k", "nil, v"),
        (
            "(s:add_event('e', { k = 1 }, 5)), s.events[0], s.events[1].name, s.events[1].time_ns",
            "nil, 1, e, 5",
        ),
        ("(s:set_status(2)), s.status", "nil, 2"),
        ("(s:finish()), s.end_time_ns >= s.start_time_ns", "nil, true"),
        ("root.name, root.kind, t.get_root_span() == root, t.active_span()", "kong, 2, true, nil"),
        ("#t.get_spans(), t.get_spans()[2] == s", "2, true"),
        ("type(s:each_baggage_item())", "function"),
    ] {
        let source = format!(
            "(function()
               local t = kong.tracing
               local root, s = t.get_root_span(), t.start_span('a')
               return {source}
             end)()"
        );
        assert_eq!(App::eval(&source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn a_span_can_continue_a_trace_and_have_times_of_its_own() {
    let spans = spans(
        "tracing.set_active_span(nil)
         local span = tracing.start_span('s', {
           trace_id = ('a'):rep(16), parent_id = 'parentid', start_time_ns = 1000 })
         span:finish(3000) span:finish(4000)",
    )
    .await;
    let fields = ["trace_id", "parent_id", "start_time_ns", "end_time_ns"];
    let fields = fields.map(|name| spans[0].field(name));
    assert_eq!(fields, [&*"61".repeat(16), "706172656e746964", "1000.0", "3000.0"]);
}

#[tokio::test]
async fn what_is_not_sampled_is_not_told() {
    let source = "local a = tracing.start_span('a', { should_sample = false })
                  a.should_sample = false
                  tracing.start_span('b', { parent = a }):finish()
                  a:set_attribute('k', 'v') a:add_event('e') a:set_status(2) a:finish()";
    let untold = spans(&format!("tracing.set_active_span(nil) {source}")).await;
    let names: Vec<_> = untold.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["kong"]);
}

#[tokio::test]
async fn the_sampling_decision_is_made_by_the_parent_or_the_rate() {
    for (arguments, expected) in [
        ("nil, 1", "true"),
        ("nil, 0", "false"),
        ("true, 1.5", "true"),
        ("false, 1", "false"),
        ("nil, nil", "false"),
        ("nil, 'all'", "false"),
    ] {
        let source = format!("kong.tracing:get_sampling_decision({arguments})");
        assert_eq!(App::eval(&source).await, expected, "{arguments}");
    }
    for (first_byte_of_id, expected) in [(0, "true"), (127, "true"), (128, "false"), (255, "false")]
    {
        let source = format!(
            "(function()
               kong.tracing.get_root_span().trace_id = ('x'):rep(7) .. string.char({first_byte_of_id}, 0)
               return kong.tracing:get_sampling_decision(nil, 0.5)
             end)()"
        );
        assert_eq!(App::eval(&source).await, expected, "{first_byte_of_id}");
    }
    let source = "(function()
        kong.tracing:set_should_sample(false)
        return kong.tracing.get_root_span().should_sample, kong.tracing.start_span('a').should_sample
      end)()";
    assert_eq!(App::eval(source).await, "false, false");
}

#[tokio::test]
async fn the_rate_can_be_configured() {
    let app = App::builder()
        .runtime(|runtime| runtime.configuration(serde_json::json!({ "tracing_sampling_rate": 1 })))
        .access("kong.response.exit(200, tostring(kong.tracing:get_sampling_decision()))")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "true");
}

#[tokio::test]
async fn the_log_phase_can_go_through_all_spans() {
    let app = App::builder()
        .access("kong.tracing.start_span('a') kong.tracing.start_span('b')")
        .log("kong.tracing.process_span(function(span, more) require('recorder')(span.name, more) end, 1)")
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(3).await, ["kong 1", "a 1", "b 1"]);
}

#[tokio::test]
async fn requests_have_spans_of_their_own() {
    let app = App::access(
        "kong.tracing.start_span('a')
         kong.response.exit(200, #kong.tracing.get_spans() .. ' ' .. (kept and kept:finish() or ''))
         kept = kong.tracing.get_root_span()",
    )
    .await;
    for _ in 0..3 {
        assert_eq!(app.get("/").send().await.text(), "2 ");
    }
}

#[tokio::test]
async fn a_span_of_an_earlier_request_is_over() {
    let spans = Spans::capture();
    let app = App::access(
        "if kept then kept:set_attribute('late', true) kept:finish() end
         kept = kong.tracing.start_span('a')",
    )
    .await;
    app.get("/").send().await;
    app.get("/").send().await;
    let attributes: Vec<_> =
        spans.closed().iter().map(|span| span.field("attributes").to_owned()).collect();
    assert_eq!(attributes, ["", "", "", ""]);
}

#[tokio::test]
async fn there_are_bounds_to_what_is_told() {
    let spans = spans(
        "for i = 1, 3000 do tracing.start_span('s' .. i) end
         local span = tracing.get_spans()[2]
         for i = 1, 1000 do span:set_attribute('k' .. i, ('x'):rep(100000)) end",
    )
    .await;
    assert_eq!(spans.len(), 1000);
    let longest = spans.iter().map(|span| span.field("attributes").len()).max().unwrap();
    assert!((100_000..1_000_000).contains(&longest), "{longest}");
}

#[tokio::test]
async fn what_makes_no_sense_is_logged() {
    for (call, message) in [
        ("set_attribute('a', print)", "invalid span attribute value type: function"),
        ("finish(span.start_time_ns - 1024)", "invalid span duration: -1024 for span: a"),
    ] {
        let events = Events::capture();
        let source = format!("local span = kong.tracing.start_span('a') span:{call}");
        App::access(&source).await.get("/").send().await;
        let messages = events.messages().concat();
        assert!(messages.ends_with(message), "{messages}");
    }
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    for (call, message) in [
        ("t.start_span", "invalid span name"),
        ("t.start_span, ''", "invalid span name"),
        ("t.start_span, 1", "invalid span name"),
        ("t.start_span, 'a', 1", "invalid options type"),
        ("t.start_span, 'a', { start_time_ns = '1' }", "invalid start time"),
        ("t.start_span, 'a', { span_kind = 'client' }", "invalid start kind"),
        ("t.start_span, 'a', { should_sample = 1 }", "invalid sampled"),
        ("t.start_span, 'a', { attributes = 'a' }", "invalid attributes"),
        ("s.finish, s, 'now'", "invalid span end time"),
        ("s.set_attribute, s", "invalid key"),
        ("s.set_attribute, s, 1, 1", "invalid key"),
        ("s.add_event, s", "invalid name"),
        ("s.add_event, s, 'a', 'b'", "invalid attribute"),
        ("s.set_status, s, 'ok'", "invalid status"),
    ] {
        let source = format!(
            "(function()
               local t = kong.tracing
               local s = t.start_span('s')
               return select(2, pcall({call}))
             end)()"
        );
        assert_eq!(App::eval(&source).await, message, "{call}");
    }
    let app = App::builder()
        .log("require('recorder')(select(2, pcall(kong.tracing.process_span)))")
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["processor must be a function"]);
}

#[tokio::test]
async fn the_root_is_active_where_an_instrumentation_is_on() {
    for (instrumentations, expected) in [
        (serde_json::json!(["all"]), "kong"),
        (serde_json::json!("request"), "kong"),
        (serde_json::json!(["off"]), "nil"),
    ] {
        let configuration = serde_json::json!({ "tracing_instrumentations": instrumentations });
        let app = App::builder()
            .runtime(move |runtime| runtime.configuration(configuration))
            .access(
                "local span = kong.tracing.active_span()
                 kong.response.exit(200, tostring(span and span.name))",
            )
            .serve()
            .await;
        assert_eq!(app.get("/").send().await.text(), expected);
    }
}

#[tokio::test]
async fn a_tracer_has_an_active_span_of_its_own() {
    let source = "(function()
        local t = kong.tracing.new('t')
        local span = t.start_span('access')
        t.set_active_span(span)
        local inner = t.start_span('inner')
        return kong.tracing('t').active_span().name, inner.parent.name, span.tracer.name,
          kong.tracing.active_span(), kong.tracing.new('u').active_span(), span:finish(),
          t.active_span(), (pcall(kong.tracing.new, 1))
      end)()";
    assert_eq!(App::eval(source).await, "access, access, t, nil, nil, nil, nil, false");
}
