//! `resty.http`.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;

use crate::support::{App, Authority, SHOW, http_server, peer, reaching};

/// What `source` prints with `http` in it being the module.
async fn http(server: SocketAddr, source: &str) -> String {
    let source = format!(
        "local http = require('resty.http')
         {SHOW}
         {source}"
    );
    App::reach(server, &source).await
}

async fn assert_prints(server: SocketAddr, cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(http(server, source).await, *expected, "{source}");
    }
}

#[tokio::test]
async fn a_request_by_its_uri() {
    let server = http_server().await;
    let get = "local res, err = http.new():request_uri('http://127.0.0.1:PORT";
    let cases = [
        (format!("{get}/connection') show(res.status, res.reason, res.body)"), "[200,OK,0]"),
        (
            format!(
                "{get}/chunked') show(res.body) res:read_trailers() show(res.headers['x-sum'])"
            ),
            "[hello, world][12]",
        ),
        (format!("{get}/close') show(res.body, err)"), "[until the end,nil]"),
        (format!("{get}/old') show(res.body)"), "[old]"),
        (format!("{get}/empty') show(res.status, res.body)"), "[204,]"),
        (format!("{get}/interim') show(res.status, res.body)"), "[200,after the hints]"),
        (
            format!("{get}/redirect') show(res.status, res.headers.location)"),
            "[302,http://127.0.0.1:1/]",
        ),
        (format!("{get}/broken') show(res, err)"), "[nil,closed]"),
        (
            format!("{get}/nonsense') show(res, err)"),
            "[nil,couldn't parse HTTP version from response status line: nonsense]",
        ),
        (
            format!(
                "{get}/headers')
             local h = res.headers
             show(h['x-one'], h['X-Two'], h['SET-COOKIE'][1], h['Set-Cookie'][2], h['nothing'])
             local names = {{}} for name in pairs(h) do names[#names + 1] = name end
             table.sort(names) show(table.concat(names, ' '))
             h['X-ONE'] = 'new' show(h['x-one'])"
            ),
            "[1,2,a,b,nil][Content-Length Set-Cookie X-One x-two][new]",
        ),
    ];
    for (source, expected) in &cases {
        // The first connection has the number 0.
        assert_eq!(http(server, source).await, *expected, "{source}");
    }
}

#[tokio::test]
async fn what_is_sent_is_what_was_asked_for() {
    let server = http_server().await;
    let host = format!("127.0.0.1:{}", server.port());
    let agent = "User-Agent: lua-resty-http/0.17.2 (Lua) tower-lua";
    let echo = |params: &str| {
        format!(
            "local res, err = http.new():request_uri('http://127.0.0.1:PORT/echo', {params})
             ngx.print(res and res.body or err)"
        )
    };
    let cases = [
        ("nil", format!("GET /echo HTTP/1.1\nHost: {host}\n{agent}\n\n")),
        (
            "{ method = 'POST', body = 'a=b', headers = { ['X-A'] = 1, host = 'other' } }",
            format!("POST /echo HTTP/1.1\nContent-Length: 3\n{agent}\nX-A: 1\nhost: other\n\na=b"),
        ),
        (
            "{ method = 'put', body = {'a', 'b', 1}, query = { x = 'y z' } }",
            format!("PUT /echo?x=y%20z HTTP/1.1\nContent-Length: 3\nHost: {host}\n{agent}\n\nab1"),
        ),
        (
            "{ path = '/echo', query = '?q', version = 1.0, headers = { ['user-agent'] = 'me' } }",
            format!("GET /echo?q HTTP/1.0\nConnection: Keep-Alive\nHost: {host}\nuser-agent: me\n\n"),
        ),
        (
            "{ headers = { ['X-Many'] = { 'a', 'b' } } }",
            format!("GET /echo HTTP/1.1\nHost: {host}\n{agent}\nX-Many: a\nX-Many: b\n\n"),
        ),
        (
            "{ method = 'POST', body = (function() local n = 0
               return function() n = n + 1 return n < 3 and 'xy' or nil end end)(),
               headers = { ['Content-Length'] = 4 } }",
            format!("POST /echo HTTP/1.1\nContent-Length: 4\nHost: {host}\n{agent}\n\nxyxy"),
        ),
        (
            "{ method = 'POST', body = string.rep('x', 20000) }",
            format!(
                "POST /echo HTTP/1.1\nContent-Length: 20000\nHost: {host}\n{agent}\n\n{}",
                "x".repeat(20000)
            ),
        ),
        (
            "{ method = 'POST' }",
            "Request body is nil but POST method expects a body. Use an empty string \"\" if you want \
             to send an empty body."
                .to_owned(),
        ),
        (
            "{ method = 'POST', body = function() end }",
            "Request body is a function but a length or chunked encoding is not specified".to_owned(),
        ),
        ("{ headers = { ['X-A'] = 'a\\r\\nX-B: b' } }", "invalid header 'X-A'".to_owned()),
        (
            "{ path = '/echo HTTP/1.1\\r\\nX-B: b\\r\\n' }",
            "the request line has control characters or spaces in it".to_owned(),
        ),
    ];
    for (params, expected) in cases {
        assert_eq!(http(server, &echo(params)).await, expected, "{params}");
    }
}

#[tokio::test]
async fn in_one_go_or_put_together_a_request_is_the_same() {
    let server = http_server().await;
    // `version` is what most do not say: with it, the request is put together of its parts.
    for path in [
        "connection",
        "chunked",
        "close",
        "old",
        "empty",
        "interim",
        "headers",
        "broken",
        "nonsense",
    ] {
        let source = format!(
            "local httpc = http.new()
             local function ask(params)
               local res, err = httpc:request_uri('http://127.0.0.1:PORT/{path}', params)
               if not res then return tostring(err) end
               local names = {{}}
               for name, value in pairs(res.headers) do names[#names + 1] = name end
               for name in pairs(res) do names[#names + 1] = name end
               table.sort(names)
               if res.chunks then res:read_trailers() end
               return table.concat({{ res.status, res.reason, res.body, tostring(res.has_body),
                 tostring(res.headers['X-SUM']), tostring(res:read_body()), table.concat(names, ' ') }}, '|')
             end
             local whole, parts, again = ask(), ask({{ version = 1.1 }}), ask({{}})
             show(whole == parts and whole == again or whole .. ' ' .. parts .. ' ' .. again)"
        );
        assert_eq!(http(server, &source).await, "[true]", "{path}");
    }
}

#[tokio::test]
async fn both_ways_share_their_connections() {
    let server = http_server().await;
    let source = "local httpc = http.new()
        for _, params in ipairs({ {}, { version = 1.1 }, {}, { keepalive = false }, {} }) do
          local res = httpc:request_uri('http://127.0.0.1:PORT/connection', params)
          ngx.print(res.body, ' ')
        end";
    assert_eq!(http(server, source).await, "0 0 0 0 1 ");
}

#[tokio::test]
async fn a_head_takes_no_more_memory_than_its_request_may_have() {
    let server = http_server().await;
    let source = "local long, fields = ('v'):rep(1e6), {}
        for i = 1, 1e5 do fields['x-' .. i] = long end
        for _, params in ipairs({ { headers = fields }, { headers = fields, version = 1.1 } }) do
          show(pcall(http.new().request_uri, http.new(), 'http://127.0.0.1:PORT/echo', params))
        end
        local many = {}
        for i = 1, 1e5 do many[i] = i end
        show(http.new():request_uri('http://127.0.0.1:PORT/connection', many).status)";
    let said = http(server, source).await;
    assert_eq!(said, "[false,not enough memory][false,not enough memory][200]");
}

#[tokio::test]
async fn a_server_that_is_silent_is_given_up_in_one_go_too() {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = "local httpc = http.new()
        httpc:set_timeout(20)
        for _ = 1, 2 do show(httpc:request_uri('http://127.0.0.1:PORT/')) end
        show(httpc:get_reused_times())";
    let said = http(server.local_addr().unwrap(), source).await;
    assert_eq!(said, "[nil,timeout][nil,timeout][nil,closed]");
}

#[tokio::test]
async fn a_server_that_says_go_on_for_ever_is_given_up() {
    let server = peer(|mut stream| async move {
        while stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_ok() {}
    })
    .await;
    let source = "for _, params in ipairs({ {}, { version = 1.1 } }) do
          show(http.new():request_uri('http://127.0.0.1:PORT/', params))
        end";
    let refused = "[nil,too many interim responses]";
    assert_eq!(http(server, source).await, refused.repeat(2));
}

#[tokio::test]
async fn connections_are_kept_where_both_sides_want_it() {
    let server = http_server().await;
    let source = "
        local function number(path, params)
          local httpc = require('resty.http').new()
          return httpc:request_uri('http://127.0.0.1:PORT' .. path, params).body
        end
        ngx.print(number('/connection'), number('/connection'), number('/connection', { keepalive = false }),
          number('/connection'), number('/connection'))
        number('/old')
        ngx.print(number('/connection'))";
    let app = App::reaching(server, source).await;
    assert_eq!(app.get("/").send().await.text(), "000112");
    assert_eq!(app.runtime.stats().sockets, 1);
}

#[tokio::test]
async fn a_request_in_steps() {
    let server = http_server().await;
    let connect = "local httpc = http.new()
        show(httpc:connect({ scheme = 'http', host = '127.0.0.1', port = PORT }))";
    let cases = [
        (
            "local res = httpc:request({ path = '/connection' })
             show(res.status, res.has_body, res:read_body(), httpc:get_reused_times())
             show(httpc:set_keepalive()) show(httpc:set_keepalive())",
            "[true,nil,nil][200,true,0,0][1][nil,closed]",
        ),
        (
            "local reader = httpc:request({ path = '/chunked' }).body_reader
             show(reader()) show(reader()) show(reader())",
            "[true,nil,nil][hello][, world][nil]",
        ),
        (
            "local reader = httpc:request({ path = '/chunked' }).body_reader
             show(reader(3)) show(reader(3)) show(reader(100)) show(reader(100))",
            "[true,nil,nil][hel][lo][, world][nil]",
        ),
        (
            "local reader = httpc:request({ path = '/close' }).body_reader
             show(reader(6)) show(reader(100)) show(reader(6)) show(httpc:set_keepalive())",
            "[true,nil,nil][until ][the end][nil][2,connection must be closed]",
        ),
        (
            "local res = httpc:request({ path = '/echo', method = 'HEAD' })
             show(res.has_body, res.body_reader())",
            "[true,nil,nil][false,nil]",
        ),
        (
            "httpc:request({ path = '/old' }):read_body() show(httpc:set_keepalive())",
            "[true,nil,nil][2,connection must be closed]",
        ),
        (
            "local res, err = httpc:request({ path = '/broken' })
             show(res:read_body())",
            "[true,nil,nil][nil,closed,only so much]",
        ),
        (
            "httpc:set_timeout(50) show(httpc:request({ path = '/slow' })) show(httpc:close())",
            "[true,nil,nil][nil,timeout][1]",
        ),
        (
            "local responses = httpc:request_pipeline({ { path = '/connection' }, { path = '/chunked' }, { path = '/empty' } })
             for _, res in ipairs(responses) do show(res.status, (res:read_body())) end",
            "[true,nil,nil][200,0][200,hello, world][204,]",
        ),
    ];
    for (source, expected) in cases {
        let printed = http(server, &format!("{connect} {source}")).await;
        // Which connection it is does not matter here.
        let printed = match printed.split_once("[200,true,") {
            Some((before, after)) => {
                format!("{before}[200,true,0{}", &after[after.find(',').unwrap_or(0)..])
            }
            None => printed,
        };
        let printed = match printed.split_once("[200,") {
            Some((before, after)) if source.contains("pipeline") => {
                format!("{before}[200,0{}", &after[after.find(']').unwrap_or(0)..])
            }
            _ => printed,
        };
        assert_eq!(printed, expected, "{source}");
    }
}

#[tokio::test]
async fn uris_and_deprecated_ways_to_connect() {
    let server = http_server().await;
    assert_prints(
        server,
        &[
            ("show(unpack(http:parse_uri('https://a.b/c?d=e')))", "[https,a.b,443,/c?d=e]"),
            ("show(unpack(http:parse_uri('http://a.b:81', false), 1, 5))", "[http,a.b,81,/,]"),
            ("show(http:parse_uri('nonsense'))", "[nil,bad uri: nonsense]"),
            ("show(unpack(http:parse_uri('//a.b/c')))", "[http,a.b,80,/c,]"),
            (
                "local httpc = http.new() show(httpc:connect('127.0.0.1', PORT))
                 show(httpc:request({ path = '/empty' }).status)",
                "[1][204]",
            ),
            (
                "show(http.new():connect({ host = 'x', port = 1 }))",
                "[nil,'scheme' is required when providing a port]",
            ),
            ("show(http.new():request_uri('http://127.0.0.1:1/'))", "[nil,connection refused]"),
            ("show(http.new():request_uri('nonsense'))", "[nil,bad uri: nonsense]"),
        ],
    )
    .await;
}

#[tokio::test]
async fn through_a_proxy() {
    let server = http_server().await;
    let source = "
        local httpc = http.new()
        httpc:set_proxy_options({ http_proxy = 'http://127.0.0.1:PORT/', http_proxy_authorization = 'Basic x', no_proxy = 'here.test,.local' })
        local res = httpc:request_uri('http://there/echo')
        ngx.print(res.body)
        show(httpc:get_proxy_uri('http', 'a.here.test')) show(httpc:get_proxy_uri('http', 'there') ~= nil)";
    assert_eq!(
        http(server, source).await,
        "GET http://there/echo HTTP/1.1\nHost: there\nProxy-Authorization: Basic x\n\
         User-Agent: lua-resty-http/0.17.2 (Lua) tower-lua\n\n[nil][true]"
    );
}

#[tokio::test]
async fn over_tls() {
    let authority = Authority::new();
    let server = authority.issue("localhost").serve_http().await;
    let source = "
        local function get(params)
          local httpc = require('resty.http').new()
          local res, err = httpc:request_uri('https://localhost:PORT/connection', params)
          return res and res.status .. httpc:get_reused_times() or err
        end
        ngx.print(get(), ' ', get(), ' ', get({ ssl_server_name = 'other.test' }), ' ',
          get({ ssl_verify = false, ssl_server_name = 'other.test' }))"
        .replace("PORT", &server.port().to_string())
        .replace(" .. httpc:get_reused_times()", " .. ' ' .. res.body");
    let app = App::builder()
        .runtime(|runtime| reaching(runtime).trusted_certificates(authority.pem()))
        .access(&source)
        .serve()
        .await;
    let expected = "200 0 200 0 certificate host mismatch 200 2";
    assert_eq!(app.get("/").send().await.text(), expected);
}

#[tokio::test]
async fn a_redirect_leads_nowhere_by_itself() {
    let server = http_server().await;
    let source = "
        local res = http.new():request_uri('http://127.0.0.1:PORT/redirect')
        show(res.status) show(http.new():request_uri(res.headers.Location))";
    assert_eq!(http(server, source).await, "[302][nil,connection refused]");
}

#[tokio::test]
async fn the_operators_own_takes_its_place() {
    let folder = std::env::temp_dir().join(format!("tower-lua-http-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("resty")).unwrap();
    std::fs::write(folder.join("resty/http.lua"), "return { whose = 'the operator' }").unwrap();
    let app = App::builder()
        .runtime(|runtime| reaching(runtime).module_path(&folder))
        .access("ngx.print(require('resty.http').whose)")
        .serve()
        .await;
    let text = app.get("/").send().await.text();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(text, "the operator");
}

#[tokio::test]
async fn the_body_of_the_request_goes_on() {
    let server = http_server().await;
    let source = "
        local httpc = require('resty.http').new()
        httpc:connect('127.0.0.1', PORT)
        local res, err = httpc:request({
          method = 'POST', path = '/echo', body = httpc:get_client_body_reader(4),
          headers = { ['Content-Length'] = ngx.var.http_content_length, Host = 'x', ['User-Agent'] = 'y' },
        })
        ngx.print(res and res:read_body() or err)";
    let app = App::reaching(server, source).await;
    assert_eq!(
        app.post("/").body("0123456789").send().await.text(),
        "POST /echo HTTP/1.1\nContent-Length: 10\nHost: x\nUser-Agent: y\n\n0123456789"
    );
}
