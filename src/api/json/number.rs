//! Where numbers end in a text, by JSON and by what lua-cjson takes beside it.

/// The integer that a text begins with, and its length: where it is one that is short, and nothing
/// follows that could make it another number.
pub(super) fn short_integer(text: &[u8]) -> Option<(u32, usize)> {
    let digits = text.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    let follows = text.get(digits).copied().unwrap_or(0);
    let is_whole = digits > 0 && digits < 10 && text[0] != b'0';
    if !is_whole || matches!(follows, b'.' | b'e' | b'E') {
        return None;
    }
    let number =
        text[..digits].iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    Some((number, digits))
}

/// How much of a text is a number, as C's `strtod` reads them, but for hexadecimal ones.
pub(super) fn number_length(text: &[u8]) -> usize {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    for word in [&b"infinity"[..], b"inf", b"nan"] {
        let length = word.len();
        if text.get(at..at + length).is_some_and(|text| text.eq_ignore_ascii_case(word)) {
            return at + length;
        }
    }
    at += digits(at);
    if text.get(at) == Some(&b'.') {
        at += 1 + digits(at + 1);
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let signed = usize::from(matches!(text.get(at + 1), Some(b'-' | b'+')));
        let length = digits((at + 1 + signed).min(text.len()));
        if length > 0 {
            at += 1 + signed + length;
        }
    }
    at
}
