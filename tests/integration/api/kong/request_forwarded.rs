//! `kong.request.get_forwarded_*`: what proxies say of the client's request.

use crate::support::App;

const ALL: &str = "kong.request.get_forwarded_scheme(), kong.request.get_forwarded_host(), \
                   kong.request.get_forwarded_port(), kong.request.get_forwarded_path(), \
                   tostring(kong.request.get_forwarded_prefix())";

/// An application that answers with the values of `source`, and trusts who calls it.
async fn behind_a_proxy(source: &str) -> App {
    let source = format!(
        "local values = {{ {source} }}
         for i, value in ipairs(values) do values[i] = tostring(value) end
         kong.response.exit(200, table.concat(values, ' '))"
    );
    App::builder()
        .runtime(|runtime| runtime.trusted_ips(["127.0.0.1"]))
        .access(&source)
        .serve()
        .await
}

#[tokio::test]
async fn a_stranger_is_not_believed() {
    let app =
        App::access(&format!("kong.response.exit(200, table.concat({{ {ALL} }}, ' '))")).await;
    let reply = app
        .get("/own")
        .header("host", "own.example")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "other.example:1")
        .header("x-forwarded-port", "2")
        .header("x-forwarded-path", "/other")
        .header("x-forwarded-prefix", "/prefix")
        .send()
        .await;
    assert_eq!(reply.text(), format!("http own.example {} /own nil", app.addr.port()));
}

#[tokio::test]
async fn a_trusted_proxy_is_believed() {
    let reply = behind_a_proxy(ALL)
        .await
        .get("/own")
        .header("x-forwarded-proto", "HTTPS")
        .header("x-forwarded-host", "user@Other.Example:1")
        .header("x-forwarded-port", "2")
        .header("x-forwarded-path", "/Other?query")
        .header("x-forwarded-prefix", "/prefix")
        .send()
        .await;
    assert_eq!(reply.text(), "https other.example 2 /Other?query /prefix");
}

#[tokio::test]
async fn a_trusted_proxy_that_says_nothing_changes_nothing() {
    let app = behind_a_proxy(ALL).await;
    let reply = app.get("/own//path").header("host", "own.example").send().await;
    assert_eq!(reply.text(), format!("http own.example {} /own/path nil", app.addr.port()));
}

#[tokio::test]
async fn an_impossible_port_gives_way_to_the_one_beside_the_host() {
    let app = behind_a_proxy("kong.request.get_forwarded_port()").await;
    let own = app.addr.port().to_string();
    for (port, host, expected) in [
        ("0", "a:8000", "8000"),
        ("65536", "a:8000", "8000"),
        ("http", "a:8000", "8000"),
        ("-1", "a", &own),
        ("", "a:70000", &own),
        ("65535", "a:8000", "65535"),
    ] {
        let call = app.get("/").header("x-forwarded-port", port).header("x-forwarded-host", host);
        assert_eq!(call.send().await.text(), expected, "{port} {host}");
    }
}

#[tokio::test]
async fn the_first_of_several_forwarded_headers_counts() {
    let reply = behind_a_proxy("kong.request.get_forwarded_prefix()")
        .await
        .get("/")
        .header("x-forwarded-prefix", "/first")
        .header("x-forwarded-prefix", "/second")
        .send()
        .await;
    assert_eq!(reply.text(), "/first");
}

#[tokio::test]
async fn a_forwarded_path_may_have_any_bytes() {
    let app = behind_a_proxy("kong.request.get_forwarded_path():byte(1, -1)").await;
    let reply = app.get("/").header("x-forwarded-path", b"/\xffa").send().await;
    assert_eq!(reply.text(), "47 255 97");
}
