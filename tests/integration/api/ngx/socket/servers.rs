//! Sockets to a real `mariadbd`, by a client in Lua.

use tower_lua::{Network, Sandbox, UntrustedLua};

use crate::support::{SHOW, Server};

const HEAD: &str = "
    local db = assert(connect('SERVER', 'root', ''))
";

#[tokio::test]
async fn a_client_of_mysqls_protocol_has_its_results() {
    let Some(server) = Server::mariadb() else { return };
    let cases = [
        ("show(db:query('create database zoo'))
          show(db:query('create table zoo.cats (id serial, name text, n int)'))", "[1,nil][0,nil]"),
        ("show(db:query(\"insert into zoo.cats (name, n) values ('Bob', 1), ('', null)\"))", "[2,nil]"),
        ("show(db:query('select * from zoo.cats'))", r#"[[["1","Bob","1"],["2","",null]],nil]"#),
        ("show(db:query('select 1; select 2; select * from nowhere.nothing'))
          show(db:result()) show(db:result())",
         r#"[[["1"]],again][[["2"]],again][nil,error 1146: "#),
        ("db:query(\"prepare s from 'select ? + 1'\") db:query('set @a = 41')
          show(db:query('execute s using @a'))", r#"[[["42"]],nil]"#),
        ("show(#db:query(\"select repeat('x', 900000)\")[1][1])", "[900000]"),
        ("show(db:query('select'))", "[nil,error 1064: "),
        ("db:query(\"create user ada identified by 'secret'\")
          show(connect('SERVER', 'ada', 'secret'):query('select substring_index(user(), \"@\", 1)'))
          show(connect('SERVER', 'ada', 'wrong'))",
         "[[[\"ada\"]],nil][nil,error 1045: "),
        ("db.sock:setkeepalive() db = connect('SERVER', 'root', '') show(db.sock:getreusedtimes())
          show(db:query('select 1'))", r#"[1][[["1"]],nil]"#),
    ];
    for (source, expected) in cases {
        let source = format!("{}{SHOW}{HEAD}{source}", include_str!("mysql.lua"));
        // The client has metatables, as a library has that lies outside of the sandbox.
        let sandbox = Sandbox::new(UntrustedLua::On).network(Network::any());
        let app = server.app(&source, |runtime| runtime.sandbox(sandbox));
        let text = app.await.get("/").send().await.text();
        assert!(text.starts_with(expected), "{source}: {text}, not {expected}");
    }
}
