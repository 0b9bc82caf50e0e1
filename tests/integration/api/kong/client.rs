//! `kong.client`: who makes the request.

use serde_json::json;
use tower_lua::{Connection, Consumer, Credential, Phase, Route};

use crate::support::{App, AppBuilder};

const ID: &str = "0d4b36a5-5d3b-4e0c-9c21-1fa1bbd8f4b0";

fn alice() -> Consumer {
    Consumer::new(json!({
        "id": ID,
        "username": "alice",
        "custom_id": null,
        "tags": ["beta", "staff"],
        "created_at": 1_600_000_000,
        "settings": { "limit": 2.5, "active": true, "none": null },
    }))
    .unwrap()
}

/// What the Lua expressions in `source` are worth in `access`, as `GET /` sees them: joined by commas.
async fn answer(builder: AppBuilder, source: &str) -> String {
    let app = builder
        .access(&format!(
            "local values = {{}}
             local function collect(...)
               for i = 1, select('#', ...) do values[i] = tostring((select(i, ...))) end
             end
             collect((function() return {source} end)())
             kong.response.exit(200, table.concat(values, ', '))"
        ))
        .serve()
        .await;
    app.get("/").header("x-real-ip", "192.0.2.7").send().await.text()
}

fn from(peer: &str) -> AppBuilder {
    App::builder().extension(Connection::new(peer.parse().unwrap()))
}

const ADDRESSES: &str = "kong.client.get_ip(), kong.client.get_port(), \
                         kong.client.get_forwarded_ip(), kong.client.get_forwarded_port()";

#[tokio::test]
async fn the_client_is_the_peer() {
    let seen = answer(from("198.51.100.1:4321"), ADDRESSES).await;
    assert_eq!(seen, "198.51.100.1, 4321, 198.51.100.1, 4321");
    let seen = answer(from("[2001:db8::1]:4321"), ADDRESSES).await;
    assert_eq!(seen, "2001:db8::1, 4321, 2001:db8::1, 4321");
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_client_is_whom_it_names() {
    let builder =
        from("198.51.100.1:4321").runtime(|runtime| runtime.trusted_ips(["198.51.100.0/24"]));
    assert_eq!(answer(builder, ADDRESSES).await, "198.51.100.1, 4321, 192.0.2.7, nil");
}

#[tokio::test]
async fn a_proxy_may_name_the_port_too() {
    let app = App::builder()
        .runtime(|runtime| runtime.trusted_ips(["127.0.0.1"]))
        .access("kong.response.exit(200, kong.client.get_forwarded_ip() .. ' ' .. kong.client.get_forwarded_port())")
        .serve()
        .await;
    for (named, expected) in
        [("192.0.2.7:55", "192.0.2.7 55"), ("[2001:db8::7]:56", "2001:db8::7 56")]
    {
        assert_eq!(app.get("/").header("x-real-ip", named).send().await.text(), expected);
    }
}

#[tokio::test]
async fn without_a_connection_there_are_no_addresses() {
    use tower::{Layer as _, ServiceExt as _, service_fn};
    use tower_lua::{Functions, PreFunctionLayer};

    let source = format!(
        "local values = {{ n = 0, {ADDRESSES} }}
         kong.response.exit(200, next(values, 'n') == nil and 'nothing' or 'something')"
    );
    let layer = PreFunctionLayer::new(Functions::access("test", source).unwrap());
    let service = layer.layer(service_fn(|_: http::Request<_>| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    }));
    let Ok(response) = service.oneshot(http::Request::new(String::new())).await;
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
    assert_eq!(body.to_bytes(), "nothing");
}

#[tokio::test]
async fn the_consumer_is_the_one_that_the_application_names() {
    let builder = App::builder().extension(alice());
    let source = "(function()
        local c = kong.client.get_consumer()
        return c.id, c.username, c.custom_id, table.concat(c.tags, '+'), c.created_at,
               c.settings.limit, c.settings.active, c.settings.none, c == kong.client.get_consumer(),
               c == ngx.ctx.authenticated_consumer
      end)()";
    let expected = format!("{ID}, alice, nil, beta+staff, 1600000000, 2.5, true, nil, true, true");
    assert_eq!(answer(builder, source).await, expected);
}

#[tokio::test]
async fn nobody_is_authenticated_unless_somebody_says_so() {
    let source = "kong.client.get_consumer(), kong.client.get_credential()";
    assert_eq!(answer(App::builder(), source).await, "nil, nil");
}

#[tokio::test]
async fn all_phases_and_plugins_know_the_consumer_and_the_credential() {
    let seen =
        "local consumer, credential = kong.client.get_consumer(), kong.client.get_credential()
                require('recorder')(ngx.get_phase(), consumer.username, credential.key)";
    let app = App::builder()
        .extension(alice())
        .extension(Credential::new(json!({ "key": "secret" })).unwrap())
        .access(seen)
        .post_function(Phase::Access, seen)
        .header_filter(seen)
        .log(seen)
        .serve()
        .await;
    app.get("/").send().await;
    let expected = ["access", "access", "header_filter", "log"];
    let expected = expected.map(|phase| format!("{phase} alice secret"));
    assert_eq!(app.recorder.wait_for(4).await, expected);
}

#[tokio::test]
async fn a_response_phase_knows_the_consumer_without_an_earlier_function() {
    let app = App::builder()
        .extension(alice())
        .log("require('recorder')(kong.client.get_consumer().username)")
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["alice"]);
}

#[tokio::test]
async fn a_function_can_say_who_the_client_is() {
    for (arguments, expected) in [
        ("{ username = 'bob' }, { key = 'own' }", "bob own"),
        ("{ username = 'bob' }", "bob nil"),
        ("nil, { key = 'own' }", "nil own"),
    ] {
        let app = App::builder()
            .extension(alice())
            .extension(Credential::new(json!({ "key": "secret" })).unwrap())
            .access(&format!("kong.client.get_consumer() kong.client.authenticate({arguments})"))
            .header_filter(
                "local consumer = kong.client.get_consumer() or {}
                 local credential = kong.client.get_credential() or {}
                 require('recorder')(tostring(consumer.username), tostring(credential.key))",
            )
            .serve()
            .await;
        app.get("/").send().await;
        assert_eq!(app.recorder.entries(), [expected], "{arguments}");
    }
}

#[tokio::test]
async fn what_a_function_says_of_one_client_is_not_said_of_the_next() {
    let app = App::access(
        "local before = tostring(kong.client.get_consumer())
         kong.client.authenticate({ username = 'bob' })
         kong.response.exit(200, before)",
    )
    .await;
    for _ in 0..2 {
        assert_eq!(app.get("/").send().await.text(), "nil");
    }
}

#[tokio::test]
async fn what_a_function_says_reaches_the_inner_service_and_what_that_says_later_phases() {
    use http::{Request, Response};
    use tower::{Layer as _, ServiceExt as _, service_fn};
    use tower_lua::{Functions, PreFunctionLayer};

    let functions = Functions::builder("test")
        .function(Phase::Access, "kong.client.authenticate({ username = 'bob', tags = { 'a' } })")
        .function(
            Phase::HeaderFilter,
            "kong.response.set_header('x-seen', kong.client.get_consumer().username .. ' ' ..
               tostring(kong.client.get_credential()))",
        )
        .build()
        .unwrap();
    let service = |says: Option<Consumer>| {
        let inner = service_fn(move |request: Request<_>| {
            let found = request.extensions().get::<Consumer>().unwrap();
            let field = |name: &str| found.field(name).unwrap().to_string();
            let told = format!("{} {}", field("username"), field("tags"));
            let mut response = Response::new(told);
            if let Some(consumer) = says.clone() {
                response.extensions_mut().insert(consumer);
            }
            std::future::ready(Ok::<_, std::convert::Infallible>(response))
        });
        PreFunctionLayer::new(functions.clone()).layer(inner)
    };
    for (says, expected) in [(None, "bob nil"), (Some(alice()), "alice nil")] {
        let Ok(response) = service(says).oneshot(Request::new(String::new())).await;
        assert_eq!(response.headers()["x-seen"], expected);
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
        assert_eq!(body.to_bytes(), r#""bob" ["a"]"#);
    }
}

#[tokio::test]
async fn consumers_that_the_application_knows_can_be_loaded() {
    let builder = || {
        App::builder().runtime(|runtime| {
            runtime.consumers(|field, value| {
                (alice().field(field)?.as_str() == Some(value)).then(alice)
            })
        })
    };
    for (arguments, expected) in [
        (format!("'{ID}'"), "alice"),
        ("'alice', true".to_owned(), "alice"),
        ("'bob', true".to_owned(), "nil"),
    ] {
        let source = format!("(kong.client.load_consumer({arguments}) or {{}}).username");
        assert_eq!(answer(builder(), &source).await, expected, "{arguments}");
    }
}

#[tokio::test]
async fn entities_stand_in_ngx_ctx_where_functions_may_put_others() {
    let source = "(function()
        ngx.ctx.authenticated_credential = { key = 'own' }
        return kong.client.get_credential().key
      end)()";
    assert_eq!(answer(App::builder(), source).await, "own");
}

#[tokio::test]
async fn a_function_that_changes_the_consumer_changes_it_for_its_request_alone() {
    let app = App::builder()
        .extension(alice())
        .access(
            "local consumer = kong.client.get_consumer()
             local before = consumer.username
             consumer.username = 'mallory'
             kong.response.exit(200, before)",
        )
        .serve()
        .await;
    for _ in 0..2 {
        assert_eq!(app.get("/").send().await.text(), "alice");
    }
}

#[tokio::test]
async fn the_consumer_of_the_application_can_be_loaded() {
    for (arguments, expected) in [
        (format!("'{ID}'"), "alice"),
        (format!("'{ID}', true"), "alice"),
        ("'alice', true".to_owned(), "alice"),
        ("'bob', true".to_owned(), "nil"),
        ("'00000000-0000-0000-0000-000000000000'".to_owned(), "nil"),
        (format!("'{}'", ID.to_uppercase()), "nil"),
    ] {
        let source = format!("(kong.client.load_consumer({arguments}) or {{}}).username");
        let builder = App::builder().extension(alice());
        assert_eq!(answer(builder, &source).await, expected, "{arguments}");
        let source = format!("kong.client.load_consumer({arguments})");
        assert_eq!(answer(App::builder(), &source).await, "nil", "{arguments}");
    }
}

#[tokio::test]
async fn the_protocol_is_the_one_of_the_route_if_it_has_one_alone() {
    let secret = json!({ "protocols": ["grpcs"] });
    let both = json!({ "protocols": ["http", "https"] });
    let (trusted, terminated) = (true, "https");
    for (route, trust, forwarded, allow_terminated, expected) in [
        (Some(&secret), trusted, "", "", "grpcs"),
        (Some(&both), trusted, "", "", "http"),
        (Some(&both), trusted, terminated, "", "http"),
        (Some(&both), trusted, terminated, "true", "https"),
        (Some(&both), trusted, "HTTPS", "true", "https"),
        (Some(&both), trusted, "http", "true", "http"),
        (Some(&both), trusted, "", "true", "http"),
        (Some(&both), !trusted, terminated, "true", "http"),
        (
            Some(&both),
            trusted,
            "https,http",
            "true",
            "nil, Only one X-Forwarded-Proto header allowed",
        ),
        (Some(&both), trusted, "https,http", "false", "http"),
        (Some(&json!({})), trusted, "", "", "http"),
        (None, trusted, "", "", "nil, No active route found"),
    ] {
        let mut builder = App::builder().access(&format!(
            "local protocol, err = kong.client.get_protocol({allow_terminated})
             kong.response.exit(200, tostring(protocol) .. (err and ', ' .. err or ''))"
        ));
        if let Some(route) = route {
            builder = builder.extension(Route::new(route).unwrap());
        }
        if trust {
            builder = builder.runtime(|runtime| runtime.trusted_ips(["127.0.0.1"]));
        }
        let mut call = builder.serve().await.get("/");
        if !forwarded.is_empty() {
            call = call.header("x-forwarded-proto", forwarded);
        }
        let seen = call.send().await.text();
        assert_eq!(seen, expected, "{route:?} {trust} {forwarded} {allow_terminated}");
    }
}

#[tokio::test]
async fn over_tls_the_protocol_is_https() {
    let peer = "192.0.2.7:1".parse().unwrap();
    let builder = App::builder()
        .extension(Connection::new(peer).with_tls(true))
        .extension(Route::new(json!({ "protocols": ["http", "https"] })).unwrap());
    assert_eq!(answer(builder, "kong.client.get_protocol()").await, "https");
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    for (call, message) in [
        ("authenticate", "either credential or consumer must be provided"),
        ("authenticate, nil, nil", "either credential or consumer must be provided"),
        ("authenticate, 'alice'", "consumer must be a table or nil"),
        ("authenticate, false, {}", "consumer must be a table or nil"),
        ("authenticate, {}, 'secret'", "credential must be a table or nil"),
        ("authenticate, {}, 1", "credential must be a table or nil"),
        ("load_consumer", "consumer_id must be a string"),
        ("load_consumer, 1, true", "consumer_id must be a string"),
        ("load_consumer, {}", "consumer_id must be a string"),
        ("load_consumer, 'alice'", "cannot load a consumer with an id that is not a uuid"),
        (
            "load_consumer, '0d4b36a5-5d3b-4e0c-9c21-1fa1bbd8f4bg'",
            "cannot load a consumer with an id that is not a uuid",
        ),
        (
            "load_consumer, '0d4b36a5-5d3b-4e0c-9c211fa1bbd8-f4b0'",
            "cannot load a consumer with an id that is not a uuid",
        ),
        ("load_consumer, 'alice', false", "cannot load a consumer with an id that is not a uuid"),
    ] {
        let source = format!("select(2, pcall(kong.client.{call}))");
        assert_eq!(App::eval(&source).await, message, "{call}");
    }
}
