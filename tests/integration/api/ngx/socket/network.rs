//! Where sockets may reach.

use std::net::IpAddr;

use tower_lua::{Network, Resolved, RuntimeBuilder, Sandbox};

use crate::support::{App, echoes};

/// Lets functions reach what `network` says, and names resolve to the address that they begin with.
fn with(network: Network) -> impl FnOnce(RuntimeBuilder) -> RuntimeBuilder {
    move |builder| {
        builder.sandbox(Sandbox::default().network(network)).resolver(|name: String| async move {
            let address = name.replace('-', ".").replace(".test", "");
            let address: IpAddr = address.parse().map_err(std::io::Error::other)?;
            Ok(Resolved::from(vec![address]))
        })
    }
}

const CONNECT: &str = "
    local sock = ngx.socket.tcp()
    sock:settimeout(500)
    local ok, err = sock:connect(ngx.unescape_uri(ngx.var.arg_host), tonumber(ngx.var.arg_port))
    ngx.print(ok and 'connected' or err)";

#[tokio::test]
async fn nothing_is_reached_by_default() {
    let source = "
        ngx.say(ngx.socket.tcp():connect('127.0.0.1', PORT))
        ngx.say(ngx.socket.tcp():connect('localhost', PORT))
        ngx.say(ngx.socket.tcp():connect('unix:/tmp/x'))
        ngx.say(ngx.socket.udp():setpeername('127.0.0.1', PORT))
        ngx.say(select(2, pcall(require, 'resty.http')))"
        .replace("PORT", "9");
    let app = App::access(&source).await;
    let refused = "nilconnection to 127.0.0.1:9 not allowed within sandbox\n\
                   nilconnection to localhost:9 not allowed within sandbox\n\
                   nilconnection to unix:/tmp/x not allowed within sandbox\n\
                   nilconnection to 127.0.0.1:9 not allowed within sandbox\n\
                   require 'resty.http' not allowed within sandbox\n";
    assert_eq!(app.get("/").send().await.text(), refused);
}

#[tokio::test]
async fn rules_judge_what_names_resolve_to() {
    let peer = echoes().await;
    let port = peer.port();
    let network = Network::any().deny("127.0.0.0/8".parse().unwrap()).deny("::1".parse().unwrap());
    let app = App::builder().runtime(with(network)).access(CONNECT).serve().await;
    let hosts = [
        "127.0.0.1",
        "127-0-0-1.test",
        "0.0.0.0",
        "::1",
        "[::1]",
        "::ffff:127.0.0.1",
        "::",
        "::ffff:0.0.0.0",
        "0-0-0-0.test",
    ];
    for host in hosts {
        let text = app.get(&format!("/?host={host}&port={port}")).send().await.text();
        assert!(text.ends_with("not allowed within sandbox"), "{host}: {text}");
    }
}

#[tokio::test]
async fn what_is_allowed_is_reached_and_nothing_else() {
    let (peer, other) = (echoes().await, echoes().await);
    let rule = format!("127.0.0.1:{}", peer.port()).parse().unwrap();
    let app =
        App::builder().runtime(with(Network::off().allow(rule))).access(CONNECT).serve().await;
    let to = |host: &str, port: u16| app.get(&format!("/?host={host}&port={port}")).send();
    assert_eq!(to("127.0.0.1", peer.port()).await.text(), "connected");
    assert_eq!(to("127-0-0-1.test", peer.port()).await.text(), "connected");
    let refused = to("127.0.0.1", other.port()).await.text();
    assert!(refused.ends_with("not allowed within sandbox"), "{refused}");
}

#[tokio::test]
async fn a_listener_is_kept_from_functions_by_whatever_address() {
    let peer = echoes().await;
    let listener = std::net::SocketAddr::from(([0, 0, 0, 0], peer.port()));
    let network = Network::any().deny_listener(listener);
    let app = App::builder().runtime(with(network)).access(CONNECT).serve().await;
    for host in ["127.0.0.1", "127.0.0.2", "0.0.0.0", "127-0-0-1.test", "::ffff:127.0.0.1"] {
        let path = format!("/?host={host}&port={}", peer.port());
        let text = app.get(&path).send().await.text();
        assert!(text.ends_with("not allowed within sandbox"), "{host}: {text}");
    }
    let open = echoes().await;
    let path = format!("/?host=127.0.0.1&port={}", open.port());
    assert_eq!(app.get(&path).send().await.text(), "connected");
}
