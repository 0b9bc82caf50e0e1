//! Heads: how long they may be, and how names are spelled, on both sides and in both versions of HTTP.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::any;
use http::HeaderMap;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Gateway, KeptHead, echo_upstream, kong_yml, serve, with_plugins};

/// A service that answers each request with so many headers of so many bytes.
async fn wordy_upstream(count: usize, length: usize) -> SocketAddr {
    let app = Router::new().fallback(any(move || async move {
        let mut headers = HeaderMap::new();
        for number in 0..count {
            let name = http::HeaderName::try_from(format!("x-{number}")).unwrap();
            headers.insert(name, "a".repeat(length).try_into().unwrap());
        }
        (headers, "body")
    }));
    serve(app).await
}

#[tokio::test]
async fn heads_of_responses_are_bounded_by_bytes() {
    for (count, length) in [(150, 1), (1, 20 << 10), (1500, 6)] {
        let upstream = wordy_upstream(count, length).await;
        for (protocol, strip_path) in [("http", true), ("grpc", false)] {
            let service = json!({ "url": format!("{protocol}://{upstream}") });
            let route = json!({ "protocols": [protocol], "strip_path": strip_path });
            let gateway = Gateway::of_file(&kong_yml(upstream, &service, &route));
            let mut calls = vec![gateway.get("/").http2()];
            calls.extend((protocol == "http").then(|| gateway.get("/")));
            for call in calls {
                let reply = call.header("content-type", "application/grpc").send().await;
                assert_eq!(reply.status, 200, "{protocol}: {count} of {length}");
                let own = reply.headers.keys().filter(|name| {
                    name.as_str().strip_prefix("x-").is_some_and(|n| n.parse::<u32>().is_ok())
                });
                assert_eq!(own.count(), count, "{protocol}: {count} of {length}");
            }
        }
    }
}

#[tokio::test]
async fn a_longer_head_of_a_service_is_no_answer() {
    for (count, length) in [(1, 40 << 10), (4000, 6)] {
        let upstream = wordy_upstream(count, length).await;
        let gateway = Gateway::of_file(&kong_yml(upstream, &json!({}), &json!({})));
        assert_eq!(gateway.get("/").send().await.status, 502, "{count} of {length}");
    }
}

#[tokio::test]
async fn heads_of_requests_are_bounded_by_bytes() {
    let count = json!({ "access": [
        "local count, bytes = 0, 0
         for name, value in pairs(ngx.req.get_headers(0)) do
           if name:find('^x%-%d') then count, bytes = count + 1, bytes + #value end
         end
         kong.response.set_header('x-seen', count .. ' ' .. bytes)",
    ] });
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let service = KeptHead::answering(answer.to_owned()).await;
    let gateway = Gateway::of_file(&with_plugins(service.addr, &[("pre-function", count)]));
    for (count, length) in [(102, 1), (1, 20 << 10), (1500, 6)] {
        for call in [gateway.get("/"), gateway.get("/").http2()] {
            let value = "a".repeat(length);
            let call =
                (0..count).fold(call, |call, number| call.header(&format!("x-{number}"), &value));
            let reply = call.send().await;
            assert_eq!(reply.status, 200);
            assert_eq!(reply.header("x-seen"), format!("{count} {}", count * length));
            let asked = service.asked().await.to_ascii_lowercase();
            assert!(asked.contains(&format!("x-{}: {value}\r\n", count - 1)));
        }
    }
}

#[tokio::test]
async fn names_keep_their_spelling_on_both_sides() {
    let answer = "HTTP/1.1 200 OK\r\nX-uPPer: 1\r\nx-lower: 2\r\nSet-COOKIE: a\r\nset-cookie: b\r\n\
                  X-Gone: 3\r\ncontent-LENGTH: 4\r\n\r\nbody";
    let set = json!({
        "access": [
            "kong.service.request.set_header('X-Custom-Auth', 'a')
             kong.service.request.set_header('X-custom-ID', 'b')
             kong.service.request.add_header('x-low', 'c') ngx.req.set_header('ETAG', 'd')
             kong.service.request.set_header('X-MIXED', 'e')
             kong.service.request.clear_header('PLAIN') ngx.req.set_header('Plain', 'f')
             kong.response.set_header('X-early', 'g')",
        ],
        "header_filter": [
            "kong.response.set_header('X-Custom-Reply', 'b') ngx.header['x-reply-ID'] = 'c'
             ngx.header.x_under = 'd' kong.response.add_header('SET-COOKIE', 'c')
             ngx.header['X-Gone'] = nil kong.response.set_headers({ ['x-gone'] = 'e' })",
        ],
    });
    let service = KeptHead::answering(answer.to_owned()).await;
    let file = with_plugins(service.addr, &[("pre-function", set)]);
    let gateway = Gateway::of_file(&file);
    let request = "GET / HTTP/1.1\r\nHOST: a\r\nx-MiXed: 1\r\nplain: 2\r\nx-COOL: 3\r\n\
                   Connection: close\r\n\r\n";
    let seen = exchange(gateway.proxy, request).await;
    let asked = service.asked().await;
    for line in [
        "HOST: ",
        "x-MiXed: e\r\n",
        "x-COOL: 3\r\n",
        "X-Custom-Auth: a\r\n",
        "X-custom-ID: b\r\n",
        "x-low: c\r\n",
        "ETAG: d\r\n",
        "Plain: f\r\n",
        "X-Real-Ip: ",
    ] {
        assert!(asked.contains(&format!("\n{line}")), "{line} in {asked}");
    }
    for line in [
        "X-uPPer: 1\r\n",
        "x-lower: 2\r\n",
        "Set-COOKIE: a\r\nset-cookie: b\r\n",
        "content-LENGTH: 4\r\n",
        "X-Custom-Reply: b\r\n",
        "x-reply-ID: c\r\n",
        "x-under: d\r\n",
        "x-gone: e\r\n",
        "X-early: g\r\n",
        "Via: ",
        "X-Kong-Request-Id: ",
    ] {
        assert!(seen.contains(&format!("\n{line}")), "{line} in {seen}");
    }
    assert!(seen.ends_with("\r\n\r\nbody"), "{seen}");
    let reply = gateway.get("/").http2().send().await;
    assert_eq!((reply.header("x-reply-id"), reply.header("x-early")), ("c", "g"));
}

#[tokio::test]
async fn headers_of_an_exit_are_as_functions_write_them() {
    let exit = json!({ "access": ["return kong.response.exit(200, 'a', { ['x-LOUD'] = 'b' })"] });
    let gateway = Gateway::of_file(&with_plugins(echo_upstream().await, &[("pre-function", exit)]));
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let seen = exchange(gateway.proxy, request).await;
    assert!(seen.contains("\nx-LOUD: b\r\n") && seen.contains("\nContent-Length: 1\r\n"), "{seen}");
}

#[tokio::test]
async fn functions_see_names_as_they_came() {
    let answer = "HTTP/1.1 200 OK\r\nX-uPPer: 1\r\nContent-Length: 0\r\n\r\n";
    let look = json!({
        "access": [
            "ngx.req.set_header('X-mine', '1')
             local raw, head = ngx.req.get_headers(0, true), ngx.req.raw_header()
             assert(raw['x-MiXed'] == '1' and raw['x-mixed'] == nil and raw['X-mine'] == '1')
             assert(table.concat(raw.Twice, ',') == 'a,b')
             assert(head:find('^GET /a HTTP/1.1\\r\\nHOST: a\\r\\n') and head:find('x-MiXed: 1', 1, true))
             assert(ngx.req.get_headers(0)['x-mixed'] == '1')",
        ],
        "header_filter": [
            "ngx.header['x-MINE'] = '1'
             local raw = ngx.resp.get_headers(0, true)
             assert(raw['X-uPPer'] == '1' and raw['x-upper'] == nil and raw['x-MINE'] == '1')
             ngx.header['X-Seen'] = 'yes'",
        ],
    });
    let service = KeptHead::answering(answer.to_owned()).await;
    let gateway = Gateway::of_file(&with_plugins(service.addr, &[("pre-function", look)]));
    let request = "GET /a HTTP/1.1\r\nHOST: a\r\nx-MiXed: 1\r\nTwice: a\r\nTwice: b\r\n\
                   Connection: close\r\n\r\n";
    let seen = exchange(gateway.proxy, request).await;
    assert!(seen.contains("\nX-Seen: yes\r\n"), "{seen}");
}

#[tokio::test]
async fn a_status_that_nobody_knows_has_no_reason() {
    let exit = json!({ "access": ["return kong.response.exit(456)"] });
    let gateway = Gateway::of_file(&with_plugins(echo_upstream().await, &[("pre-function", exit)]));
    let seen =
        exchange(gateway.proxy, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(seen.starts_with("HTTP/1.1 456 \r\n"), "{seen}");
    assert!(seen.contains("Content-Length: 0\r\n") && seen.ends_with("\r\n\r\n"), "{seen}");
}

#[tokio::test]
async fn a_reason_of_the_services_stays_with_its_status() {
    let answer = "HTTP/1.1 200 Fine by me\r\nContent-Length: 0\r\n\r\n";
    for (status, line) in [("nil", "200 Fine by me"), ("404", "404 Not Found"), ("456", "456 ")] {
        let service = KeptHead::answering(answer.to_owned()).await;
        let set = json!({ "header_filter": [format!("if {status} then kong.response.set_status({status}) end")] });
        let gateway = Gateway::of_file(&with_plugins(service.addr, &[("pre-function", set)]));
        let seen =
            exchange(gateway.proxy, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
        assert!(seen.starts_with(&format!("HTTP/1.1 {line}\r\n")), "{seen}");
    }
}

#[tokio::test]
async fn a_client_does_not_say_what_the_gateway_keeps_to_itself() {
    let set = json!({ "access": ["kong.service.request.set_header('x-user', 'alice')"] });
    let gateway = Gateway::of_file(&with_plugins(echo_upstream().await, &[("pre-function", set)]));
    let named = "X-Real-IP, x-forwarded-host, x-kong-request-id, via, x-user, x-hop";
    let call =
        gateway.get("/").header("connection", named).header("x-hop", "1").header("via", "1.0 a");
    let seen = call.header("x-user", "mallory").send().await.json();
    for name in ["x-real-ip", "x-forwarded-host", "x-kong-request-id", "via", "x-user"] {
        assert!(seen["headers"].get(name).is_some(), "{name}");
    }
    assert_eq!(seen["headers"]["x-user"], "alice");
    assert!(seen["headers"].get("x-hop").is_none());
}

#[tokio::test]
async fn a_service_does_not_either() {
    let answer = "HTTP/1.1 200 OK\r\nConnection: via, x-kong-request-id, x-hop\r\nX-Hop: 1\r\n\
                  Content-Length: 4\r\n\r\nbody";
    let service = KeptHead::answering(answer.to_owned()).await;
    let gateway = Gateway::of_file(&kong_yml(service.addr, &json!({}), &json!({})));
    let reply = gateway.get("/").send().await;
    assert_eq!((reply.header("x-kong-request-id").len(), reply.header("x-hop")), (32, ""));
    assert!(reply.header("via").starts_with("1.1 tower-lua"));
}

#[tokio::test]
async fn a_response_that_has_two_ends_is_none() {
    for (title, answer) in [
        (
            "a length beside chunks",
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        ),
        (
            "chunks beside a length",
            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        ),
        (
            "chunks twice",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("a coding that nobody asked for", "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ] {
        let service = KeptHead::answering(format!("HTTP/1.1 200 OK\r\n{answer}")).await;
        let gateway = Gateway::of_file(&kong_yml(service.addr, &json!({}), &json!({})));
        for call in [gateway.get("/"), gateway.get("/").http2()] {
            let reply = call.send().await;
            assert_eq!(reply.status, 502, "{title}");
            let message = "An invalid response was received from the upstream server";
            assert_eq!(reply.json()["message"], message, "{title}");
        }
    }
    let service = KeptHead::answering(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_owned(),
    )
    .await;
    let gateway = Gateway::of_file(&kong_yml(service.addr, &json!({}), &json!({})));
    assert_eq!(gateway.get("/").send().await.status, 502, "a protocol that nobody asked for");
}

#[tokio::test]
async fn an_exit_may_close_the_connection_without_a_byte() {
    for config in [
        json!({ "access": ["return ngx.exit(444)"] }),
        json!({ "access": ["return ngx.exit(ngx.ERROR)"] }),
        json!({ "header_filter": ["return ngx.exit(444)"] }),
        json!({ "access": ["ngx.say('hi')"], "header_filter": ["return ngx.exit(444)"] }),
    ] {
        let gateway = Gateway::of_file(&with_plugins(
            echo_upstream().await,
            &[("pre-function", config.clone())],
        ));
        assert_eq!(
            exchange(gateway.proxy, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await,
            "",
            "{config}"
        );
        assert!(gateway.get("/").http2().try_send().await.is_err());
    }
}

/// Sends bytes, and reads until the gateway closes the connection.
async fn exchange(addr: SocketAddr, bytes: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
