//! `setoption`, `getoption`, `getfd`.

use super::assert_prints;
use crate::support::silent;

#[tokio::test]
async fn options_are_set_and_told() {
    let peer = silent().await;
    assert_prints(
        peer,
        &[
            (
                "show(sock:setoption('keepalive', true)) show(sock:getoption('keepalive'))",
                "[true][1]",
            ),
            (
                "show(sock:setoption('tcp-nodelay', false)) show(sock:getoption('tcp-nodelay'))",
                "[true][0]",
            ),
            ("show(sock:setoption('reuseaddr', 1)) show(sock:getoption('reuseaddr'))", "[true][1]"),
            (
                "show(sock:setoption('sndbuf', 10240)) show(sock:getoption('sndbuf'))",
                "[true][20480]",
            ),
            (
                "show(sock:setoption('rcvbuf', 10240)) show(sock:getoption('rcvbuf'))",
                "[true][20480]",
            ),
            ("show(sock:setoption('abc', 1))", "[nil,unsupported option abc]"),
            ("show(sock:setoption('keepalive'))", "[nil,missing the \"value\" argument]"),
            ("show(sock:setoption())", "[nil,missing the \"option\" argument]"),
            ("show(sock:getoption())", "[nil,missing the \"option\" argument]"),
            ("show(type(sock:getfd())) sock:close() show(sock:getfd())", "[number][nil,closed]"),
            (
                "local ok, err = pcall(function() ngx.socket.tcp():setoption('keepalive', 1) end)
                 show(string.match(err, '[^:]*$'))",
                "[ socket is never created nor connected]",
            ),
        ],
    )
    .await;
}
