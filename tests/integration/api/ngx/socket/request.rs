//! `ngx.req.socket`.

use crate::support::App;

#[tokio::test]
async fn the_body_is_received_and_goes_on() {
    let source = "
        local sock = ngx.req.socket()
        sock:settimeout(1000)
        kong.response.set_header('X-Line', sock:receive())
        kong.response.set_header('X-Size', sock:receive(2))
        kong.response.set_header('X-Until', sock:receiveuntil('--')())
        kong.response.set_header('X-Any', sock:receiveany(100))
        kong.response.set_header('X-End', table.concat({ tostring(sock:receive()), select(2, sock:receive()) }, ' '))";
    let reply = App::access(source).await.post("/").body("one\r\ntwoth--ree").send().await;
    let told = ["x-line", "x-size", "x-until", "x-any", "x-end"].map(|name| reply.header(name));
    assert_eq!(told, ["one", "tw", "oth", "ree", "nil closed"]);
    assert_eq!(reply.json()["body"], "one\r\ntwoth--ree");
}

#[tokio::test]
async fn where_there_is_no_body_there_is_no_socket() {
    let source = "
        local sock, err = ngx.req.socket()
        ngx.say(type(sock), err)
        if ngx.req.get_method() == 'POST' then
          ngx.req.read_body() ngx.say(ngx.req.socket())
          ngx.say(select(2, pcall(ngx.req.socket, 1, 2)))
        end";
    let app = App::access(source).await;
    assert_eq!(app.get("/").send().await.text(), "nilno body\n");
    let text = app.post("/").body("x").send().await.text();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0] == "tablenil" && lines[1] == "nilrequest body already exists");
    assert!(lines[2].ends_with("expecting 0 or 1 argument, but got 2"));
}

#[tokio::test]
async fn what_a_pattern_has_begun_with_is_there_for_other_reads() {
    let source = "
        local sock = ngx.req.socket()
        local reader = sock:receiveuntil('--end')
        ngx.say(reader(2), ' ', sock:receive(3))";
    let reply = App::access(source).await.post("/").body("a----").send().await;
    assert_eq!(reply.text(), "a- ---\n");
}

#[tokio::test]
async fn the_body_can_be_written_anew_from_what_is_received() {
    let source = "
        local sock = ngx.req.socket()
        ngx.req.init_body()
        while true do
          local data, _, partial = sock:receive(4)
          ngx.req.append_body(string.upper(data or partial))
          if not data then break end
        end
        ngx.req.finish_body()
        kong.response.set_header('X-Body', ngx.req.get_body_data())";
    let reply = App::access(source).await.post("/").body("one, two").send().await;
    assert_eq!(reply.header("x-body"), "ONE, TWO");
    assert_eq!(reply.json()["body"], "ONE, TWO");
}
