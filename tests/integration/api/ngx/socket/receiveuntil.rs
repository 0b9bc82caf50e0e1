//! `receiveuntil`.

use super::assert_prints;
use crate::support::says;

#[tokio::test]
async fn all_before_the_pattern() {
    let peer = says("hello, world! -agentzh\r\n--abcedhb blah blah").await;
    assert_prints(
        peer,
        &[
            (
                "local reader = sock:receiveuntil('--abcedhb') show(reader()) show(reader()) show(reader())",
                "[hello, world! -agentzh\r\n][nil,closed, blah blah][nil,closed]",
            ),
            (
                "local reader = sock:receiveuntil('\\r\\n--abcedhb')
                 while true do
                   local data, err, partial = reader(4)
                   if not data then show(data, err, partial) break end
                   show(data)
                 end
                 show(sock:receive('*a'))",
                "[hell][o, w][orld][! -a][gent][zh][nil,nil,nil][ blah blah]",
            ),
            (
                "local reader = sock:receiveuntil('--abcedhb', { inclusive = true }) show(reader())",
                "[hello, world! -agentzh\r\n--abcedhb]",
            ),
            (
                "local reader = sock:receiveuntil('aaa') show(reader(1000))",
                "[nil,closed,hello, world! -agentzh\r\n--abcedhb blah blah]",
            ),
            ("show(sock:receiveuntil(''))", "[nil,pattern is empty]"),
            ("sock:close() show(sock:receiveuntil('x')())", "[nil,closed]"),
            (
                "local ok, err = pcall(sock.receiveuntil, sock, 'x', { inclusive = 'yes' })
                 show(string.match(err, 'bad .*'))",
                "[bad \"inclusive\" option value type: string]",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn patterns_that_begin_again_in_themselves() {
    let peer = says("abcabd ab1ab1ab2 --- abbbbcd").await;
    assert_prints(
        peer,
        &[
            ("show(sock:receiveuntil('abcabd')())", "[]"),
            ("show(sock:receiveuntil('ab1ab2')()) show(sock:receive(4))", "[abcabd ab1][ ---]"),
            (
                "show(sock:receiveuntil('bbbc')()) show(sock:receive('*a'))",
                "[abcabd ab1ab1ab2 --- ab][d]",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn other_reads_get_what_a_pattern_has_taken_of_its_beginning() {
    let peer = says("----abc----abc-").await;
    assert_prints(
        peer,
        &[
            (
                "local reader = sock:receiveuntil('--abc')
                 for _ = 1, 4 do show(reader(2)) show(sock:receive(1)) end
                 show(reader(2)) show(reader(2))",
                "[--][-][-a][b][c-][-][][-][nil,nil,nil][nil,closed,]",
            ),
            (
                "local first, second = sock:receiveuntil('--abc'), sock:receiveuntil('-abc')
                 show(first(2)) show(second(1)) show(second(9)) show(first())",
                "[--][-][][--]",
            ),
            ("sock:receiveuntil('----abcd')(1) show(sock:receive(8))", "[----abc-]"),
        ],
    )
    .await;
}
