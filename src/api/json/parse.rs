//! JSON to a tape: what there is to make, in the order in which it stands.
//!
//! Not `serde_json`'s reader: lua-cjson takes strings that are not UTF-8, nests to a thousand, reads
//! numbers that JSON does not have, and says in its own words what it did not expect.
//!
//! Nothing of Lua's is made before all of the text has been read, so a table is made with the room
//! that it needs, and a text with a mistake makes nothing.

use std::fmt;

use super::number::{number_length, short_integer};
use super::{JsonError, Rules};
use crate::lua::tape::{Step, Tape};

/// After how many values the budget is asked.
const VALUES_PER_CHECK: usize = 512;

/// As deeply as Lua's stack has room for, whatever the settings say.
const MAX_DEPTH: usize = 3000;

/// Reads JSON. `check` is asked now and then whether there is time, and memory for so many bytes.
///
/// # Errors
///
/// What is wrong with the text, and where; or what `check` says.
pub(super) fn parse(
    json: &[u8],
    rules: Rules,
    check: impl Fn(usize) -> mlua::Result<()>,
) -> Result<Tape, JsonError> {
    if let [0, _, ..] | [_, 0, ..] = json {
        return Err(unfit("JSON parser does not support UTF-16 or UTF-32"));
    }
    if u32::try_from(json.len()).is_err() {
        return Err(unfit("JSON text is longer than 4 GiB"));
    }
    let tape = Tape::of_length(json.len());
    let mut parser = Parser { json, rules, at: 0, tape, open: Vec::new(), check };
    parser.document()?;
    match parser.token()? {
        (Token::End, _) => Ok(parser.tape),
        other => Err(unexpected("the end", &other)),
    }
}

struct Parser<'a, C> {
    json: &'a [u8],
    rules: Rules,
    at: usize,
    tape: Tape,
    /// The arrays and objects that are being read. Kept apart from the thread's stack, which may be
    /// nearly used up where a function calls.
    open: Vec<Open>,
    check: C,
}

/// An array or object that is being read.
struct Open {
    is_array: bool,
    /// Where it stands on the tape.
    step: usize,
    /// How many elements or fields it has so far.
    length: u32,
}

/// What may stand between tokens.
const BLANKS: [u8; 4] = *b" \t\n\r";

/// Whether it is one of [`BLANKS`], which most bytes are not.
fn is_blank(byte: u8) -> bool {
    byte <= b' ' && BLANKS.contains(&byte)
}

/// A token and where it begins.
type At<T> = (T, usize);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    /// A string; how it goes onto the tape.
    String(Step),
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    Wrong(&'static str),
}

impl<C: Fn(usize) -> mlua::Result<()>> Parser<'_, C> {
    /// Reads a value.
    fn document(&mut self) -> Result<(), JsonError> {
        let mut token = self.token()?;
        loop {
            if self.tape.len().is_multiple_of(VALUES_PER_CHECK) {
                (self.check)(self.tape.size())?;
            }
            let opened = match token.0 {
                Token::String(text) => self.value(text),
                Token::Number(number) => self.value(Step::Number(number)),
                Token::Boolean(boolean) => self.value(Step::Boolean(boolean)),
                Token::Null => self.value(Step::Null),
                Token::ArrayBegin => self.begin(true)?,
                Token::ObjectBegin => self.begin(false)?,
                _ => return Err(unexpected("value", &token)),
            };
            let next = if opened { self.first()? } else { self.after_value()? };
            match next {
                Some(next) => token = next,
                None => return Ok(()),
            }
        }
    }

    /// Notes a value that is whole. It opens nothing.
    fn value(&mut self, step: Step) -> bool {
        self.tape.push(step);
        false
    }

    /// Opens an array or object.
    fn begin(&mut self, is_array: bool) -> Result<bool, JsonError> {
        let depth = self.open.len() + 1;
        if depth > self.rules.max_depth.min(MAX_DEPTH) {
            let at = self.at;
            return Err(unfit(format!(
                "Found too many nested data structures ({depth}) at character {at}"
            )));
        }
        self.open.push(Open { is_array, step: self.tape.len(), length: 0 });
        self.tape.push(if is_array { Step::Array(0) } else { Step::Object(0) });
        Ok(true)
    }

    /// The token of the first value in what has been opened; or of what follows, if there is none.
    fn first(&mut self) -> Result<Option<At<Token>>, JsonError> {
        let token = self.token()?;
        let is_array = self.open.last().is_some_and(|open| open.is_array);
        match token.0 {
            Token::ArrayEnd if is_array => self.close(),
            Token::ObjectEnd if !is_array => self.close(),
            _ if is_array => return Ok(Some(token)),
            _ => return self.field(token).map(Some),
        }
        self.after_value()
    }

    /// The token of the next value, after one; none when the outermost was the last. What ends here
    /// is a value of what is around it.
    fn after_value(&mut self) -> Result<Option<At<Token>>, JsonError> {
        while let Some(open) = self.open.last() {
            let is_array = open.is_array;
            let more = if is_array { self.plain_strings()? } else { 0 };
            if let Some(open) = self.open.last_mut() {
                open.length += 1 + more;
            }
            let token = self.token()?;
            match token.0 {
                Token::ArrayEnd if is_array => self.close(),
                Token::ObjectEnd if !is_array => self.close(),
                Token::Comma if is_array => return self.token().map(Some),
                Token::Comma => {
                    let key = self.token()?;
                    return self.field(key).map(Some);
                }
                _ if is_array => return Err(unexpected("comma or array end", &token)),
                _ => return Err(unexpected("comma or object end", &token)),
            }
        }
        Ok(None)
    }

    /// Reads on in an array as long as strings follow that stand in the text as they are: what long
    /// arrays are mostly made of. How many there were.
    fn plain_strings(&mut self) -> Result<u32, JsonError> {
        let mut count = 0;
        while let Some(text) = self.plain_string() {
            self.tape.push(text);
            count += 1;
            if self.tape.len().is_multiple_of(VALUES_PER_CHECK) {
                (self.check)(self.tape.size())?;
            }
        }
        Ok(count)
    }

    /// The string after the comma that follows. Nothing has been read if anything else follows.
    fn plain_string(&mut self) -> Option<Step> {
        let after_blanks = |from: usize| {
            let rest = self.json.get(from..)?;
            let blanks = rest.iter().take_while(|byte| is_blank(**byte)).count();
            Some((from + blanks, *rest.get(blanks)?))
        };
        let (comma, b',') = after_blanks(self.at)? else { return None };
        let (quote, b'"') = after_blanks(comma + 1)? else { return None };
        let start = quote + 1;
        let length = plain_length(&self.json[start..]);
        if self.json.get(start + length) != Some(&b'"') {
            return None;
        }
        self.at = start + length + 1;
        Some(Step::text(start, length))
    }

    /// Closes the array or object that is open.
    fn close(&mut self) {
        if let Some(Open { step, length, .. }) = self.open.pop() {
            self.tape.set_length(step, length);
        }
        self.tape.push(Step::End);
    }

    /// Notes the key that `key` is, if a colon follows, and reads the token of its value.
    fn field(&mut self, key: At<Token>) -> Result<At<Token>, JsonError> {
        let (Token::String(text), _) = key else {
            return Err(unexpected("object key string", &key));
        };
        self.tape.push(text);
        match self.token()? {
            (Token::Colon, _) => self.token(),
            other => Err(unexpected("colon", &other)),
        }
    }

    fn token(&mut self) -> Result<At<Token>, JsonError> {
        while is_blank(self.byte(0)) {
            self.at += 1;
        }
        let start = self.at;
        let single = match self.byte(0) {
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayBegin,
            b']' => Token::ArrayEnd,
            b':' => Token::Colon,
            b',' => Token::Comma,
            // As in lua-cjson, a zero byte ends the text.
            0 => return Ok((Token::End, start)),
            b'"' => {
                let token = self.string()?;
                // What is wrong within a string is reported where it stands.
                let wrong = matches!(token, Token::Wrong(_));
                return Ok((token, if wrong { self.at } else { start }));
            }
            _ => return Ok((self.word(), start)),
        };
        self.at += 1;
        Ok((single, start))
    }

    /// The byte `ahead`; 0 behind the end.
    fn byte(&self, ahead: usize) -> u8 {
        self.json.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn word(&mut self) -> Token {
        let rest = &self.json[self.at..];
        if let Some(b'1'..=b'9') = rest.first() {
            return self.number();
        }
        let words = [
            ("true", Token::Boolean(true)),
            ("false", Token::Boolean(false)),
            ("null", Token::Null),
        ];
        for (word, token) in words {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return token;
            }
        }
        match rest.first() {
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'+' | b'i' | b'I' | b'n' | b'N') if self.rules.invalid_numbers => {
                match self.number() {
                    Token::Wrong(_) => Token::Wrong("invalid token"),
                    number => number,
                }
            }
            _ => Token::Wrong("invalid token"),
        }
    }

    fn number(&mut self) -> Token {
        let rest = &self.json[self.at..];
        if let Some((number, length)) = short_integer(rest) {
            self.at += length;
            return Token::Number(f64::from(number));
        }
        let unsigned = rest.strip_prefix(b"-").unwrap_or(rest);
        let is_json = !matches!(unsigned, [b'0', b'0'..=b'9', ..] | [b':'..=b'\xff', ..]);
        if !self.rules.invalid_numbers && !is_json {
            return Token::Wrong("invalid number");
        }
        let length = number_length(rest);
        let text = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        match text.parse() {
            Ok(number) => {
                self.at += length;
                Token::Number(number)
            }
            Err(_) => Token::Wrong("invalid number"),
        }
    }

    fn string(&mut self) -> Result<Token, JsonError> {
        self.at += 1;
        let start = self.at;
        self.at += plain_length(&self.json[start..]);
        if self.byte(0) == b'"' {
            self.at += 1;
            return Ok(Token::String(Step::text(start, self.at - 1 - start)));
        }
        let unescaped = self.tape.texts.len();
        self.tape.texts.extend_from_slice(&self.json[start..self.at]);
        loop {
            match self.byte(0) {
                b'"' => break,
                b'\\' => {
                    if let Err(wrong) = self.escape() {
                        return Ok(Token::Wrong(wrong));
                    }
                }
                _ => return Ok(Token::Wrong("unexpected end of string")),
            }
            let rest = &self.json[self.at..];
            let length = plain_length(rest);
            self.tape.texts.extend_from_slice(&rest[..length]);
            self.at += length;
        }
        self.at += 1;
        Ok(Token::String(Step::unescaped(unescaped, self.tape.texts.len() - unescaped)))
    }

    fn escape(&mut self) -> Result<(), &'static str> {
        let byte = match self.byte(1) {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (character, length) = self.unicode().ok_or("invalid unicode escape code")?;
                self.tape.texts.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                self.at += length;
                return Ok(());
            }
            _ => return Err("invalid escape code"),
        };
        self.tape.texts.push(byte);
        self.at += 2;
        Ok(())
    }

    /// The character that an escape or a pair of them stands for, and how long they are.
    fn unicode(&self) -> Option<(char, usize)> {
        let unit = |ahead: usize| {
            let digits = self.json.get(self.at + ahead..self.at + ahead + 4)?;
            digits
                .iter()
                .try_fold(0, |unit, &digit| Some(unit * 16 + char::from(digit).to_digit(16)?))
        };
        let high = unit(2)?;
        if let Some(character) = char::from_u32(high) {
            return Some((character, 6));
        }
        if high >= 0xdc00 || [self.byte(6), self.byte(7)] != *b"\\u" {
            return None;
        }
        let low = unit(8).filter(|low| (0xdc00..0xe000).contains(low))?;
        let character = char::from_u32(0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff))?;
        Some((character, 12))
    }
}

/// How much of a text stands as it is in a string of JSON.
fn plain_length(text: &[u8]) -> usize {
    memchr::memchr3(b'"', b'\\', 0, text).unwrap_or(text.len())
}

#[cold]
fn unexpected(wanted: &str, (token, at): &At<Token>) -> JsonError {
    unfit(format!("Expected {wanted} but found {token} at character {}", at + 1))
}

fn unfit(message: impl Into<String>) -> JsonError {
    JsonError::Unfit(message.into())
}

impl fmt::Display for Token {
    /// lua-cjson's names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ObjectBegin => "T_OBJ_BEGIN",
            Self::ObjectEnd => "T_OBJ_END",
            Self::ArrayBegin => "T_ARR_BEGIN",
            Self::ArrayEnd => "T_ARR_END",
            Self::String(_) => "T_STRING",
            Self::Number(number) if number.trunc() == *number => "T_INTEGER",
            Self::Number(_) => "T_NUMBER",
            Self::Boolean(_) => "T_BOOLEAN",
            Self::Null => "T_NULL",
            Self::Colon => "T_COLON",
            Self::Comma => "T_COMMA",
            Self::End => "T_END",
            Self::Wrong(what) => what,
        })
    }
}
