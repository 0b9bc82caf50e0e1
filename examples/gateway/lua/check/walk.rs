//! [`Walk`]: a way through a function, with what is known of its variables.

use std::collections::{BTreeMap, HashMap, HashSet};

use full_moon::ast::{Assignment, Ast, Expression, FunctionCall, FunctionDeclaration, Parameter};
use full_moon::ast::{FunctionBody, Var};
use full_moon::tokenizer::TokenReference;
use full_moon::visitors::Visitor;

use super::finding::{Finding, Level, Place};
use super::values::{arguments, text};
use super::{Permitted, Traits};
use crate::lua::api::{Api, Type};

/// A way through a function.
pub(super) struct Walk<'a> {
    pub(super) api: &'a Api,
    pub(super) permitted: &'a Permitted,
    /// The phases that code inside of each other runs in, as far as they are known.
    pub(super) phases: Vec<Option<&'a str>>,
    scopes: Vec<HashMap<String, Value>>,
    changing: Changing,
    /// Names that the function puts into tables of the API itself.
    pub(super) own: HashSet<String>,
    pub(super) assigned: BTreeMap<String, Place>,
    pub(super) read: Vec<Read>,
    pub(super) traits: Traits,
    findings: Vec<Finding>,
}

/// How many findings of a function are told: nobody reads more, and each takes time to be put into words.
const MAX_FINDINGS: usize = 500;

/// What is known of a value.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) of: Type,
    /// Its name in the API, where it has one.
    pub(super) full: String,
}

/// What is done with a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    /// It is called, or something in it is asked for: it must be there.
    Needed,
    Written,
}

/// A global variable that is read.
pub(super) struct Read {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) used: Use,
}

/// What is not as it was declared.
#[derive(Default)]
struct Changing {
    /// Names that are assigned to somewhere.
    names: HashSet<String>,
    /// Functions that timers call.
    of_timers: HashSet<String>,
}

impl Value {
    pub(super) const fn unknown() -> Self {
        Self { of: Type::Unknown, full: String::new() }
    }
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        api: &'a Api,
        permitted: &'a Permitted,
        phase: Option<&'a str>,
        ast: &Ast,
    ) -> Self {
        let mut changing = Changing::default();
        changing.visit_ast(ast);
        Self {
            api,
            permitted,
            phases: vec![phase],
            scopes: vec![HashMap::new()],
            changing,
            own: HashSet::new(),
            assigned: BTreeMap::new(),
            read: Vec::new(),
            traits: Traits::default(),
            findings: Vec::new(),
        }
    }

    /// What has been found.
    pub(super) fn end(mut self) -> (Vec<Finding>, Traits) {
        self.look_at_globals();
        (self.findings, self.traits)
    }

    pub(super) fn find(
        &mut self,
        level: Level,
        rule: &'static str,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if !self.has_enough() {
            self.findings.push(Finding::new(level, rule, place, message, help));
        }
    }

    /// Whether more would not be told.
    pub(super) fn has_enough(&self) -> bool {
        self.findings.len() >= MAX_FINDINGS
    }

    /// Walks what has variables of its own.
    pub(super) fn scope(&mut self, inside: impl FnOnce(&mut Self)) {
        self.scopes.push(HashMap::new());
        inside(self);
        self.scopes.pop();
    }

    /// Declares a local variable.
    pub(super) fn declare(&mut self, name: &str, value: Value) {
        // What changes is not what it was.
        let value = if self.changing.names.contains(name) { Value::unknown() } else { value };
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), value);
        }
    }

    /// A local variable of this name.
    pub(super) fn local(&self, name: &str) -> Option<&Value> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    /// A function: its own variables, and what it does.
    pub(super) fn body(&mut self, body: &FunctionBody, has_self: bool) {
        self.scope(|walk| {
            if has_self {
                walk.declare("self", Value::unknown());
            }
            for parameter in body.parameters() {
                if let Parameter::Name(name) = parameter {
                    walk.declare(text(name), Value::unknown());
                }
            }
            walk.block(body.block());
        });
    }

    /// A function of its own, which may be called in another phase than the code around it.
    pub(super) fn function_named(&mut self, name: &TokenReference, body: &FunctionBody) {
        let is_of_timers = self.changing.of_timers.contains(text(name));
        let phase = if is_of_timers { None } else { self.phases.last().copied().flatten() };
        self.in_phase(phase, |walk| walk.body(body, false));
    }

    pub(super) fn in_phase(&mut self, phase: Option<&'a str>, inside: impl FnOnce(&mut Self)) {
        self.phases.push(phase);
        inside(self);
        self.phases.pop();
    }
}

impl Visitor for Changing {
    fn visit_assignment(&mut self, assignment: &Assignment) {
        for variable in assignment.variables() {
            if let Var::Name(name) = variable {
                self.names.insert(text(name).to_owned());
            }
        }
    }

    fn visit_function_declaration(&mut self, function: &FunctionDeclaration) {
        let names = function.name().names();
        if let (1, Some(name)) = (names.len(), names.iter().next()) {
            self.names.insert(text(name).to_owned());
        }
    }

    fn visit_function_call(&mut self, call: &FunctionCall) {
        let written: String = call.to_string().split('(').next().unwrap_or_default().trim().into();
        if !written.ends_with("timer.at") && !written.ends_with("timer.every") {
            return;
        }
        let named = arguments(call).into_iter().flatten().filter_map(|argument| match argument {
            Expression::Var(Var::Name(name)) => Some(text(name).to_owned()),
            _ => None,
        });
        self.of_timers.extend(named);
    }
}
