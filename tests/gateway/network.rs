//! Whom the gateway asks for addresses, and where its functions may reach.

use std::net::SocketAddr;

use serde_json::json;

use crate::support::{Start, echo_upstream, kong_yml, serve, with_plugins};

/// A function that says what a connection to `host:port` of the query comes to.
const REACH: &str = "
    local sock = ngx.socket.tcp()
    sock:settimeout(2000)
    local query = kong.request.get_query()
    local ok, err = sock:connect(query.host, tonumber(query.port))
    kong.response.exit(200, ok and 'connected' or err)";

/// A name server that knows `home.test` as 127.0.0.1 and no other name.
async fn name_server() -> SocketAddr {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            // The question ends with the name, its type and its class; what follows is EDNS.
            let end = buffer[12..length].iter().position(|byte| *byte == 0).unwrap() + 17;
            let mut answer = buffer[..end].to_vec();
            let name = answer[12..end - 4].to_ascii_lowercase();
            let is_known = name == b"\x04home\x04test\0";
            let wants_v4 = answer[end - 4..end - 2] == [0, 1];
            answer[2] = 0x81;
            answer[3] = if is_known { 0x80 } else { 0x83 };
            answer[6..12].copy_from_slice(&[0, u8::from(is_known && wants_v4), 0, 0, 0, 0]);
            if is_known && wants_v4 {
                answer.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x01");
            }
            let _ = socket.send_to(&answer, from).await;
        }
    });
    addr
}

/// A gateway whose functions say where they have come to.
async fn reaching(rules: Option<&str>) -> crate::support::Gateway {
    let functions = json!({ "access": [REACH] });
    let file = with_plugins(echo_upstream().await, &[("pre-function", functions)]);
    let names = name_server().await;
    let start = Start::of_file(&file).env("KONG_DNS_RESOLVER", &names.to_string());
    match rules {
        Some(rules) => start.arg("--untrusted-lua-network").arg(rules).serving(),
        None => start.serving(),
    }
}

#[tokio::test]
async fn services_are_found_by_the_name_servers_that_are_named() {
    let upstream = echo_upstream().await;
    let names = name_server().await;
    for (host, status) in [("home.test", 200), ("other.test", 503)] {
        let service = json!({ "url": format!("http://{host}:{}", upstream.port()) });
        let start = Start::of_file(&kong_yml(upstream, &service, &json!({})));
        let gateway = start.arg("--dns-resolver").arg(names.to_string()).serving();
        assert_eq!(gateway.get("/").send().await.status, status, "{host}");
    }
    let (code, said) = Start::new().arg("--dns-resolver").arg("dns.example.com").ending();
    assert_eq!(code, 2);
    assert!(said.contains("expected the address of a name server"), "{said}");
}

#[tokio::test]
async fn functions_reach_all_but_the_admin_api_and_link_local_addresses() {
    let peer = serve(axum::Router::new()).await.port();
    let gateway = reaching(None).await;
    let reach = async |host: &str, port: u16| {
        gateway.get(&format!("/?host={host}&port={port}")).send().await.text()
    };
    assert_eq!(reach("127.0.0.1", peer).await, "connected");
    assert_eq!(reach("home.test", peer).await, "connected");
    assert_eq!(
        reach("other.test", 80).await,
        "other.test could not be resolved (3: Host not found)"
    );
    let admin = gateway.admin.port();
    for host in ["127.0.0.1", "0.0.0.0", "[::ffff:127.0.0.1]", "home.test"] {
        let text = reach(host, admin).await;
        assert!(text.ends_with(" not allowed within sandbox"), "{host}: {text}");
    }
    for host in ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]"] {
        let text = reach(host, 80).await;
        assert!(text.ends_with(" not allowed within sandbox"), "{host}: {text}");
    }
}

#[tokio::test]
async fn the_operator_says_where_functions_may_reach() {
    let peer = serve(axum::Router::new()).await.port();
    let denied = |host: &str| format!("connection to {host} not allowed within sandbox");
    let on_loopback = format!("127.0.0.1:{peer}");
    let cases = [
        ("off", "127.0.0.1", denied(&on_loopback)),
        ("any", "127.0.0.1", "connected".to_owned()),
        ("!127.0.0.0/8", "127.0.0.1", denied(&on_loopback)),
        ("!127.0.0.0/8", "home.test", denied(&on_loopback)),
        ("10.0.0.0/8", "127.0.0.1", denied(&on_loopback)),
        ("127.0.0.1:1-65535,!127.0.0.1:1", "home.test", "connected".to_owned()),
    ];
    for (rules, host, expected) in cases {
        let gateway = reaching(Some(rules)).await;
        let text = gateway.get(&format!("/?host={host}&port={peer}")).send().await.text();
        assert_eq!(text, expected, "{rules} {host}");
    }
    let (code, said) = Start::new().arg("--untrusted-lua-network").arg("10.0.0.0/99").ending();
    assert_ne!(code, 0);
    assert!(said.contains("'10.0.0.0/99' is no rule for the network"), "{said}");
    let gateway = reaching(Some("any")).await;
    let port = gateway.admin.port();
    let text = gateway.get(&format!("/?host=127.0.0.1&port={port}")).send().await.text();
    assert_eq!(text, "connected");
}
