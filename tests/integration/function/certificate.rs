//! Functions that run while a TLS handshake is on.

use tower_lua::{Connection, Functions, Phase, Plugin, Runtime};

fn run(source: &str) -> Result<bool, tower_lua::Error> {
    let set = Functions::builder("handshake").function(Phase::Certificate, source).build().unwrap();
    let connection = Connection::new("192.0.2.7:50123".parse().unwrap()).with_tls(true);
    let runtime = Runtime::builder().vms(1).build().unwrap();
    runtime.certificate(&set, Plugin::PreFunction, connection, Some("shop.test"))
}

#[test]
fn a_handshake_goes_on_unless_a_function_ends_it() {
    assert!(run("local _ = 1").unwrap());
    assert!(run("return ngx.exit(ngx.OK)").unwrap());
    assert!(!run("return ngx.exit(ngx.ERROR)").unwrap());
}

#[test]
fn functions_know_the_phase_and_the_client() {
    let seen = run("error(ngx.get_phase() .. ' ' .. kong.client.get_ip(), 0)").unwrap_err();
    assert!(seen.to_string().contains("192.0.2.7"), "{seen}");
}

#[test]
fn there_is_no_request_to_speak_of() {
    let error = run("kong.request.get_header('host')").unwrap_err().to_string();
    assert!(error.contains("function cannot be called in certificate phase"), "{error}");
}

#[test]
fn a_function_of_another_phase_does_not_run() {
    let set = Functions::access("later", "error('ran')").unwrap();
    let connection = Connection::new("192.0.2.7:50123".parse().unwrap());
    let runtime = Runtime::global();
    assert!(runtime.certificate(&set, Plugin::PostFunction, connection, None).unwrap());
}
