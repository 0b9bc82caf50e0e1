//! The lines of statements.

use std::ops::RangeInclusive;

use full_moon::ast::{LastStmt, Stmt};
use full_moon::node::Node;
use full_moon::visitors::Visitor;

use super::syntax;

/// The lines that a statement takes.
pub(crate) type Span = RangeInclusive<usize>;

/// The statements of a function that do something. Of what is no Lua there are none.
pub(crate) fn statements(text: &str) -> Vec<Span> {
    let mut lines = Lines::default();
    if let Ok(Some(ast)) = syntax::parse(text) {
        lines.visit_ast(&ast);
    }
    lines.0
}

#[derive(Default)]
struct Lines(Vec<Span>);

impl Lines {
    fn add(&mut self, node: &impl Node) {
        if let (Some(start), Some(end)) = (node.start_position(), node.end_position()) {
            self.0.push(start.line()..=end.line());
        }
    }
}

impl Visitor for Lines {
    fn visit_stmt(&mut self, statement: &Stmt) {
        let does_something = match statement {
            // A block, and a function that is declared, are what is in them.
            Stmt::Do(_) | Stmt::LocalFunction(_) | Stmt::FunctionDeclaration(_) => false,
            Stmt::LocalAssignment(assignment) => !assignment.expressions().is_empty(),
            _ => true,
        };
        if does_something {
            self.add(statement);
        }
    }

    fn visit_last_stmt(&mut self, statement: &LastStmt) {
        self.add(statement);
    }
}
