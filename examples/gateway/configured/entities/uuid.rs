//! Ids of entities.

use tower_lua::RequestId;

/// A random one (version 4).
pub(crate) fn random() -> String {
    shape(RequestId::random().as_str(), 4)
}

/// The one that a name always has (version 5): a declarative file that is loaded again names the
/// same entities.
pub(crate) fn of_name(name: &str) -> String {
    let digest = sha1_smol::Sha1::from(format!("tower-lua:{name}")).digest().to_string();
    shape(&digest, 5)
}

/// Puts version and variant into 32 hexadecimal digits.
fn shape(digits: &str, version: u8) -> String {
    let variant = match digits.as_bytes()[16] {
        b'0' | b'4' | b'8' | b'c' => '8',
        b'1' | b'5' | b'9' | b'd' => '9',
        b'2' | b'6' | b'a' | b'e' => 'a',
        _ => 'b',
    };
    format!(
        "{}-{}-{version}{}-{variant}{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[13..16],
        &digits[17..20],
        &digits[20..32]
    )
}

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
