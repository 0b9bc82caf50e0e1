//! `connect`, `bind`, `ngx.socket.connect`.

use std::net::IpAddr;

use tower_lua::Resolved;

use crate::support::{App, echoes, reaching, says};

#[tokio::test]
async fn to_addresses_names_and_files() {
    let peer = says("hello\n").await;
    let connects = [
        "'127.0.0.1', PORT",
        "'localhost', PORT",
        "'127.0.0.1', 'PORT'",
        "'127.0.0.1', PORT, { pool = 'mine' }",
    ];
    for arguments in connects {
        let source = format!(
            "local sock = ngx.socket.tcp()
             ngx.print(tostring(sock:connect({arguments})), ' ', sock:receive())"
        );
        assert_eq!(App::reach(peer, &source).await, "1 hello", "{arguments}");
    }
    let source = "ngx.print(ngx.socket.connect('127.0.0.1', PORT):receive())";
    assert_eq!(App::reach(peer, source).await, "hello");
}

#[tokio::test]
async fn to_unix_domain_sockets() {
    let folder = std::env::temp_dir().join(format!("tower-lua-unix-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("a.sock");
    let _ = std::fs::remove_file(&path);
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            use tokio::io::AsyncWriteExt;
            stream.write_all(b"from a file\n").await.unwrap();
        }
    });
    let source = format!(
        "local sock = ngx.socket.stream()
         ngx.say(sock:connect('unix:{0}'))
         ngx.say(sock:receive())
         ngx.say(sock:connect('unix:{0}.gone'))
         ngx.say(sock:connect('UNIX:{0}', {{ pool = 'x' }}))",
        path.display()
    );
    let printed = App::reach("127.0.0.1:1".parse().unwrap(), &source).await;
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(printed, "1\nfrom a file\nnilno such file or directory\n1\n");
}

#[tokio::test]
async fn what_cannot_be_connected_to() {
    // Nobody else can listen there.
    let silent = tokio::net::TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let unused = silent.local_addr().unwrap();
    let cases = [
        ("'127.0.0.1', PORT", "nil connection refused"),
        ("'127.0.0.1'", "nil missing the port number"),
        ("'127.0.0.1', nil", "nil missing the port number"),
        ("'127.0.0.1', 65536", "nil bad port number: 65536"),
        ("'127.0.0.1', -1", "nil bad port number: -1"),
        ("'', 80", "nil failed to parse host name \"\": no host"),
        ("'a/b', 80", "nil failed to parse host name \"a/b\": invalid host"),
        ("'unix:'", "nil failed to parse host name \"unix:\": no path in the unix domain socket"),
        ("'nowhere.invalid', 80", "nil nowhere.invalid could not be resolved (3: Host not found)"),
    ];
    for (arguments, expected) in cases {
        let source = format!(
            "local ok, err = ngx.socket.tcp():connect({arguments}) ngx.print(tostring(ok), ' ', err)"
        );
        let printed = App::reach(unused, &source).await;
        // Where there is no network at all, the resolver says that it has failed.
        let printed = printed.replace("(2: Server failure)", "(3: Host not found)");
        assert_eq!(printed, expected, "{arguments}");
    }
}

#[tokio::test]
async fn arguments_that_are_wrong_raise() {
    let peer = echoes().await;
    let errors = [
        (
            "sock:connect()",
            "ngx.socket connect: expecting 2, 3, or 4 arguments (including the object), but seen 1",
        ),
        (
            "sock:connect('127.0.0.1', PORT, { pool = {} })",
            "bad argument #3 to 'connect' (bad \"pool\" option type: table)",
        ),
        (
            "sock:connect('127.0.0.1', PORT, { pool_size = 0 })",
            "bad argument #3 to 'connect' (bad \"pool_size\" option value: 0)",
        ),
        (
            "sock:connect('127.0.0.1', PORT, { pool_size = 'x' })",
            "bad argument #3 to 'connect' (bad \"pool_size\" option type: string)",
        ),
        (
            "sock:connect('127.0.0.1', PORT, { backlog = -1 })",
            "bad argument #3 to 'connect' (bad \"backlog\" option value: -1)",
        ),
        ("ngx.socket.tcp(1)", "expecting zero arguments, but got 1"),
        (
            "sock:settimeout()",
            "ngx.socket settimeout: expecting 2 arguments (including the object) but seen 1",
        ),
        (
            "sock:settimeouts(1)",
            "ngx.socket settimeouts: expecting 4 arguments (including the object) but seen 2",
        ),
        ("sock:settimeout(-1)", "bad timeout value"),
        ("sock:settimeout(2147483648)", "bad timeout value"),
    ];
    for (source, expected) in errors {
        let source = format!(
            "local sock = ngx.socket.tcp()
             ngx.print(select(2, pcall(function() {source} end)))"
        );
        let error = App::reach(peer, &source).await;
        assert_eq!(error.split_once(": ").map(|(_, message)| message), Some(expected), "{source}");
    }
}

#[tokio::test]
async fn a_socket_that_connects_again_closes_what_it_had() {
    let peer = says("hello\n").await;
    let source = "
        local sock = ngx.socket.tcp()
        for i = 1, 3 do assert(sock:connect('127.0.0.1', PORT)) end
        ngx.print(sock:receive())";
    let app = App::reaching(peer, source).await;
    assert_eq!(app.get("/").send().await.text(), "hello");
    assert_eq!(app.runtime.stats().sockets, 0);
}

#[tokio::test]
async fn sockets_are_made_from_an_address_of_choice() {
    let peer = crate::support::peer(|mut stream| async move {
        let from = stream.peer_addr().unwrap().ip().to_string();
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, from.as_bytes()).await;
    })
    .await;
    let source = "
        local sock = ngx.socket.tcp()
        ngx.say(sock:bind('127.0.0.9'))
        ngx.say(sock:bind('nonsense'))
        sock:connect('127.0.0.1', PORT)
        ngx.say(sock:receive('*a'))";
    assert_eq!(App::reach(peer, source).await, "1\nnilbad address\n127.0.0.9\n");
}

#[tokio::test]
async fn names_are_resolved_by_the_application_once_for_their_time() {
    let peer = says("hello\n").await;
    let recorder = crate::support::Recorder::default();
    let told = recorder.clone();
    let source = "
        ngx.print(ngx.socket.connect('users.internal', PORT):receive(), ' ',
          select(2, ngx.socket.connect('other.internal', PORT)))"
        .replace("PORT", &peer.port().to_string());
    let app = App::builder()
        .runtime(|runtime| {
            reaching(runtime).resolver(move |name: String| {
                told.push(name.clone());
                async move {
                    match name.as_str() {
                        "users.internal" => Ok(Resolved::from(vec![IpAddr::from([127, 0, 0, 1])])),
                        _ => Ok(Resolved::default()),
                    }
                }
            })
        })
        .access(&source)
        .serve()
        .await;
    for _ in 0..2 {
        assert_eq!(
            app.get("/").send().await.text(),
            "hello other.internal could not be resolved (3: Host not found)"
        );
    }
    assert_eq!(recorder.entries(), ["users.internal", "other.internal", "other.internal"]);
}

#[tokio::test]
async fn a_socket_of_another_request_is_a_bad_request() {
    let peer = echoes().await;
    let source = "
        if kept then
          local ok, err = pcall(kept.connect, kept, '127.0.0.1', PORT)
          ngx.print(string.match(err, '[^:]*$'), ', ', select(2, kept:close()))
        else
          kept = ngx.socket.connect('127.0.0.1', PORT)
          ngx.print('kept')
        end";
    let app = App::reaching(peer, source).await;
    assert_eq!(app.get("/").send().await.text(), "kept");
    assert_eq!(app.runtime.stats().sockets, 0);
    assert_eq!(app.get("/").send().await.text(), "bad request, closed");
}
