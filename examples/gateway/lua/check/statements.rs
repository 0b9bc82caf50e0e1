//! What statements do.

use full_moon::ast::{
    Assignment, Block, FunctionDeclaration, LastStmt, LocalAssignment, Stmt, Var,
};

use super::finding::Place;
use super::values::text;
use super::walk::{Use, Value, Walk};

impl Walk<'_> {
    /// The statements of a block. Its variables are those of whoever asks.
    pub(super) fn block(&mut self, block: &Block) {
        for statement in block.stmts() {
            self.statement(statement);
        }
        if let Some(LastStmt::Return(returned)) = block.last_stmt() {
            for expression in returned.returns() {
                self.expression(expression);
            }
        }
    }

    fn inner(&mut self, block: &Block) {
        self.scope(|walk| walk.block(block));
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Assignment(assignment) => self.assignment(assignment),
            Stmt::LocalAssignment(assignment) => self.local_assignment(assignment),
            Stmt::FunctionCall(call) => drop(self.chain(call.prefix(), call.suffixes(), Use::Read)),
            Stmt::FunctionDeclaration(function) => self.declaration(function),
            Stmt::LocalFunction(function) => {
                self.declare(text(function.name()), Value::unknown());
                self.function_named(function.name(), function.body());
            }
            Stmt::Do(block) => self.inner(block.block()),
            Stmt::While(repeated) => {
                self.expression(repeated.condition());
                self.inner(repeated.block());
            }
            // What it asks at the end sees the variables inside.
            Stmt::Repeat(repeated) => self.scope(|walk| {
                walk.block(repeated.block());
                walk.expression(repeated.until());
            }),
            Stmt::If(chosen) => {
                self.expression(chosen.condition());
                self.inner(chosen.block());
                for other in chosen.else_if().into_iter().flatten() {
                    self.expression(other.condition());
                    self.inner(other.block());
                }
                if let Some(block) = chosen.else_block() {
                    self.inner(block);
                }
            }
            Stmt::NumericFor(repeated) => {
                for bound in [Some(repeated.start()), Some(repeated.end()), repeated.step()] {
                    bound.map(|bound| self.expression(bound));
                }
                self.scope(|walk| {
                    walk.declare(text(repeated.index_variable()), Value::unknown());
                    walk.block(repeated.block());
                });
            }
            Stmt::GenericFor(repeated) => {
                for expression in repeated.expressions() {
                    self.expression(expression);
                }
                self.scope(|walk| {
                    for name in repeated.names() {
                        walk.declare(text(name), Value::unknown());
                    }
                    walk.block(repeated.block());
                });
            }
            _ => {}
        }
    }

    fn assignment(&mut self, assignment: &Assignment) {
        for expression in assignment.expressions() {
            self.expression(expression);
        }
        for variable in assignment.variables() {
            match variable {
                Var::Name(name) if self.local(text(name)).is_none() => {
                    self.assigned.entry(text(name).to_owned()).or_insert(Place::of(name));
                }
                Var::Expression(path) => {
                    self.chain(path.prefix(), path.suffixes(), Use::Written);
                }
                _ => {}
            }
        }
    }

    fn local_assignment(&mut self, assignment: &LocalAssignment) {
        let values: Vec<_> =
            assignment.expressions().iter().map(|expression| self.expression(expression)).collect();
        let mut values = values.into_iter();
        for name in assignment.names() {
            let value = values.next().unwrap_or_else(Value::unknown);
            self.declare(text(name), value);
        }
    }

    fn declaration(&mut self, function: &FunctionDeclaration) {
        let name = function.name();
        let names: Vec<_> = name.names().iter().collect();
        if let [single] = names[..]
            && name.method_name().is_none()
        {
            if self.local(text(single)).is_none() {
                self.assigned.entry(text(single).to_owned()).or_insert(Place::of(single));
            }
            return self.function_named(single, function.body());
        }
        if let Some(first) = names.first() {
            self.variable(first, Use::Needed);
        }
        self.body(function.body(), name.method_name().is_some());
    }
}
