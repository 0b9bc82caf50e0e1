//! JSON to Lua values.
//!
//! Not `serde_json`'s reader: lua-cjson takes strings that are not UTF-8, nests to a thousand, reads
//! numbers that JSON does not have, and says in its own words what it did not expect.

use std::fmt;

use mlua::{Lua, LuaString, Table, Value};

use super::{JsonError, Rules, array_mt};
use crate::vm::{check, of_text};

/// After how many values the budget is asked.
const VALUES_PER_CHECK: usize = 512;

/// Reads JSON.
///
/// # Errors
///
/// What is wrong with the text, and where.
pub(crate) fn decode(lua: &Lua, json: &[u8], rules: Rules) -> Result<Value, JsonError> {
    if let [0, _, ..] | [_, 0, ..] = json {
        return Err(unfit("JSON parser does not support UTF-16 or UTF-32"));
    }
    of_text(lua, json.len(), || {
        let mut decoder = Decoder { lua, json, rules, at: 0, text: Vec::new(), values: 0 };
        let value = decoder.document()?;
        match decoder.token()? {
            (Token::End, _) => Ok(value),
            other => Err(unexpected("the end", &other)),
        }
    })
}

struct Decoder<'a> {
    lua: &'a Lua,
    json: &'a [u8],
    rules: Rules,
    at: usize,
    /// The string that was read last, where it is not as it stands in the JSON.
    text: Vec<u8>,
    values: usize,
}

/// A token and where it begins.
type At<T> = (T, usize);

#[derive(Clone, Debug, PartialEq)]
enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    String(LuaString),
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    Wrong(&'static str),
}

/// An array or object that is being read.
enum Open {
    Array { table: Table, length: usize },
    Object { table: Table, key: LuaString },
}

impl Decoder<'_> {
    /// Reads a value. What is open is kept apart from the thread's stack, which may be nearly used
    /// up where a function calls.
    fn document(&mut self) -> Result<Value, JsonError> {
        let mut open: Vec<Open> = Vec::new();
        let mut token = self.token()?;
        loop {
            self.values += 1;
            if self.values.is_multiple_of(VALUES_PER_CHECK) {
                check(self.lua, self.text.len())?;
            }
            let mut value = match token {
                (Token::String(text), _) => Value::String(text),
                (Token::Number(number), _) => Value::Number(number),
                (Token::Boolean(boolean), _) => Value::Boolean(boolean),
                (Token::Null, _) => Value::NULL,
                (Token::ArrayBegin, _) => {
                    let table = self.begin(open.len())?;
                    if self.rules.marks_arrays {
                        table.set_metatable(Some(array_mt(self.lua)?))?;
                    }
                    token = self.token()?;
                    if token.0 != Token::ArrayEnd {
                        open.push(Open::Array { table, length: 0 });
                        continue;
                    }
                    Value::Table(table)
                }
                (Token::ObjectBegin, _) => {
                    let table = self.begin(open.len())?;
                    let first = self.token()?;
                    if first.0 != Token::ObjectEnd {
                        let key = self.key(first)?;
                        open.push(Open::Object { table, key });
                        token = self.token()?;
                        continue;
                    }
                    Value::Table(table)
                }
                other => return Err(unexpected("value", &other)),
            };
            // Puts the value where it belongs, and so on outwards where that was the last.
            loop {
                let Some(container) = open.last_mut() else { return Ok(value) };
                let next = match container {
                    Open::Array { table, length } => {
                        *length += 1;
                        table.raw_set(*length, value)?;
                        self.after_element()?
                    }
                    Open::Object { table, key } => {
                        table.raw_set(&*key, value)?;
                        match self.after_field()? {
                            None => None,
                            Some(first) => {
                                *key = self.key(first)?;
                                Some(self.token()?)
                            }
                        }
                    }
                };
                if let Some(next) = next {
                    token = next;
                    break;
                }
                value = match open.pop() {
                    Some(Open::Array { table, .. } | Open::Object { table, .. }) => {
                        Value::Table(table)
                    }
                    None => Value::Nil,
                };
            }
        }
    }

    fn begin(&self, depth: usize) -> Result<Table, JsonError> {
        let depth = depth + 1;
        if depth > self.rules.max_depth {
            let at = self.at;
            return Err(unfit(format!(
                "Found too many nested data structures ({depth}) at character {at}"
            )));
        }
        Ok(self.lua.create_table()?)
    }

    /// The token of the next element, if the array does not end.
    fn after_element(&mut self) -> Result<Option<At<Token>>, JsonError> {
        match self.token()? {
            (Token::ArrayEnd, _) => Ok(None),
            (Token::Comma, _) => self.token().map(Some),
            other => Err(unexpected("comma or array end", &other)),
        }
    }

    /// The token of the next key, if the object does not end.
    fn after_field(&mut self) -> Result<Option<At<Token>>, JsonError> {
        match self.token()? {
            (Token::ObjectEnd, _) => Ok(None),
            (Token::Comma, _) => self.token().map(Some),
            other => Err(unexpected("comma or object end", &other)),
        }
    }

    /// The key that `token` is, if a colon follows.
    fn key(&mut self, token: At<Token>) -> Result<LuaString, JsonError> {
        let (Token::String(key), _) = token else {
            return Err(unexpected("object key string", &token));
        };
        match self.token()? {
            (Token::Colon, _) => Ok(key),
            other => Err(unexpected("colon", &other)),
        }
    }

    fn token(&mut self) -> Result<At<Token>, JsonError> {
        while let b' ' | b'\t' | b'\n' | b'\r' = self.byte(0) {
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
        let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0);
        let plain = |rest: &[u8]| rest.iter().position(is_special).unwrap_or(rest.len());
        self.at += plain(&self.json[start..]);
        if self.byte(0) == b'"' {
            self.at += 1;
            return Ok(Token::String(self.lua.create_string(&self.json[start..self.at - 1])?));
        }
        self.text.clear();
        self.text.extend_from_slice(&self.json[start..self.at]);
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
            let length = plain(rest);
            self.text.extend_from_slice(&rest[..length]);
            self.at += length;
        }
        self.at += 1;
        Ok(Token::String(self.lua.create_string(&self.text)?))
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
                self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                self.at += length;
                return Ok(());
            }
            _ => return Err("invalid escape code"),
        };
        self.text.push(byte);
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

/// How much of a text is a number, as C's `strtod` reads them, but for hexadecimal ones.
fn number_length(text: &[u8]) -> usize {
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
