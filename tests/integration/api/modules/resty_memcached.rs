//! `resty.memcached`, over a real server.

use crate::support::{SHOW, Server};

const HEAD: &str = "
    local mc = require('resty.memcached'):new()
    mc:set_timeout(5000)
    assert(mc:connect('SERVER'))
";

#[tokio::test]
async fn what_is_stored_comes_back() {
    let Some(server) = Server::memcached() else { return };
    let cases = [
        ("show(mc:set('dog', 32)) show(mc:get('dog'))", "[1][32,0]"),
        ("show(mc:get('none')) show(mc:gets('none'))", "[nil,nil,nil][nil,nil,nil,nil]"),
        ("show(mc:add('dog', 1)) show(mc:replace('none', 1))", "[nil,NOT_STORED][nil,NOT_STORED]"),
        (
            "show(mc:append('dog', 'x')) show(mc:prepend('dog', 'y')) show(mc:get('dog'))",
            "[1][1][y32x,0]",
        ),
        (
            "show(mc:set('a b', {'x', '\\r\\n'}, 0, 7)) show(mc:get({ 'a b', 'none' }))",
            r#"[1][{"a b":["x\r\n","7"]}]"#,
        ),
        (
            "local _, _, unique = mc:gets('dog')
          show(mc:cas('dog', 'new', unique)) show(mc:cas('dog', 'no', unique))",
            "[1][nil,EXISTS]",
        ),
        (
            "mc:set('n', 10) show(mc:incr('n', 5)) show(mc:decr('n', 3)) show(mc:incr('none', 1))",
            "[15][12][nil,NOT_FOUND]",
        ),
        (
            "show(mc:touch('n', 100)) show(mc:delete('n')) show(mc:delete('n'))",
            "[1][1][nil,NOT_FOUND]",
        ),
        (
            "show(mc:version():match('^%d+%.') ~= nil) show(#mc:stats() > 5) show(mc:verbosity(0))",
            "[true][true][1]",
        ),
        (
            "mc:init_pipeline() mc:set('p', 1) mc:get('p') mc:get({ 'p' }) show(mc:commit_pipeline())",
            r#"[[[1],["1","0"],[{"p":["1","0"]}]]]"#,
        ),
        (
            "show(mc:commit_pipeline()) mc:init_pipeline() show(mc:commit_pipeline())",
            "[nil,no pipeline][nil,no more cmds]",
        ),
        ("show(mc:set('big', ('x'):rep(500000))) show(#mc:get('big'))", "[1][500000]"),
        (
            "show(mc:set('big', ('x'):rep(2000000))) show(mc:get('dog'))",
            "[nil,SERVER_ERROR object too large for cache][new,0]",
        ),
        ("show(mc:flush_all()) show(mc:get('dog'))", "[1][nil,nil,nil]"),
        ("show(mc:set_keepalive(1000, 5)) show(mc:get('dog'))", "[1][nil,nil,closed]"),
        (
            "mc:set_keepalive() mc:connect('SERVER') show(mc:get_reused_times()) show(mc:quit())",
            "[1][1,nil]",
        ),
        (
            "local mc = require('resty.memcached')
          show(mc.get({ escape = tostring }, 'x')) show(mc:new({ key_transform = {} }))",
            "[nil,nil,not initialized][nil,expecting key_transform = { escape, unescape } table]",
        ),
    ];
    for (source, expected) in cases {
        assert_eq!(server.reach(&format!("{SHOW}{HEAD}{source}")).await, expected, "{source}");
    }
}
