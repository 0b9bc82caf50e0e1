//! What most entities have in common with many others, kept once for all of them.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Deserializer};

/// Reads a list of words of which there are few.
pub(super) fn words<'de, D: Deserializer<'de>>(given: D) -> Result<Arc<[Box<str>]>, D::Error> {
    static KNOWN: Known<[Box<str>]> = Mutex::new(Vec::new());
    Ok(common(&KNOWN, Box::deserialize(given)?))
}

/// Reads a word of which there are few.
pub(super) fn word<'de, D: Deserializer<'de>>(given: D) -> Result<Arc<str>, D::Error> {
    static KNOWN: Known<str> = Mutex::new(Vec::new());
    Ok(common(&KNOWN, Box::deserialize(given)?))
}

type Known<T> = Mutex<Vec<Arc<T>>>;

/// How many are kept: who has others has them alone.
const MOST: usize = 16;

fn common<T: PartialEq + ?Sized>(known: &Known<T>, value: Box<T>) -> Arc<T> {
    let mut known = known.lock();
    if let Some(same) = known.iter().find(|one| ***one == *value) {
        return Arc::clone(same);
    }
    let value = Arc::from(value);
    if known.len() < MOST {
        known.push(Arc::clone(&value));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_are_kept_once_and_of_many_others_each_by_itself() {
        let read = |json: &str| words(&mut serde_json::Deserializer::from_str(json)).unwrap();
        let first = read(r#"["http", "https"]"#);
        assert!(Arc::ptr_eq(&first, &read(r#"["http","https"]"#)));
        let expected: [Box<str>; 2] = ["http".into(), "https".into()];
        assert_eq!(*first, expected);
        for number in 0..2 * MOST {
            assert_eq!(*read(&format!(r#"["{number}"]"#))[0], *number.to_string());
        }
        assert!(Arc::ptr_eq(&first, &read(r#"["http","https"]"#)));
    }
}
