//! TLS with clients and with services.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::support::{Gateway, Start, echo_upstream, kong_yml, unused_addr};

/// A certificate for some names, and its key.
fn certificate(names: &[&str]) -> (CertificateDer<'static>, PrivateKeyDer<'static>, [String; 2]) {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let pem = [made.cert.pem(), made.signing_key.serialize_pem()];
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    (made.cert.der().clone(), key, pem)
}

/// Connects as `name`, believing `root` alone.
async fn connect(
    addr: SocketAddr,
    name: &str,
    root: &CertificateDer<'static>,
    protocol: &str,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let stream = TcpStream::connect(addr).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn get(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin), host: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Starts a gateway that listens with TLS, with certificates for these names, the first of which is
/// returned.
fn start(file: &str, names: &[&[&str]]) -> (Gateway, Vec<CertificateDer<'static>>) {
    let start = Start::of_file(file);
    let (mut certs, mut keys, mut roots) = (Vec::new(), Vec::new(), Vec::new());
    for (n, names) in names.iter().enumerate() {
        let (certificate, _, [cert_pem, key_pem]) = certificate(names);
        certs.push(start.file(&format!("{n}.crt"), &cert_pem));
        keys.push(start.file(&format!("{n}.key"), &key_pem));
        roots.push(certificate);
    }
    let list = |files: &[PathBuf]| {
        files.iter().map(|file| file.to_string_lossy()).collect::<Vec<_>>().join(",")
    };
    let gateway = start
        .env("KONG_PROXY_LISTEN", "127.0.0.1:0 ssl http2")
        .arg("--ssl-cert")
        .arg(list(&certs))
        .arg("--ssl-cert-key")
        .arg(list(&keys))
        .serving();
    (gateway, roots)
}

#[tokio::test]
async fn clients_are_served_with_tls_and_the_service_hears_of_it() {
    let file = kong_yml(echo_upstream().await, &json!({}), &json!({ "protocols": ["https"] }));
    let (gateway, roots) = start(&file, &[&["shop.test"]]);
    let mut stream = connect(gateway.proxy, "shop.test", &roots[0], "http/1.1").await.unwrap();
    let answer = get(&mut stream, "shop.test").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(r#""x-forwarded-proto":"https""#), "{answer}");
}

#[tokio::test]
async fn each_server_name_has_its_certificate_and_may_choose_the_route() {
    let exit = |name: &str| json!({ "access": [format!("kong.response.exit(200, '{name} ' .. (ngx.var.ssl_server_name or ''))")] });
    let file = json!({ "_format_version": "3.0", "services": [{
        "name": "s", "url": format!("http://{}", unused_addr()),
        "routes": [
            { "paths": ["/"], "snis": ["one.test"], "plugins": [{ "name": "pre-function", "config": exit("first") }] },
            { "paths": ["/"], "plugins": [{ "name": "pre-function", "config": exit("any") }] },
        ],
    }]});
    let (gateway, roots) = start(&file.to_string(), &[&["one.test"], &["two.test", "three.test"]]);
    for (name, root, wanted) in [
        ("one.test", 0, "first one.test"),
        ("two.test", 1, "any two.test"),
        ("three.test", 1, "any three.test"),
    ] {
        let mut stream = connect(gateway.proxy, name, &roots[root], "http/1.1").await.unwrap();
        let answer = get(&mut stream, name).await;
        assert!(answer.ends_with(wanted), "{answer}");
    }
    // A name that no certificate is for gets the first.
    assert!(connect(gateway.proxy, "four.test", &roots[1], "http/1.1").await.is_err());
}

#[tokio::test]
async fn http2_is_agreed_on() {
    let file = kong_yml(echo_upstream().await, &json!({}), &json!({}));
    let (gateway, roots) = start(&file, &[&["shop.test"]]);
    let stream = connect(gateway.proxy, "shop.test", &roots[0], "h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    tokio::spawn(connection);
    let request =
        http::Request::get("https://shop.test/").body(http_body_util::Empty::<bytes::Bytes>::new());
    assert_eq!(sender.send_request(request.unwrap()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_certificate_is_made_where_none_is_given() {
    let file = kong_yml(unused_addr(), &json!({}), &json!({}));
    let gateway = Start::of_file(&file).env("KONG_PROXY_LISTEN", "127.0.0.1:0 ssl").serving();
    let (other, _, _) = certificate(&["localhost"]);
    let error = connect(gateway.proxy, "localhost", &other, "http/1.1").await.unwrap_err();
    // There is a certificate, and nobody vouches for it.
    assert!(error.to_string().contains("certificate"), "{error}");
    let start = Start::of_file(&file).env("KONG_PROXY_LISTEN", "127.0.0.1:0 ssl");
    let log = start.directory().join("gateway.log");
    let mut told = start.arg("--log-file").arg(&log).spawned();
    told.reads(&log, "no --ssl-cert: clients get a certificate for 'localhost'");
}

#[tokio::test]
async fn functions_of_certificate_may_end_a_handshake() {
    let file = json!({ "_format_version": "3.0", "services": [{
        "name": "s", "url": format!("http://{}", echo_upstream().await), "routes": [{ "paths": ["/"] }],
    }], "plugins": [{ "name": "pre-function", "config": { "certificate": [
        "kong.log.notice('a handshake from ', kong.client.get_ip())",
    ] } }] });
    let (gateway, roots) = start(&file.to_string(), &[&["shop.test"]]);
    assert!(connect(gateway.proxy, "shop.test", &roots[0], "http/1.1").await.is_ok());
    gateway.logged("a handshake from");
    let mut closed = file.clone();
    closed["plugins"][0]["config"]["certificate"] =
        json!(["ngx.sleep(0.001) return ngx.exit(ngx.ERROR)"]);
    assert!(gateway.reload(&closed.to_string()));
    assert!(connect(gateway.proxy, "shop.test", &roots[0], "http/1.1").await.is_err());
}

/// A service that speaks TLS with this certificate.
async fn tls_upstream(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> SocketAddr {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let app = Router::new().fallback(any(|| async { "over TLS" }));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, app) = (acceptor.clone(), app.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = hyper_util::service::TowerToHyperService::new(app);
                let io = hyper_util::rt::TokioIo::new(stream);
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
            });
        }
    });
    addr
}

#[tokio::test]
async fn a_service_must_be_who_it_says_it_is() {
    let (certificate, key, [pem, _]) = certificate(&["localhost"]);
    let addr = tls_upstream(certificate, key).await;
    let file = |host: &str, service: serde_json::Value| {
        let mut whole = json!({ "url": format!("https://{host}:{}", addr.port()), "retries": 0 });
        for (name, value) in service.as_object().unwrap() {
            whole[name] = value.clone();
        }
        kong_yml(addr, &whole, &json!({}))
    };
    let trusting = |file: &str| {
        let start = Start::of_file(file);
        let root = start.file("root.pem", &pem);
        start.arg("--lua-ssl-trusted-certificate").arg(root).serving()
    };
    let gateway = trusting(&file("localhost", json!({})));
    assert_eq!(gateway.get("/").send().await.text(), "over TLS");
    // Another name than the certificate's.
    assert_eq!(trusting(&file("127.0.0.1", json!({}))).get("/").send().await.status, 502);
    // A certificate that nobody vouches for, unless that does not matter.
    let strict = Gateway::of_file(&file("localhost", json!({})));
    assert_eq!(strict.get("/").send().await.status, 502);
    let lax = Gateway::of_file(&file("localhost", json!({ "tls_verify": false })));
    assert_eq!(lax.get("/").send().await.text(), "over TLS");
}

#[tokio::test]
async fn a_route_for_https_may_send_clients_there() {
    let route = json!({ "protocols": ["https"], "https_redirect_status_code": 301 });
    let gateway = Gateway::of_file(&kong_yml(unused_addr(), &json!({}), &route));
    let reply = gateway.get("/a?b=c").header("host", "shop.test:8000").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (301, "https://shop.test/a?b=c"));
}

#[test]
fn files_that_hold_no_certificate_are_named() {
    let start = Start::of_file("_format_version: \"3.0\"");
    let nothing = start.file("nothing.pem", "nothing");
    let start = start.env("KONG_PROXY_LISTEN", "127.0.0.1:0 ssl");
    let (code, said) =
        start.arg("--ssl-cert").arg(&nothing).arg("--ssl-cert-key").arg(&nothing).ending();
    assert!(code == 1 && said.contains("nothing.pem"), "{said}");
}
