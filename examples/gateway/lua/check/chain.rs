//! Chains of names and calls: `kong.cache:get("key").name`.

use full_moon::ast::{Call, Expression, FunctionArgs, Index, Prefix, Suffix};
use full_moon::tokenizer::TokenReference;

use super::finding::{Level, Place};
use super::suggest;
use super::values::{first_string, is_content_length, literal, text};
use super::walk::{Use, Value, Walk};
use crate::lua::api::{Found, Type};

/// A value in the middle of a chain, as it is written so far.
struct Link {
    value: Value,
    path: String,
    place: Place,
}

impl Walk<'_> {
    /// What a chain is worth, whose last part is used as `used` says.
    pub(super) fn chain<'s>(
        &mut self,
        prefix: &Prefix,
        suffixes: impl Iterator<Item = &'s Suffix>,
        used: Use,
    ) -> Value {
        let mut suffixes = suffixes.peekable();
        let use_of = |is_last: bool| if is_last { used } else { Use::Needed };
        let mut link = match prefix {
            Prefix::Name(name) => Link {
                value: self.variable(name, use_of(suffixes.peek().is_none())),
                path: text(name).to_owned(),
                place: Place::of(name),
            },
            Prefix::Expression(expression) => Link {
                value: self.expression(expression),
                path: "(…)".to_owned(),
                place: Place::default(),
            },
            _ => return Value::unknown(),
        };
        while let Some(suffix) = suffixes.next() {
            let used = use_of(suffixes.peek().is_none());
            link = match suffix {
                Suffix::Index(Index::Dot { name, .. }) => {
                    self.field(&link, text(name), Place::of(name), used)
                }
                Suffix::Index(Index::Brackets { expression, brackets }) => {
                    self.element(link, expression, Place::of(brackets.tokens().0), used)
                }
                Suffix::Call(Call::AnonymousCall(args)) => self.call(link, args, false),
                Suffix::Call(Call::MethodCall(method)) => {
                    let name = method.name();
                    let method_link = self.field(&link, text(name), Place::of(name), Use::Needed);
                    self.call(method_link, method.args(), true)
                }
                _ => return Value::unknown(),
            };
        }
        link.value
    }

    /// A variable, which is local, global, or of the API.
    pub(super) fn variable(&mut self, name: &TokenReference, used: Use) -> Value {
        match self.local(text(name)) {
            Some(value) => value.clone(),
            None => self.global(text(name), Place::of(name), used),
        }
    }

    fn element(&mut self, link: Link, key: &Expression, place: Place, used: Use) -> Link {
        if let Some(name) = literal(key) {
            return self.field(&link, name, place, used);
        }
        self.expression(key);
        if used == Use::Written && link.value.full == "ngx.arg" && key.to_string().trim() == "1" {
            self.traits.changes_body.get_or_insert(place);
        }
        let of = if let Type::Each(of) = link.value.of { *of } else { Type::Unknown };
        let value = Value { of, full: String::new() };
        Link { value, path: format!("{}[…]", link.path), place }
    }

    fn field(&mut self, link: &Link, name: &str, place: Place, used: Use) -> Link {
        let path = format!("{}.{name}", link.path);
        if link.value.full == "ngx.header" && used == Use::Written && is_content_length(name) {
            self.traits.clears_length = true;
        }
        let value = match &link.value.of {
            Type::Class(class) => self.member(class, &link.path, name, place, used),
            Type::Each(of) => {
                if link.value.full == "ngx.shared" {
                    self.look_at_dictionary(name, place);
                }
                Value { of: (**of).clone(), full: String::new() }
            }
            Type::Function { .. } | Type::Number | Type::Unknown => Value::unknown(),
        };
        Link { value, path, place }
    }

    fn member(&mut self, class: &str, path: &str, name: &str, place: Place, used: Use) -> Value {
        let full = format!("{class}.{name}");
        if class == "ngx.var" && used == Use::Written {
            self.look_at_variable(name, place);
        }
        match self.api.find(class, name) {
            Found::Member(member) => {
                if !matches!(member.of, Type::Function { .. }) {
                    self.look_at_phase(member.phases.as_deref(), &full, place);
                }
                Value { of: member.of.clone(), full }
            }
            Found::Other(of) => Value { of, full: String::new() },
            Found::Nothing => {
                if used == Use::Written {
                    self.own.insert(full);
                } else if !self.own.contains(&full) && !self.is_permitted(&full) {
                    self.missing(class, path, name, place, used);
                }
                Value::unknown()
            }
        }
    }

    /// A variable that a function sets: few of nginx's can be.
    fn look_at_variable(&mut self, name: &str, place: Place) {
        let found = self.api.find("ngx.var", &name.to_ascii_lowercase());
        let is_settable = matches!(found, Found::Member(member) if member.said.can_be_set());
        if !is_settable {
            let message = format!("`ngx.var.{name}` cannot be set: it fails");
            let help = format!("what later phases need stands in kong.ctx.shared.{name}");
            self.find(Level::Error, "variable", place, message, help);
        }
    }

    /// A dictionary that the gateway may have: whoever looks at functions need not start it with the same flags.
    fn look_at_dictionary(&mut self, name: &str, place: Place) {
        if !self.permitted.dictionaries.contains(name) {
            let message = format!("no dictionary `{name}` has been declared: it is nil");
            let help = format!("the operator declares it, here too: --shared-dict {name}=1m");
            self.find(Level::Warning, "dictionary", place, message, help);
        }
    }

    /// There is no such name.
    fn missing(&mut self, class: &str, path: &str, name: &str, place: Place, used: Use) {
        if self.has_enough() {
            return;
        }
        let level = if used == Use::Needed { Level::Error } else { Level::Warning };
        if let Some(help) = self.help_of_library(class, name) {
            let message = format!("`{path}.{name}` is not in the sandbox: it is nil");
            return self.find(level, "sandbox", place, message, help);
        }
        let names = suggest::names(self.api, class, path, name);
        let help = match suggest::question(&names) {
            question if question.is_empty() => {
                "docs/compatibility.md lists what functions have".to_owned()
            }
            question => question,
        };
        let message = format!("there is no `{path}.{name}`: it is nil");
        self.find(level, "unknown-name", place, message, help);
    }

    fn call(&mut self, link: Link, args: &FunctionArgs, has_colon: bool) -> Link {
        let Link { value, path, place } = link;
        self.arguments(args, &value.full);
        let first = first_string(args);
        if value.full == "_G.require" {
            let value = first.map_or_else(Value::unknown, |name| self.required(name, place));
            return Link { value, path: format!("{path}(…)"), place };
        }
        self.look_at_call(&value, args, &path, place, has_colon);
        let of = match &value.of {
            Type::Function { gives, .. } => (**gives).clone(),
            Type::Class(class) => self
                .api
                .class(class)
                .and_then(|class| class.called.clone())
                .unwrap_or(Type::Unknown),
            Type::Each(_) | Type::Number | Type::Unknown => Type::Unknown,
        };
        // A number is said to be what its function gives.
        let full = if of == Type::Number { value.full } else { String::new() };
        Link { value: Value { of, full }, path: format!("{path}(…)"), place }
    }

    fn arguments(&mut self, args: &FunctionArgs, full: &str) {
        let is_timer = ["ngx.timer.at", "ngx.timer.every"].contains(&full);
        match args {
            FunctionArgs::Parentheses { arguments, .. } => {
                for argument in arguments {
                    match argument {
                        Expression::Function(function) if is_timer => {
                            self.in_phase(Some("timer"), |walk| walk.body(function.body(), false));
                        }
                        argument => drop(self.expression(argument)),
                    }
                }
            }
            FunctionArgs::TableConstructor(table) => self.table(table),
            _ => {}
        }
    }

    fn look_at_call(
        &mut self,
        value: &Value,
        args: &FunctionArgs,
        path: &str,
        place: Place,
        has_colon: bool,
    ) {
        let full = value.full.as_str();
        let Some((class, name)) = full.rsplit_once('.') else { return };
        if let Found::Member(member) = self.api.find(class, name) {
            self.look_at_phase(member.phases.as_deref(), full, place);
        }
        let first = first_string(args);
        let is_of_header = ["clear_header", "set_header"].contains(&name);
        if class == "kong.response" && is_of_header && first.is_some_and(is_content_length) {
            self.traits.clears_length = true;
        }
        if full == "kong.response.set_raw_body" {
            self.traits.changes_body.get_or_insert(place);
        }
        let is_object = ["kong.cache", "ngx.shared.DICT"].contains(&class);
        let is_method = matches!(value.of, Type::Function { is_method: true, .. });
        if is_object && is_method && !has_colon && first.is_some() {
            let written = path.strip_suffix(name).and_then(|path| path.strip_suffix('.'));
            let help = format!("write `{}:{name}(…)`", written.unwrap_or(class));
            let message = format!("`{path}` is called with a dot: it takes its table first");
            self.find(Level::Error, "dot-for-colon", place, message, help);
        }
    }
}
