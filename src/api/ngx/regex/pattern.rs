//! Patterns and options of `ngx.re`, said in PCRE2's own syntax where its options are out of reach.

use pcre2::bytes::{Regex, RegexBuilder};

/// The options of a call, a bit for each letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Options(u16);

/// The letters that are options.
const LETTERS: &[u8; 12] = b"adDijJmosuUx";

impl Options {
    /// # Errors
    ///
    /// The letter that is none.
    pub(super) fn parse(letters: &[u8]) -> Result<Self, u8> {
        letters.iter().try_fold(Self::default(), |options, letter| {
            let place = LETTERS.iter().position(|known| known == letter).ok_or(*letter)?;
            Ok(Self(options.0 | 1 << place))
        })
    }

    pub(super) fn has(self, letter: u8) -> bool {
        LETTERS
            .iter()
            .position(|known| *known == letter)
            .is_some_and(|place| self.0 >> place & 1 == 1)
    }

    pub(super) fn bits(self) -> u16 {
        self.0
    }
}

/// A pattern as PCRE2 is to see it, and how it is to look.
pub(super) struct Pattern {
    /// What may stand at the very beginning alone: `(*UTF)` and its like.
    verbs: String,
    body: String,
    options: Options,
    /// Whether the pattern means the same with something around it.
    can_be_wrapped: bool,
    /// Whether it may look at much of the subject in one step.
    strides: bool,
    /// Whether it may be compiled to machine code, where single characters are not counted as steps.
    may_jit: bool,
}

/// What stands around a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    /// Matches where the search begins or not at all.
    Anchored,
    /// One attempt that covers all places of the subject. PCRE2 counts the steps of each attempt
    /// anew, and makes one for each place.
    Whole,
    /// The same for so many places, with the steps that PCRE2 leaves out where it can.
    Window(u32),
}

/// How many KiB a match may use to find its way back.
const HEAP_LIMIT: u32 = 20_000;

/// Settings of PCRE2 that a pattern may begin with.
const VERBS: &[&str] = &[
    "ANY",
    "ANYCRLF",
    "BSR_ANYCRLF",
    "BSR_UNICODE",
    "CR",
    "CRLF",
    "LF",
    "LIMIT_DEPTH",
    "LIMIT_HEAP",
    "LIMIT_MATCH",
    "NO_AUTO_POSSESS",
    "NO_DOTSTAR_ANCHOR",
    "NO_JIT",
    "NO_START_OPT",
    "NOTEMPTY",
    "NOTEMPTY_ATSTART",
    "NUL",
    "UCP",
    "UTF",
];

/// What refers to the pattern as a whole, or to where an attempt began.
const WHOLE: &[&str] = &["(?R", "(?0", "(*", "\\g<0", "\\g'0", "\\G"];

impl Pattern {
    pub(super) fn new(bytes: &[u8], options: Options, may_jit: bool) -> Self {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => escape_high_bytes(bytes),
        };
        let start = verbs_len(&text);
        let body =
            if options.has(b'J') { javascript(&text[start..]) } else { text[start..].to_owned() };
        let can_be_wrapped = !WHOLE.iter().any(|part| body.contains(part));
        let strides = strides(&body);
        let verbs = text[..start].to_owned();
        Self { verbs, body, options, can_be_wrapped, strides, may_jit }
    }

    /// Whether steps are no measure of its work: see [`strides`].
    pub(super) fn strides(&self) -> bool {
        self.strides
    }

    pub(super) fn can_be_wrapped(&self) -> bool {
        self.can_be_wrapped
    }

    /// Compiles the pattern for attempts of `limit` steps.
    pub(super) fn compile(&self, form: Form, limit: u32) -> Result<Regex, pcre2::Error> {
        let mut builder = RegexBuilder::new();
        builder
            .caseless(self.options.has(b'i'))
            .dotall(self.options.has(b's'))
            .extended(self.options.has(b'x'))
            .multi_line(self.options.has(b'm'))
            .utf(self.options.has(b'u') || self.options.has(b'U'))
            .jit_if_available(self.may_jit && self.options.has(b'j'));
        let head = self.head(form, limit);
        // A comment may have no other end than the line's.
        let end = if self.options.has(b'x') { "\n)" } else { ")" };
        let body = &self.body;
        builder.build(&match form {
            Form::Plain => format!("{head}{body}"),
            Form::Anchored => format!("{head}\\G(?:{body}{end}"),
            Form::Whole => format!("{head}\\G(?s:.*?)\\K(?:{body}{end}"),
            Form::Window(places) => format!("{head}\\G(?s:.{{0,{places}}}?)\\K(?:{body}{end}"),
        })
    }

    /// What stands before the pattern in its plain form. Of several limits the least counts, so a
    /// pattern cannot raise its own.
    fn head(&self, form: Form, limit: u32) -> String {
        let names = if self.options.has(b'D') { "(?J)" } else { "" };
        // `\w+@` does not give back what it has taken, and so takes a step for any number of bytes.
        let counted = if matches!(form, Form::Window(_)) { "" } else { "(*NO_AUTO_POSSESS)" };
        let verbs = &self.verbs;
        format!("(*LIMIT_MATCH={limit})(*LIMIT_HEAP={HEAP_LIMIT}){counted}{verbs}{names}")
    }

    /// `error` as lua-nginx-module reports it, of the pattern as it was written.
    pub(super) fn explain(&self, error: &pcre2::Error, limit: u32, written: &[u8]) -> String {
        let whole = error.to_string();
        let why = whole.rsplit_once(": ").map_or(&*whole, |(_, why)| why);
        let before = self.head(Form::Plain, limit).len() - self.verbs.len();
        let offset = error.offset().unwrap_or_default().saturating_sub(before);
        let text = String::from_utf8_lossy(written);
        let mut message = format!("pcre2_compile() failed: {why} in \"{text}\"");
        if let Some(rest) = written.get(offset..).filter(|rest| !rest.is_empty()) {
            message += &format!(" at \"{}\"", String::from_utf8_lossy(rest));
        }
        message
            .truncate((0..=MAX_MESSAGE).rfind(|&end| message.is_char_boundary(end)).unwrap_or(0));
        message
    }
}

/// The length of lua-nginx-module's buffer for a message.
const MAX_MESSAGE: usize = 255;

/// Whether a pattern may look at much of the subject in one step, and so take long in few: where it
/// gives nothing back of what it has taken, where it looks ahead, where it counts far or is long.
fn strides(body: &str) -> bool {
    const SIGNS: [&str; 9] = ["++", "*+", "?+", "}+", "(?>", "(?=", "(?!", "(*", "\\X"];
    let counts_far = || {
        body.split('{').skip(1).any(|rest| {
            let number = rest.split([',', '}']).next().unwrap_or_default();
            number.len() > 2 && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    body.len() > 1024 || SIGNS.iter().any(|sign| body.contains(sign)) || counts_far()
}

/// A pattern that is no text: bytes beyond ASCII by their numbers.
fn escape_high_bytes(bytes: &[u8]) -> String {
    let shown = |&byte: &u8| match byte {
        0..=0x7f => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    bytes.iter().map(shown).collect()
}

fn verbs_len(text: &str) -> usize {
    let mut len = 0;
    while let Some((verb, _)) = text[len..].strip_prefix("(*").and_then(|rest| rest.split_once(')'))
    {
        let name = verb.split('=').next().unwrap_or_default();
        if !VERBS.contains(&name) {
            break;
        }
        len += verb.len() + 3;
    }
    len
}

/// The pattern as PCRE2 would read it with its options for JavaScript: `[]` and `[^]` are classes,
/// `\u` takes four digits, and a reference to a group that is not set matches nothing at all.
fn javascript(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\\' => escape(rest, in_class, &mut out),
            '[' if !in_class && rest.starts_with("[]") => replace(&mut out, "(?!)", 2),
            '[' if !in_class && rest.starts_with("[^]") => replace(&mut out, "(?s:.)", 3),
            '[' => {
                in_class = true;
                copy(&mut out, rest, posix_len(rest).unwrap_or(1))
            }
            ']' => {
                in_class = false;
                copy(&mut out, rest, 1)
            }
            _ => copy(&mut out, rest, first.len_utf8()),
        };
        rest = &rest[taken..];
    }
    out
}

fn copy(out: &mut String, rest: &str, len: usize) -> usize {
    out.push_str(&rest[..len]);
    len
}

fn replace(out: &mut String, text: &str, len: usize) -> usize {
    out.push_str(text);
    len
}

/// The length of `[:alpha:]` at the beginning of `rest`, inside a class.
fn posix_len(rest: &str) -> Option<usize> {
    rest.strip_prefix("[:").and_then(|name| Some(name.find(":]")? + 4))
}

/// Writes what `rest` begins with, a backslash, and says how much of it that was.
fn escape(rest: &str, in_class: bool, out: &mut String) -> usize {
    let after = &rest[1..];
    let digits = |count: usize| {
        let digits = after.get(1..=count)?;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(digits)
    };
    match after.as_bytes().first() {
        None => copy(out, rest, 1),
        Some(b'u') => match digits(4) {
            Some(code) => replace(out, &format!("\\x{{{code}}}"), 6),
            None => replace(out, "u", 2),
        },
        Some(b'U') => replace(out, "U", 2),
        Some(b'x') if digits(2).is_none() => replace(out, "x", 2),
        Some(b'Q') => copy(out, rest, rest.find("\\E").map_or(rest.len(), |end| end + 2)),
        Some(digit @ b'1'..=b'9') if !in_class => {
            let number = char::from(*digit);
            match after.as_bytes().get(1) {
                Some(b'0'..=b'9') => copy(out, rest, 2),
                _ => replace(out, &format!("(?({number})\\{number})"), 2),
            }
        }
        Some(b'k') if !in_class => match group_name(&after[1..]) {
            Some((name, len)) => {
                let reference = format!("(?(<{name}>)\\k<{name}>)");
                replace(out, &reference, len + 2)
            }
            None => copy(out, rest, 2),
        },
        Some(_) => copy(out, rest, 1 + after.chars().next().map_or(0, char::len_utf8)),
    }
}

/// The name in `<name>`, `'name'` or `{name}`, and how long all of it is.
fn group_name(rest: &str) -> Option<(&str, usize)> {
    let (open, name) = (rest.chars().next()?, rest.get(1..)?);
    let close = match open {
        '<' => '>',
        '{' => '}',
        '\'' => '\'',
        _ => return None,
    };
    let name = &name[..name.find(close)?];
    Some((name, name.len() + 2))
}
