//! `sslhandshake`, `setclientcert`, `ngx.ssl`.

use std::net::SocketAddr;

use crate::support::{App, Authority, Identity, SHOW, reaching, silent};

/// What `source` prints, with `sock` connected to `peer`, in a runtime that trusts `trusted`.
async fn handshake(peer: SocketAddr, trusted: &str, source: &str) -> String {
    let source = format!(
        "local sock = ngx.socket.tcp()
         assert(sock:connect('127.0.0.1', {}))
         {SHOW}
         {source}",
        peer.port()
    );
    let app = App::builder()
        .runtime(|runtime| reaching(runtime).trusted_certificates(trusted))
        .access(&source)
        .serve()
        .await;
    app.get("/").send().await.text()
}

#[tokio::test]
async fn a_verified_connection_talks() {
    let authority = Authority::new();
    let peer = authority.issue("users.test").serve(None).await;
    let cases = [
        (
            "show(type(sock:sslhandshake(nil, 'users.test', true)))
             show(sock:receive()) sock:send('hi') show(sock:receive(2)) show(sock:close())",
            "[userdata][Full 0][hi][1]",
        ),
        ("show(sock:sslhandshake(false, 'users.test', true))", "[true]"),
        ("show(type(sock:sslhandshake(nil, nil, true)))", "[userdata]"),
        (
            "show(sock:sslhandshake(nil, 'other.test', true)) show(sock:receive())",
            "[nil,certificate host mismatch][nil,closed]",
        ),
        ("show(sock:sslhandshake(false, 'other.test', false))", "[true]"),
        ("show(sock:sslhandshake(false)) show(sock:sslhandshake(false))", "[true][true]"),
        ("sock:close() show(sock:sslhandshake())", "[nil,closed]"),
        (
            "local ok, err = pcall(function() ngx.socket.tcp():sslhandshake() end)
             show(string.match(err, '[^:]*$'))",
            "[ socket is never created nor connected]",
        ),
    ];
    for (source, expected) in cases {
        assert_eq!(handshake(peer, &authority.pem(), source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn what_is_not_believed_says_why() {
    let (authority, other) = (Authority::new(), Authority::new());
    let verify = "show(sock:sslhandshake(nil, 'users.test', true))";
    let expired = authority.issue_with("users.test", |params| {
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    });
    let early = authority.issue_with("users.test", |params| {
        params.not_before = rcgen::date_time_ymd(2200, 1, 1);
        params.not_after = rcgen::date_time_ymd(2201, 1, 1);
    });
    let own = Identity::self_signed("users.test");
    let cases = [
        (&other.issue("users.test"), "[nil,20: unable to get local issuer certificate]"),
        (&expired, "[nil,10: certificate has expired]"),
        (&early, "[nil,9: certificate is not yet valid]"),
        (&own, "[nil,18: self-signed certificate]"),
    ];
    for (identity, expected) in cases {
        let peer = identity.serve(None).await;
        assert_eq!(handshake(peer, &authority.pem(), verify).await, expected);
    }
    // One that is trusted itself is believed.
    let peer = own.serve(None).await;
    let verify = "show(sock:sslhandshake(false, 'users.test', true))";
    assert_eq!(handshake(peer, &own.cert, verify).await, "[true]");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_a_failure_or_a_timeout() {
    let authority = Authority::new();
    let plain = crate::support::says("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let shake = "sock:settimeout(80) show(sock:sslhandshake()) show(sock:close())";
    assert_eq!(
        handshake(plain, &authority.pem(), shake).await,
        "[nil,handshake failed][nil,closed]"
    );
    let silent = silent().await;
    assert_eq!(handshake(silent, &authority.pem(), shake).await, "[nil,timeout][nil,closed]");
}

#[tokio::test]
async fn a_session_is_resumed_and_a_connection_kept() {
    let authority = Authority::new();
    let peer = authority.issue("users.test").serve(None).await;
    let port = peer.port();
    let resume = format!(
        "local session = sock:sslhandshake(nil, 'users.test', true)
         show(sock:receive()) sock:close()
         sock:connect('127.0.0.1', {port})
         show(sock:sslhandshake(session, 'users.test', true) ~= nil) show(sock:receive())
         show(type(sock:getsslsession()))"
    );
    assert_eq!(
        handshake(peer, &authority.pem(), &resume).await,
        "[Full 0][true][Resumed 0][userdata]"
    );
    let keep = format!(
        "sock:sslhandshake(nil, 'users.test', true) sock:receive()
         show(sock:setkeepalive())
         sock:connect('127.0.0.1', {port})
         show(sock:getreusedtimes()) show(sock:sslhandshake(false, 'users.test', true))
         sock:send('hi') show(sock:receive(2))"
    );
    assert_eq!(handshake(peer, &authority.pem(), &keep).await, "[1][1][true][hi]");
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_who_asks() {
    let authority = Authority::new();
    let clients = Authority::new();
    let client = clients.issue("client.test");
    let peer = authority.issue("users.test").serve(Some(&clients)).await;
    let source = format!(
        "local ssl = require('ngx.ssl')
         local cert, key = ssl.parse_pem_cert([[{}]]), ssl.parse_pem_priv_key([[{}]])
         show(sock:setclientcert(cert, key))
         show(sock:sslhandshake(false, 'users.test', true)) show(sock:receive())",
        client.cert, client.key
    );
    assert_eq!(handshake(peer, &authority.pem(), &source).await, "[true][true][Full 1]");
    let cases = [
        ("show(sock:setclientcert(1, 2))", "[nil,bad cert arg: cdata expected, got number]"),
        (
            "show(sock:setclientcert(1))",
            "[nil,client certificate must be supplied with corresponding private key]",
        ),
        ("show(sock:setclientcert())", "[true]"),
        (
            "sock:sslhandshake(false, 'users.test', true) show(sock:receive())",
            "[nil,received fatal alert: certificaterequired,]",
        ),
        ("show(require('ngx.ssl').parse_pem_cert('x'))", "[nil,PEM_read_bio_X509_AUX() failed]"),
        (
            "show(require('ngx.ssl').parse_pem_priv_key('x'))",
            "[nil,PEM_read_bio_PrivateKey() failed]",
        ),
    ];
    for (source, expected) in cases {
        assert_eq!(handshake(peer, &authority.pem(), source).await, expected, "{source}");
    }
}
