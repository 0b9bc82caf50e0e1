//! `kong.client.tls`: the client's end of the TLS connection.

use tower_lua::{Phase, Tls};

use crate::support::App;

const CHAIN: &str = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";

fn tls() -> Tls {
    Tls::new("TLSv1.3", "TLS_AES_256_GCM_SHA384")
}

#[tokio::test]
async fn the_certificate_chain_is_the_one_that_the_application_gives() {
    let get =
        "kong.response.exit(200, kong.client.tls.get_full_client_certificate_chain() or 'none')";
    let chained = App::builder().extension(tls().with_client_certificate_chain(CHAIN));
    assert_eq!(chained.access(get).serve().await.get("/").send().await.text(), CHAIN);
    let unchained = App::builder().extension(tls());
    assert_eq!(unchained.access(get).serve().await.get("/").send().await.text(), "none");
    assert_eq!(App::access(get).await.get("/").send().await.text(), "none");
}

#[tokio::test]
async fn the_log_phase_knows_the_chain_too() {
    let app = App::builder()
        .extension(tls().with_client_certificate_chain(CHAIN))
        .log("require('recorder')(kong.client.tls.get_full_client_certificate_chain())")
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, [CHAIN]);
}

#[tokio::test]
async fn the_log_tells_of_the_connection() {
    for (before, tls, expected) in [
        ("", tls(), "TLSv1.3 TLS_AES_256_GCM_SHA384 NONE"),
        ("", tls().with_client_verify("SUCCESS"), "TLSv1.3 TLS_AES_256_GCM_SHA384 SUCCESS"),
        (
            "kong.client.tls.set_client_verify('FAILED:expired')",
            tls().with_client_verify("SUCCESS"),
            "TLSv1.3 TLS_AES_256_GCM_SHA384 FAILED:expired",
        ),
    ] {
        let app = App::builder()
            .extension(tls)
            .access(before)
            .post_function(
                Phase::Log,
                "local tls = kong.log.serialize().request.tls
                 require('recorder')(tls.version, tls.cipher, tls.client_verify)",
            )
            .serve()
            .await;
        app.get("/").send().await;
        assert_eq!(app.recorder.wait_for(1).await, [expected]);
    }
}

#[tokio::test]
async fn the_log_of_a_plain_connection_has_no_tls() {
    let app = App::builder()
        .access("kong.client.tls.set_client_verify('NONE')")
        .log("require('recorder')(tostring(kong.log.serialize().request.tls))")
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["nil"]);
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    let unknown = |value: &str| {
        format!(
            "unknown client verify value: {value} accepted values are: \"SUCCESS\", \"NONE\" or \
             \"FAILED:<reason>\""
        )
    };
    for (arguments, message) in [
        ("", "assertion failed!".to_owned()),
        (", 1", "assertion failed!".to_owned()),
        (", ''", unknown("")),
        (", 'success'", unknown("success")),
        (", 'FAILED'", unknown("FAILED")),
    ] {
        let source = format!("select(2, pcall(kong.client.tls.set_client_verify{arguments}))");
        assert_eq!(App::eval(&source).await, message, "{arguments}");
    }
}
