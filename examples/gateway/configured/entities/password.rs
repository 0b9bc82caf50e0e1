//! Passwords, which are kept as their hashes alone.

use serde_json::Value;

use super::Kind;
use crate::configured::schema::{Object, at};

/// The field of a kind that has a password.
pub(super) const fn field(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::BasicAuths => Some("password"),
        _ => None,
    }
}

/// Puts the hash into the place of the password.
pub(super) fn hash(kind: Kind, object: &mut Object) {
    let text = |path: &str| at(object, path).and_then(Value::as_str);
    let Some((field, consumer)) = field(kind).zip(text("consumer.id")) else { return };
    if let Some(password) = text(field) {
        let hash = hash_of(password.as_bytes(), consumer);
        object.insert(field.to_owned(), hash.into());
    }
}

/// The hash of a consumer's password, as Kong makes it: files and databases have it.
pub(crate) fn hash_of(password: &[u8], consumer: &str) -> String {
    let mut digest = sha1_smol::Sha1::from(password);
    digest.update(consumer.as_bytes());
    digest.digest().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_the_password_and_the_consumer() {
        let hash = hash_of(b"kong", "");
        assert_eq!(hash, sha1_smol::Sha1::from("kong").digest().to_string());
        assert_eq!(hash_of(b"ko", "ng"), hash);
    }
}
