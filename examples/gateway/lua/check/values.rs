//! What stands in expressions as it is.

use full_moon::ast::punctuated::Punctuated;
use full_moon::ast::{Call, Expression, FunctionArgs, FunctionCall, Suffix};
use full_moon::tokenizer::{TokenReference, TokenType};

/// A name as it is written.
pub(super) fn text(token: &TokenReference) -> &str {
    match token.token().token_type() {
        TokenType::Identifier { identifier } => identifier.as_str(),
        _ => "",
    }
}

/// The text of a string.
pub(super) fn string(token: &TokenReference) -> Option<&str> {
    match token.token().token_type() {
        TokenType::StringLiteral { literal, .. } => Some(literal.as_str()),
        _ => None,
    }
}

/// A string that stands there as it is.
pub(super) fn literal(expression: &Expression) -> Option<&str> {
    match expression {
        Expression::String(token) => string(token),
        Expression::Parentheses { expression, .. } => literal(expression),
        _ => None,
    }
}

/// The arguments of the last call in a chain of them.
pub(super) fn arguments(call: &FunctionCall) -> Option<&Punctuated<Expression>> {
    let args = call.suffixes().filter_map(|suffix| match suffix {
        Suffix::Call(Call::AnonymousCall(args)) => Some(&**args),
        Suffix::Call(Call::MethodCall(method)) => Some(method.args()),
        _ => None,
    });
    match args.last()? {
        FunctionArgs::Parentheses { arguments, .. } => Some(arguments),
        _ => None,
    }
}

/// The first argument, if it is a string that stands there as it is.
pub(super) fn first_string(args: &FunctionArgs) -> Option<&str> {
    match args {
        FunctionArgs::Parentheses { arguments, .. } => literal(arguments.iter().next()?),
        FunctionArgs::String(token) => string(token),
        _ => None,
    }
}

/// Whether a name is that of the header which says how long a body is.
pub(super) fn is_content_length(name: &str) -> bool {
    name.replace('_', "-").eq_ignore_ascii_case("content-length")
}
