//! Headers with whatever bytes HTTP lets into them, and others.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::Choices;

const NAMES: &[&str] = &[
    "x-a",
    "x-b",
    "accept",
    "cookie",
    "x_under_score",
    "x-a_b",
    "1",
    "!#$%&'*+-.^_`|~",
    "x-forwarded-for",
    "authorization",
    "range",
    "x-very-long-name-that-somebody-thought-of-on-a-friday-afternoon",
];

/// Some headers, several of which may have one name.
pub fn headers(choices: &mut Choices<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for _ in 0..choices.below(8) {
        let name = HeaderName::from_static(choices.pick(NAMES));
        let bytes = choices.several(12, |choices| match choices.below(4) {
            0 => choices.below(256) as u8,
            1 => choices.pick(b" \t,;=\"\\%"),
            _ => choices.pick(b"aZ09-/"),
        });
        if let Ok(value) = HeaderValue::from_bytes(bytes.trim_ascii()) {
            headers.append(name, value);
        }
    }
    headers
}

/// A text of any bytes, as a Lua literal, and the bytes.
pub fn literal(choices: &mut Choices<'_>) -> (String, Vec<u8>) {
    let bytes = choices.several(16, |choices| match choices.below(3) {
        0 => choices.below(256) as u8,
        1 => choices.pick(b"\r\n\0 :\t\x7f"),
        _ => choices.pick(b"xyz-"),
    });
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:03}")).collect();
    (format!("\"{escaped}\""), bytes)
}
