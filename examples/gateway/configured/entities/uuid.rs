//! Ids of entities.

use uuid::Uuid;

/// A random one (version 4).
pub(crate) fn random() -> String {
    Uuid::new_v4().to_string()
}

/// A random key of 32 characters.
pub(crate) fn random_key() -> String {
    Uuid::new_v4().simple().to_string()
}

/// The one that a name always has (version 5): a declarative file that is loaded again names the
/// same entities.
pub(crate) fn of_name(name: &str) -> String {
    Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
}

/// Under which names have their ids here: random, once.
const NAMESPACE: Uuid = Uuid::from_u128(0x5e1f_3b0a_9c47_4d21_8f66_d2a0_7b93_e415);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configured::schema::is_uuid;

    #[test]
    fn random_ids_differ_and_those_of_names_do_not() {
        assert!(is_uuid(&random()) && is_uuid(&of_name("a")));
        assert_ne!(random(), random());
        assert_eq!(of_name("a"), of_name("a"));
        assert_ne!(of_name("a"), of_name("b"));
        assert_eq!(&random()[14..15], "4");
    }
}
