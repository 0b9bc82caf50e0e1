//! `socket.url` and `mime`: what of `LuaSocket` touches nothing outside.

use crate::support::App;

/// What `expression` is worth, with the modules as `url` and `mime`.
async fn eval(expression: &str) -> String {
    App::eval(&format!(
        r#"(function()
             local url, mime = require("socket.url"), require("mime")
             local function list(t)
               local texts = {{}}
               for name, value in pairs(t) do texts[#texts + 1] = name .. "=" .. value end
               table.sort(texts)
               return table.concat(texts, " ")
             end
             return {expression}
           end)()"#
    ))
    .await
}

async fn assert_all(cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        assert_eq!(eval(expression).await, *expected, "{expression}");
    }
}

#[tokio::test]
async fn a_url_is_taken_to_pieces() {
    assert_all(&[
        (
            "list(url.parse('http://u:p@h.example:8080/a/b;c=1?d=2&e=3#f'))",
            "authority=u:p@h.example:8080 fragment=f host=h.example params=c=1 password=p path=/a/b \
             port=8080 query=d=2&e=3 scheme=http user=u userinfo=u:p",
        ),
        ("list(url.parse('http://[::1]:80/'))", "authority=[::1]:80 host=::1 path=/ port=80 scheme=http"),
        ("list(url.parse('//h?x=a@b'))", "authority=h host=h query=x=a@b"),
        ("list(url.parse('/a?b'))", "path=/a query=b"),
        ("list(url.parse('/a', { scheme = 'https' }))", "path=/a scheme=https"),
        ("list(url.parse('mailto:a@b'))", "path=a@b scheme=mailto"),
        ("url.parse('')", "nil, invalid url"),
        ("url.parse(nil)", "nil, invalid url"),
    ])
    .await;
}

#[tokio::test]
async fn pieces_are_put_together() {
    assert_all(&[
        (
            "url.build({ scheme = 'https', user = 'u', password = 'p', host = '::1', port = 1, \
             path = '/a', params = 'b', query = 'c', fragment = 'd' })",
            "https://u:p@[::1]:1/a;b?c#d",
        ),
        ("url.build({ authority = 'h', path = '/' })", "//h/"),
        ("url.escape('a b/ü_1')", "a%20b%2f%c3%bc_1"),
        ("url.unescape('a%20b%2F%zz')", "a b/%zz"),
        ("list(url.parse_path('/a%20b/c/'))", "1=a b 2=c is_absolute=1 is_directory=1"),
        ("url.build_path({ 'a b', 'c:d', is_absolute = 1 })", "/a%20b/c:d"),
        ("url.build_path({ 'a b', is_directory = 1 }, true)", "a b/"),
    ])
    .await;
}

#[tokio::test]
async fn an_address_is_found_from_another() {
    let base = "http://a/b/c/d;p?q#f";
    for (relative, expected) in [
        ("g:h", "g:h"),
        ("g", "http://a/b/c/g"),
        ("./g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g"),
        ("?y", "http://a/b/c/d;p?y"),
        ("#s", "http://a/b/c/d;p?q#s"),
        (";x", "http://a/b/c/d;x"),
        (".", "http://a/b/c/"),
        ("../..", "http://a/"),
        ("../../../g", "http://a/g"),
        ("g/./h/../i", "http://a/b/c/g/i"),
        ("g//h", "http://a/b/c/g//h"),
        ("g?y/./x", "http://a/b/c/g?y/./x"),
        ("", base),
    ] {
        let found = eval(&format!("url.absolute('{base}', '{relative}')")).await;
        assert_eq!(found, expected, "{relative}");
    }
    assert_all(&[
        ("url.absolute(url.parse('http://h'), 'a')", "http://h/a"),
        ("url.absolute('', 'a')", "a"),
    ])
    .await;
}

#[tokio::test]
async fn base64_goes_both_ways_and_piece_by_piece() {
    assert_all(&[
        ("mime.b64('diego:password')", "ZGllZ286cGFzc3dvcmQ=, nil"),
        ("mime.unb64('ZGllZ286cGFzc3dvcmQ=')", "diego:password, nil"),
        ("mime.unb64('ZGllZ28 6cGFz\\nc3dvcmQ')", "diego:password, nil"),
        ("mime.b64('abcd', 'e')", "YWJj, de"),
        ("mime.unb64('ZGll', 'Z2')", "die, Z2"),
        ("mime.b64('')", "nil, nil"),
        ("mime.b64(nil)", "nil, nil"),
        ("mime.unb64('Z')", "nil, nil"),
    ])
    .await;
}
