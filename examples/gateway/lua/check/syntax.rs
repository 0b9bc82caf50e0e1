//! Whether a text is Lua, as LuaJIT sees it, and what it is made of.

use full_moon::ast::Ast;
use full_moon::tokenizer::{Lexer, LexerResult, Token, TokenType};
use full_moon::{LuaVersion, parse_fallible};
use tower_lua::{CompileError, Functions, Phase};

use super::finding::{Finding, Level, Place};

/// How many operators a text may have. Those of one expression are looked at inside of each other.
const MAX_SYMBOLS: usize = 50_000;

/// The parts of a function. `None` is one that LuaJIT compiles and nobody else understands, or that is
/// too long to be looked at.
pub(super) fn parse(text: &str) -> Result<Option<Ast>, Finding> {
    // LuaJIT has the last word, and bounds how deep parentheses and blocks go.
    let compiled = Functions::builder("").function(Phase::Access, text).build();
    if let Err(error) = compiled {
        let first = error.compile_errors().first();
        let message = first.map_or_else(|| error.to_string(), |error| error.message().to_owned());
        let line = first.and_then(CompileError::line).unwrap_or(1);
        let place = Place { line, column: column(text, line) };
        let help = if text.starts_with('@') && text.lines().count() == 1 {
            "this is the name of a file, not what is in it"
        } else {
            "Lua does not take it: functions of this set would not be loaded"
        };
        return Err(Finding::new(Level::Error, "syntax", place, without_position(&message), help));
    }
    let version = LuaVersion::luajit().with_lua52();
    let symbols = symbols_of(text, version);
    if symbols.is_none_or(|count| count > MAX_SYMBOLS) {
        return Ok(None);
    }
    Ok(parse_fallible(text, version).into_result().ok())
}

/// How many keywords and operators there are.
fn symbols_of(text: &str, version: LuaVersion) -> Option<usize> {
    let LexerResult::Ok(tokens) = Lexer::new(text, version).collect() else { return None };
    let is_symbol = |token: &&Token| matches!(token.token_type(), TokenType::Symbol { .. });
    Some(tokens.iter().filter(is_symbol).count())
}

/// Where the line has its first word: Lua says lines alone.
fn column(text: &str, line: usize) -> usize {
    let line = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    line.chars().take_while(|c| c.is_whitespace()).count() + 1
}

/// A message without the name and line that it begins with.
fn without_position(message: &str) -> &str {
    let Some((_, rest)) = message.split_once("]:") else { return message };
    rest.split_once(": ").map_or(message, |(_, what)| what)
}
