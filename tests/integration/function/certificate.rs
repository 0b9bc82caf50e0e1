//! Functions that run while a TLS handshake is on.

use std::time::Duration;

use tower_lua::{Connection, Functions, Network, Phase, Plugin, Runtime, Sandbox};

use crate::support::says;

async fn run(source: &str) -> Result<bool, tower_lua::Error> {
    let set = Functions::builder("handshake").function(Phase::Certificate, source).build().unwrap();
    let connection = Connection::new("192.0.2.7:50123".parse().unwrap()).with_tls(true);
    let runtime = Runtime::builder().vms(1).build().unwrap();
    runtime.certificate(&set, Plugin::PreFunction, connection, Some("shop.test")).await
}

#[tokio::test]
async fn a_handshake_goes_on_unless_a_function_ends_it() {
    assert!(run("local _ = 1").await.unwrap());
    assert!(run("return ngx.exit(ngx.OK)").await.unwrap());
    assert!(!run("return ngx.exit(ngx.ERROR)").await.unwrap());
}

#[tokio::test]
async fn functions_know_the_phase_and_the_client() {
    let seen = run("error(ngx.get_phase() .. ' ' .. kong.client.get_ip(), 0)").await.unwrap_err();
    assert!(seen.to_string().contains("192.0.2.7"), "{seen}");
}

#[tokio::test]
async fn there_is_no_request_to_speak_of() {
    let error = run("kong.request.get_header('host')").await.unwrap_err().to_string();
    assert!(error.contains("function cannot be called in certificate phase"), "{error}");
}

#[tokio::test]
async fn a_function_of_another_phase_does_not_run() {
    let set = Functions::access("later", "error('ran')").unwrap();
    let connection = Connection::new("192.0.2.7:50123".parse().unwrap());
    let runtime = Runtime::global();
    assert!(runtime.certificate(&set, Plugin::PostFunction, connection, None).await.unwrap());
}

#[tokio::test]
async fn a_function_waits() {
    assert!(run("ngx.sleep(0.001)").await.unwrap());
    assert!(!run("ngx.sleep(0.001) return ngx.exit(ngx.ERROR)").await.unwrap());
    let error = run("ngx.sleep(0.001) error('late')").await.unwrap_err().to_string();
    assert!(error.contains("late"), "{error}");
}

#[tokio::test]
async fn it_asks_a_server_whether_the_handshake_may_go_on() {
    let runtime = Runtime::builder().vms(1);
    let runtime = runtime.sandbox(Sandbox::default().network(Network::any())).build().unwrap();
    for (answer, expected) in [("yes\n", true), ("no\n", false)] {
        let source = format!(
            "local sock = assert(ngx.socket.connect('127.0.0.1', {}))
             if sock:receive() ~= 'yes' then return ngx.exit(ngx.ERROR) end
             sock:setkeepalive()",
            says(answer).await.port()
        );
        let set =
            Functions::builder("asking").function(Phase::Certificate, source).build().unwrap();
        let connection = Connection::new("192.0.2.7:50123".parse().unwrap());
        let goes_on = runtime.certificate(&set, Plugin::PreFunction, connection, None).await;
        assert_eq!(goes_on.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_handshake_that_is_given_up_leaves_nothing() {
    let runtime = Runtime::builder().vms(1).build().unwrap();
    let source = "ngx.ctx.kept = {} ngx.sleep(60)";
    let set = Functions::builder("sleeping").function(Phase::Certificate, source).build().unwrap();
    let connection = Connection::new("192.0.2.7:50123".parse().unwrap());
    let asked = runtime.certificate(&set, Plugin::PreFunction, connection, None);
    assert!(tokio::time::timeout(Duration::from_millis(20), asked).await.is_err());
    assert_eq!(runtime.stats().suspended, 0);
}
