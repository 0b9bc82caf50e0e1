//! Bodies of forms, whole ones and broken ones.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Choices;

/// A body, and what is said of it.
pub struct Message {
    pub content_type: String,
    pub body: Vec<u8>,
    /// What is in it, where nothing is wrong with it.
    pub fields: Option<BTreeMap<String, String>>,
}

const NAMES: &[&str] = &["a", "b", "name", "x-y", "deep.er", "list[1]", "ü"];
const VALUES: &[&str] =
    &["", "1", "two words", "a=b&c", "%41+", "line\nbreak", "-b", "é\u{1f600}", "\"q\""];
const BOUNDARIES: &[&str] = &["b", "----WebKitFormBoundary7MA4YWxkTrZu0gW", "a b", "x'()+_,-./:=?"];

pub fn message(choices: &mut Choices<'_>) -> Message {
    let mut fields = BTreeMap::new();
    for _ in 0..choices.below(5) {
        fields.insert(choices.pick(NAMES).to_owned(), choices.pick(VALUES).to_owned());
    }
    let (content_type, body) = match choices.below(3) {
        0 => ("application/x-www-form-urlencoded".to_owned(), urlencoded(&fields)),
        1 => ("application/json".to_owned(), json(&fields)),
        _ => {
            let boundary = choices.pick(BOUNDARIES);
            (
                format!("multipart/form-data; boundary=\"{boundary}\""),
                multipart(choices, &fields, boundary),
            )
        }
    };
    let mut message = Message { content_type, body: body.into_bytes(), fields: Some(fields) };
    if choices.below(3) > 0 {
        choices.spoil(&mut message.body);
        message.fields = None;
    }
    if choices.once_in(8) {
        let mut content_type = message.content_type.into_bytes();
        choices.spoil(&mut content_type);
        content_type.retain(|byte| (32..127).contains(byte));
        message.content_type = String::from_utf8_lossy(&content_type).into_owned();
        message.fields = None;
    }
    message
}

fn urlencoded(fields: &BTreeMap<String, String>) -> String {
    let encode =
        |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn json(fields: &BTreeMap<String, String>) -> String {
    let quote = |text: &str| format!("\"{}\"", text.replace('"', "\\\"").replace('\n', "\\n"));
    let pairs = fields.iter().map(|(name, value)| format!("{}:{}", quote(name), quote(value)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

fn multipart(
    choices: &mut Choices<'_>,
    fields: &BTreeMap<String, String>,
    boundary: &str,
) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        let more = choices.pick(&["", "; filename=\"f\"", "\r\nContent-Type: text/plain"]);
        write!(
            body,
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}\r\n"
        )
        .expect("a string takes all");
    }
    body + &format!("--{boundary}--\r\n")
}
