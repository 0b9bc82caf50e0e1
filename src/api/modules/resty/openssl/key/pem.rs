//! PEM, RFC 7468, read as leniently as OpenSSL does: text around it, spaces and line ends do not
//! matter.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The label and the bytes of each part of `text`, in their order.
///
/// A part that has headers, as the encrypted keys of old have, is left out.
pub(in super::super) fn decode(text: &[u8]) -> Vec<(String, Vec<u8>)> {
    let text = String::from_utf8_lossy(text);
    let mut parts = Vec::new();
    let mut rest = &*text;
    while let Some((_, begun)) = rest.split_once("-----BEGIN ") {
        let Some((label, after)) = begun.split_once("-----") else { break };
        let end = format!("-----END {label}-----");
        let Some((body, after)) = after.split_once(&end) else { break };
        let digits: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        if let Ok(bytes) = STANDARD.decode(digits) {
            parts.push((label.to_owned(), bytes));
        }
        rest = after;
    }
    parts
}

pub(in super::super) fn encode(label: &str, bytes: &[u8]) -> String {
    let digits = STANDARD.encode(bytes);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = digits.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}
