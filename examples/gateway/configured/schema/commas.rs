//! Lists that are written as one string.

/// Splits a string as old versions did: at commas, where `\,` is a comma; without blanks around.
pub(super) fn split_at_commas(text: &str) -> Vec<String> {
    let mut elements = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let element = elements.last_mut().expect("there is one from the start");
        match character {
            '\\' if characters.next_if_eq(&',').is_some() => element.push(','),
            ',' => elements.push(String::new()),
            other => element.push(other),
        }
    }
    elements.iter().map(|element| element.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_split_and_escaped_ones_do_not() {
        assert_eq!(split_at_commas("/a, /b"), ["/a", "/b"]);
        assert_eq!(split_at_commas(r"/a\,b,/c"), ["/a,b", "/c"]);
        assert_eq!(split_at_commas(r"a\b"), [r"a\b"]);
    }
}
