//! What clients may write in another way than the schemas have it: names of old versions, and `url`.

use serde_json::{Value, json};

use super::url::url_fields;
use super::{Kind, target};
use crate::configured::certificate;
use crate::configured::problem::Problem;
use crate::configured::schema::Object;

/// Puts what a client wrote into the words of the schemas.
pub(super) fn understand(kind: Kind, object: &mut Object) -> Result<(), Problem> {
    match kind {
        Kind::Plugins => {
            // What the documentation's first commands call it.
            if object.get("name").and_then(Value::as_str) == Some("serverless-functions") {
                object.insert("name".to_owned(), "pre-function".into());
            }
            for parent in kind.references() {
                reference(object, *parent);
            }
            Ok(())
        }
        Kind::Services => url(object),
        Kind::Upstreams => {
            algorithm(object);
            Ok(())
        }
        Kind::CaCertificates => {
            digest(object);
            Ok(())
        }
        Kind::Targets => {
            target::complete(object);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// An authority is known by the digest of its certificate.
fn digest(object: &mut Object) {
    if let Some(text) = object.get("cert").and_then(Value::as_str) {
        let digest = certificate::digest(text);
        object.insert("cert_digest".to_owned(), digest.into());
    }
}

/// What is hashed says that something is. Kong: so it does over what `algorithm` says, but where that
/// hashes nothing.
fn algorithm(object: &mut Object) {
    let algorithm = object.get("algorithm").and_then(Value::as_str);
    if matches!(algorithm, Some("least-connections" | "latency")) {
        object.insert("hash_on".to_owned(), "none".into());
        return;
    }
    let implied = match object.get("hash_on") {
        Some(Value::String(hash_on)) if hash_on == "none" => "round-robin",
        Some(Value::String(hash_on)) if !hash_on.is_empty() => "consistent-hashing",
        Some(Value::Null) => {
            object.insert("hash_on".to_owned(), "none".into());
            return;
        }
        _ => return,
    };
    object.insert("algorithm".to_owned(), implied.into());
}

/// `service_id` is what `service.id` was.
fn reference(object: &mut Object, parent: Kind) {
    let field = parent.field();
    let id = match object.remove(&format!("{field}_id")) {
        Some(Value::String(id)) if !id.is_empty() => id,
        Some(other) if !matches!(other, Value::Null | Value::String(_)) => {
            object.insert(format!("{field}_id"), other);
            return;
        }
        _ => return,
    };
    if object.get(field).is_none_or(Value::is_null) {
        // Old versions took a name as well.
        let is_uuid = crate::configured::schema::is_uuid(&id);
        let by = parent.key().filter(|_| !is_uuid).unwrap_or("id");
        object.insert(field.to_owned(), json!({ by: id }));
    }
}

/// `url` stands for protocol, host, port and path.
fn url(object: &mut Object) -> Result<(), Problem> {
    let url = match object.remove("url") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(url)) if url.is_empty() => return Ok(()),
        Some(Value::String(url)) => url,
        Some(_) => return Err(Problem::violation("url", "expected a string")),
    };
    let Some(fields) = url_fields(&url) else {
        let error =
            format!("'{url}' is not a url: expected a scheme and a host, http://example.com");
        return Err(Problem::violation("url", &error));
    };
    object.extend(fields);
    Ok(())
}
