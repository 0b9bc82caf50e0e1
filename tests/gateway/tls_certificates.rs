//! Certificates that are entities: what clients get by the names they ask for, and what services are
//! shown and believed by.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use http::Method;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::support::{Authority, Gateway, Made, Start, unused_addr};

fn trusting(authority: &Authority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der()).unwrap();
    roots
}

/// The certificate that a client gets who asks for `name`; nothing, if none is believed for it.
async fn shown(
    gateway: &Gateway,
    name: &str,
    authority: &Authority,
) -> Option<CertificateDer<'static>> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusting(authority))
        .with_no_client_auth();
    let stream = TcpStream::connect(gateway.proxy).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    Some(stream.get_ref().1.peer_certificates()?[0].clone().into_owned())
}

fn given(made: &Made, snis: &[&str]) -> Value {
    json!({ "cert": made.cert_pem, "key": made.key_pem, "snis": snis })
}

#[tokio::test]
async fn each_name_has_its_certificate_and_it_changes_while_the_gateway_runs() {
    let authority = Authority::new();
    let gateway = Start::new().env("KONG_PROXY_LISTEN", "127.0.0.1:0 ssl").serving();
    let names = ["own.a.test", "any.a.test", "a.org", "z.else"];
    for name in names {
        assert_eq!(shown(&gateway, name, &authority).await, None);
    }
    let [own, wild, last, all] = names.map(|name| authority.certificate(name));
    for (made, sni) in [(&own, "Own.a.test"), (&wild, "*.a.test"), (&last, "a.*"), (&all, "*")] {
        let reply = gateway.post("/certificates", &given(made, &[sni])).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
    for (name, made) in names.into_iter().zip([&own, &wild, &last, &all]) {
        assert_eq!(shown(&gateway, name, &authority).await, Some(made.der.clone()), "{name}");
    }
    let renewed = authority.certificate("any.a.test");
    let change = given(&renewed, &["*.a.test"]);
    let reply = gateway.send(Method::PATCH, "/certificates/*.a.test", &change).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(shown(&gateway, "any.a.test", &authority).await, Some(renewed.der));
    for name in ["*.a.test", "*"] {
        let path = format!("/certificates/{name}");
        let id = gateway.admin(&path).send().await.json()["id"].as_str().unwrap().to_owned();
        gateway.admin_call(Method::DELETE, &format!("/certificates/{id}")).send().await;
    }
    assert_eq!(shown(&gateway, "any.a.test", &authority).await, None);
    assert_eq!(shown(&gateway, "own.a.test", &authority).await, Some(own.der));
}

/// A service for clients with a certificate of `clients`, if there are to be any. It answers with how
/// many it was shown.
async fn service(made: Made, clients: Option<&Authority>) -> SocketAddr {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        Some(clients) => {
            let roots = Arc::new(trusting(clients));
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(vec![made.der], made.key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let count = stream.get_ref().1.peer_certificates().map_or(0, <[_]>::len);
            let app = Router::new().fallback(any(move || async move { count.to_string() }));
            let service = hyper_util::service::TowerToHyperService::new(app);
            let io = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    addr
}

/// A gateway with the service `s`, which has these fields.
async fn asking(addr: SocketAddr, fields: &Value) -> Gateway {
    let gateway = Gateway::empty();
    let mut service =
        json!({ "name": "s", "url": format!("https://localhost:{}", addr.port()), "retries": 0 });
    service.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let reply = gateway.post("/services", &service).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    gateway.post("/services/s/routes", &json!({ "paths": ["/"] })).await;
    gateway
}

async fn id_of(gateway: &Gateway, path: &str, entity: &Value) -> Value {
    let reply = gateway.post(path, entity).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()["id"].clone()
}

#[tokio::test]
async fn a_service_is_believed_whom_one_of_its_authorities_vouches_for() {
    let (authority, other) = (Authority::new(), Authority::new());
    let addr = service(authority.certificate("localhost"), None).await;
    let gateway = asking(addr, &json!({})).await;
    assert_eq!(gateway.get("/").send().await.status, 502);
    let wrong = id_of(&gateway, "/ca_certificates", &json!({ "cert": other.pem() })).await;
    let right = id_of(&gateway, "/ca_certificates", &json!({ "cert": authority.pem() })).await;
    for (named, status) in
        [(json!([wrong]), 502), (json!([wrong, right]), 200), (json!([wrong]), 502)]
    {
        let change = json!({ "ca_certificates": named });
        gateway.send(Method::PATCH, "/services/s", &change).await;
        assert_eq!(gateway.get("/").send().await.status.as_u16(), status, "{named}");
    }
    let lax = json!({ "tls_verify": false });
    gateway.send(Method::PATCH, "/services/s", &lax).await;
    assert_eq!(gateway.get("/").send().await.text(), "0");
    // What an authority is may change, too.
    let strict = json!({ "tls_verify": true });
    gateway.send(Method::PATCH, "/services/s", &strict).await;
    assert_eq!(gateway.get("/").send().await.status, 502);
    gateway
        .admin_call(Method::DELETE, &format!("/ca_certificates/{}", right.as_str().unwrap()))
        .send()
        .await;
    let path = format!("/ca_certificates/{}", wrong.as_str().unwrap());
    let changed = gateway.send(Method::PATCH, &path, &json!({ "cert": authority.pem() })).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(gateway.get("/").send().await.status, 200);
}

#[tokio::test]
async fn a_service_is_shown_who_the_gateway_is() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let addr = service(authority.certificate("localhost"), Some(&clients)).await;
    let gateway = asking(addr, &json!({ "tls_verify": false })).await;
    assert_eq!(gateway.get("/").send().await.status, 502);
    let certificate = clients.certificate("gateway.test");
    let id = id_of(&gateway, "/certificates", &given(&certificate, &[])).await;
    let change = json!({ "client_certificate": { "id": id } });
    gateway.send(Method::PATCH, "/services/s", &change).await;
    assert_eq!(gateway.get("/").send().await.text(), "1");
    let other = given(&authority.certificate("gateway.test"), &[]);
    let path = format!("/certificates/{}", id.as_str().unwrap());
    let changed = gateway.send(Method::PATCH, &path, &other).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(
        gateway.get("/").send().await.status,
        502,
        "the service does not know that authority"
    );
}

#[tokio::test]
async fn targets_are_asked_for_by_their_names_over_tls() {
    let authority = Authority::new();
    let addr = service(authority.certificate("shop.test"), None).await;
    let gateway = Gateway::empty();
    let id = id_of(&gateway, "/ca_certificates", &json!({ "cert": authority.pem() })).await;
    id_of(&gateway, "/upstreams", &json!({ "name": "u", "host_header": "shop.test" })).await;
    for target in [unused_addr(), addr] {
        id_of(&gateway, "/upstreams/u/targets", &json!({ "target": target })).await;
    }
    let entity = json!({ "name": "s", "url": "https://u", "ca_certificates": [id] });
    id_of(&gateway, "/services", &entity).await;
    id_of(&gateway, "/services/s/routes", &json!({ "paths": ["/"] })).await;
    for _ in 0..4 {
        assert_eq!(gateway.get("/").send().await.text(), "0");
    }
    let other = json!({ "host_header": "other.test" });
    gateway.send(Method::PATCH, "/upstreams/u", &other).await;
    assert_eq!(gateway.get("/").send().await.status, 502);
}

#[tokio::test]
async fn no_more_certificates_than_the_depth_may_vouch_for_each_other() {
    let authority = Authority::new();
    let addr = service(authority.certificate("localhost"), None).await;
    let gateway = asking(addr, &json!({ "tls_verify_depth": 0 })).await;
    let id = id_of(&gateway, "/ca_certificates", &json!({ "cert": authority.pem() })).await;
    gateway.send(Method::PATCH, "/services/s", &json!({ "ca_certificates": [id] })).await;
    assert_eq!(gateway.get("/").send().await.text(), "0", "nothing stands between the two");
}
