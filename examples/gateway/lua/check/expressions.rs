//! What expressions are worth.

use full_moon::ast::{BinOp, Expression, Field, TableConstructor, UnOp, Var};

use super::finding::{Level, Place};
use super::values::literal;
use super::walk::{Use, Value, Walk};
use crate::lua::api::Type;

impl Walk<'_> {
    pub(super) fn expression(&mut self, expression: &Expression) -> Value {
        match expression {
            Expression::BinaryOperator { lhs, binop, rhs } => self.operation(lhs, binop, rhs),
            Expression::Parentheses { expression, .. } => self.expression(expression),
            Expression::UnaryOperator { unop, expression } => {
                self.expression(expression);
                if matches!(unop, UnOp::Hash(_) | UnOp::Minus(_)) {
                    number()
                } else {
                    Value::unknown()
                }
            }
            Expression::Function(function) => {
                self.body(function.body(), false);
                Value::unknown()
            }
            Expression::FunctionCall(call) => self.chain(call.prefix(), call.suffixes(), Use::Read),
            Expression::TableConstructor(table) => {
                self.table(table);
                Value::unknown()
            }
            Expression::Number(_) => number(),
            Expression::Var(Var::Name(name)) => self.variable(name, Use::Read),
            Expression::Var(Var::Expression(path)) => {
                self.chain(path.prefix(), path.suffixes(), Use::Read)
            }
            _ => Value::unknown(),
        }
    }

    pub(super) fn table(&mut self, table: &TableConstructor) {
        for field in table.fields() {
            match field {
                Field::ExpressionKey { key, value, .. } => {
                    self.expression(key);
                    self.expression(value);
                }
                Field::NameKey { value, .. } => drop(self.expression(value)),
                Field::NoKey(value) => drop(self.expression(value)),
                _ => {}
            }
        }
    }

    fn operation(&mut self, left: &Expression, operator: &BinOp, right: &Expression) -> Value {
        let (one, other) = (self.expression(left), self.expression(right));
        let text = literal(right).filter(|_| one.of == Type::Number);
        let text = text.or_else(|| literal(left).filter(|_| other.of == Type::Number));
        if let Some(text) = text {
            self.compared(operator, text, if one.of == Type::Number { &one } else { &other });
        }
        let is_arithmetic = matches!(
            operator,
            BinOp::Plus(_) | BinOp::Minus(_) | BinOp::Star(_) | BinOp::Slash(_) | BinOp::Percent(_)
        );
        if is_arithmetic { number() } else { Value::unknown() }
    }

    /// A number is compared with a text.
    fn compared(&mut self, operator: &BinOp, text: &str, number: &Value) {
        let comes = match operator {
            BinOp::TwoEqual(_) => "this is never true",
            BinOp::TildeEqual(_) => "this is always true",
            BinOp::LessThan(_)
            | BinOp::LessThanEqual(_)
            | BinOp::GreaterThan(_)
            | BinOp::GreaterThanEqual(_) => "this raises an error",
            _ => return,
        };
        let what = if number.full.is_empty() {
            "a number".to_owned()
        } else {
            format!("what `{}` gives, a number,", number.full)
        };
        let help = if text.parse::<f64>().is_ok() {
            format!("compare it with the number {text}, without quotes")
        } else {
            "compare it with a number".to_owned()
        };
        let place = Place::of(operator.token());
        let message = format!("{what} is compared with the text \"{text}\": {comes}");
        self.find(Level::Error, "number-compared-with-text", place, message, help);
    }
}

const fn number() -> Value {
    Value { of: Type::Number, full: String::new() }
}
