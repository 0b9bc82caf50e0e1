//! Certificates, their names, and authorities, over the Admin API and in files.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Authority, Gateway};

async fn made(gateway: &Gateway, path: &str, entity: Value) -> Value {
    let reply = gateway.post(path, &entity).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

async fn got(gateway: &Gateway, path: &str) -> Value {
    gateway.admin(path).send().await.json()
}

fn pair(authority: &Authority, name: &str) -> Value {
    let made = authority.certificate(name);
    json!({ "cert": made.cert_pem, "key": made.key_pem })
}

#[tokio::test]
async fn a_certificate_is_made_with_its_names_and_found_by_them() {
    let (gateway, authority) = (Gateway::empty(), Authority::new());
    let mut given = pair(&authority, "a.test");
    given["snis"] = json!(["b.test", "a.test"]);
    let certificate = made(&gateway, "/certificates", given.clone()).await;
    assert_eq!(certificate["snis"], json!(["a.test", "b.test"]));
    assert_eq!((&certificate["cert_alt"], &certificate["tags"]), (&json!(null), &json!(null)));
    let id = certificate["id"].as_str().unwrap();
    for key in ["a.test", "b.test", id] {
        assert_eq!(got(&gateway, &format!("/certificates/{key}")).await, certificate);
    }
    assert_eq!(got(&gateway, "/certificates").await["data"], json!([certificate]));
    let snis = got(&gateway, &format!("/certificates/{id}/snis")).await;
    assert_eq!(snis["data"].as_array().unwrap().len(), 2);
    let sni = got(&gateway, "/snis/a.test").await;
    assert_eq!(sni["certificate"], json!({ "id": id }));
    assert_eq!(got(&gateway, "/snis/a.test/certificate").await, certificate);
    let taken = gateway.post("/certificates", &given).await;
    let error = format!("b.test already associated with existing certificate '{id}'");
    assert_eq!((taken.status.as_u16(), &taken.json()["fields"]["snis"]), (400, &error.into()));
    assert_eq!(got(&gateway, "/certificates").await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_names_of_a_certificate_change_with_it_and_go_with_it() {
    let (gateway, authority) = (Gateway::empty(), Authority::new());
    let given = pair(&authority, "a.test");
    let put = gateway.send(Method::PUT, "/certificates/a.test", &given).await;
    assert_eq!((put.status.as_u16(), &put.json()["snis"]), (200, &json!(["a.test"])));
    made(&gateway, "/certificates/a.test/snis", json!({ "name": "*.a.test" })).await;
    let names = json!({ "snis": ["a.test", "c.test"] });
    let patched = gateway.send(Method::PATCH, "/certificates/a.test", &names).await.json();
    assert_eq!(patched["snis"], names["snis"]);
    let tags = json!({ "tags": ["x"] });
    let tagged = gateway.send(Method::PATCH, "/certificates/a.test", &tags).await.json();
    assert_eq!(tagged["snis"], names["snis"]);
    let id = put.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/certificates/{id}");
    let emptied = gateway.send(Method::PUT, &path, &given).await.json();
    assert_eq!(emptied["snis"], json!([]));
    gateway.send(Method::PATCH, &path, &names).await;
    assert_eq!(gateway.admin_call(Method::DELETE, &path).send().await.status, 204);
    assert_eq!(got(&gateway, "/snis").await["data"], json!([]));
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told() {
    let (gateway, authority) = (Gateway::empty(), Authority::new());
    let (good, other) = (pair(&authority, "a.test"), pair(&authority, "b.test"));
    let same = "certificate and alternative certificate need to have different type (e.g. RSA and \
                ECDSA), the provided certificates were both of the same type";
    for (fields, expected) in [
        (
            json!({ "cert": "no" }),
            json!({ "cert": "invalid certificate: expected one or more in PEM" }),
        ),
        (
            json!({ "key": "no" }),
            json!({ "key": "invalid key: expected one of RSA, ECDSA or Ed25519 in PEM, without a password" }),
        ),
        (json!({ "key": other["key"] }), json!({ "@entity": ["certificate does not match key"] })),
        (
            json!({ "cert_alt": other["cert"] }),
            json!({ "@entity": ["all or none of these fields must be set: 'cert_alt', 'key_alt'"] }),
        ),
        (
            json!({ "cert_alt": other["cert"], "key_alt": other["key"] }),
            json!({ "@entity": [same] }),
        ),
        (
            json!({ "snis": ["a.*.b"] }),
            json!({ "snis": "wildcard must be leftmost or rightmost character" }),
        ),
        (json!({ "snis": ["a", "a"] }), json!({ "snis": "a is duplicated" })),
    ] {
        let mut given = good.clone();
        given.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let reply = gateway.post("/certificates", &given).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["fields"]), (400, &expected));
    }
}

#[tokio::test]
async fn an_authority_is_known_by_its_digest() {
    let (gateway, authority) = (Gateway::empty(), Authority::new());
    let given = json!({ "cert": authority.pem() });
    let first = made(&gateway, "/ca_certificates", given.clone()).await;
    assert_eq!(first["cert_digest"].as_str().unwrap().len(), 64);
    let again = gateway.post("/ca_certificates", &given).await;
    assert_eq!(again.status, 409);
    let none = json!({ "cert": authority.certificate("a.test").cert_pem });
    let none = gateway.post("/ca_certificates", &none).await;
    assert!(none.text().contains("does not appear to be a CA"), "{}", none.text());
    let two = json!({ "cert": authority.pem() + &Authority::new().pem() });
    let two = gateway.post("/ca_certificates", &two).await;
    assert!(two.text().contains("please submit only one certificate at a time"));
    let id = first["id"].as_str().unwrap();
    let service = json!({ "name": "s", "url": "https://a.test", "ca_certificates": [id] });
    made(&gateway, "/services", service).await;
    let path = format!("/ca_certificates/{id}");
    let held = gateway.admin_call(Method::DELETE, &path).send().await;
    assert!(held.text().contains("is still referenced by services"), "{}", held.text());
    gateway.admin_call(Method::DELETE, "/services/s").send().await;
    assert_eq!(gateway.admin_call(Method::DELETE, &path).send().await.status, 204);
}

#[tokio::test]
async fn a_service_has_a_certificate_that_is_there() {
    let (gateway, authority) = (Gateway::empty(), Authority::new());
    let certificate = made(&gateway, "/certificates", pair(&authority, "a.test")).await;
    let id = &certificate["id"];
    let service =
        json!({ "name": "s", "url": "https://a.test", "client_certificate": { "id": id } });
    let service = made(&gateway, "/services", service).await;
    assert_eq!(service["client_certificate"], json!({ "id": id }));
    assert_eq!(got(&gateway, "/services/s/client_certificate").await, certificate);
    let path = format!("/certificates/{}", id.as_str().unwrap());
    assert_eq!(got(&gateway, &format!("{path}/services")).await["data"], json!([service]));
    let held = gateway.admin_call(Method::DELETE, &path).send().await;
    assert!(
        held.text().contains("an existing 'services' entity references this 'certificates' entity")
    );
    let plain = json!({ "url": "http://a.test", "client_certificate": { "id": id } });
    let plain = gateway.post("/services", &plain).await;
    assert_eq!(plain.json()["fields"]["client_certificate"], "value must be null");
    let missing = "0d4b36a5-5d3b-4e0c-9c21-1fa1bbd8f4b0";
    let none = json!({ "url": "https://a.test", "client_certificate": { "id": missing } });
    assert_eq!(gateway.post("/services", &none).await.json()["code"], 4);
    let none = json!({ "url": "https://a.test", "ca_certificates": [missing] });
    let none = gateway.post("/services", &none).await;
    assert!(none.text().contains("there is no CA certificate"), "{}", none.text());
}

#[tokio::test]
async fn files_have_names_in_their_certificate_and_certificates_in_services() {
    let authority = Authority::new();
    let mut certificate = pair(&authority, "a.test");
    certificate["id"] = "0d4b36a5-5d3b-4e0c-9c21-1fa1bbd8f4b0".into();
    certificate["snis"] = json!([{ "name": "a.test" }]);
    let file = json!({
        "_format_version": "3.0",
        "certificates": [certificate],
        "snis": [{ "name": "b.test", "certificate": certificate["id"] }],
        "ca_certificates": [
            { "id": "1d4b36a5-5d3b-4e0c-9c21-1fa1bbd8f4b0", "cert": authority.pem() },
        ],
        "services": [{
            "name": "s",
            "url": "https://a.test",
            "client_certificate": certificate["id"],
            "ca_certificates": ["1d4b36a5-5d3b-4e0c-9c21-1fa1bbd8f4b0"],
        }],
    });
    let gateway = Gateway::of_file(&file.to_string());
    let shown = got(&gateway, "/certificates/a.test").await;
    assert_eq!(shown["snis"], json!(["a.test", "b.test"]));
    let exported = got(&gateway, "/config").await["config"].as_str().unwrap().to_owned();
    let again = Gateway::of_file(&exported);
    assert_eq!(got(&again, "/certificates/b.test").await, shown);
    assert_eq!(got(&again, "/services/s").await, got(&gateway, "/services/s").await);
}
