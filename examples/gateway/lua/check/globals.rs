//! Global variables, Lua's own libraries, and modules.

use tower_lua::Sandbox;

use super::finding::{Level, Place};
use super::suggest;
use super::walk::{Read, Use, Value, Walk};
use crate::lua::api::{Api, Type, standard};

impl Walk<'_> {
    /// A variable that no scope has.
    pub(super) fn global(&mut self, name: &str, place: Place, used: Use) -> Value {
        if self.assigned.contains_key(name) {
            return Value::unknown();
        }
        if let Some(of) = Api::global(name) {
            let of =
                if self.permitted.all && standard::is_library(name) { Type::Unknown } else { of };
            return Value { of, full: name.to_owned() };
        }
        if standard::FUNCTIONS.contains(&name) {
            let gives = if name == "tonumber" { Type::Number } else { Type::Unknown };
            let of = Type::Function { gives: Box::new(gives), is_method: false };
            return Value { of, full: format!("_G.{name}") };
        }
        if !standard::VALUES.contains(&name) {
            self.read.push(Read { name: name.to_owned(), place, used });
        }
        Value::unknown()
    }

    /// What the operator may have allowed: a global variable, or something in one.
    pub(super) fn is_permitted(&self, name: &str) -> bool {
        let library = name.split('.').next().unwrap_or_default();
        let globals = &self.permitted.globals;
        self.permitted.all
            || globals.contains(name)
            || globals.contains(library)
            || globals.iter().any(|global| global.split('.').next() == Some(name))
            || (name == "os.getenv" && self.permitted.has_environment)
    }

    /// What to do about something that a library of Lua's has, and the sandbox has not.
    pub(super) fn help_of_library(&self, library: &str, name: &str) -> Option<String> {
        if !standard::is_library(library) {
            return None;
        }
        if let Some(near) = self.near_in(library, name) {
            return Some(suggest::question(&[format!("{library}.{near}")]));
        }
        if library == "os" && name == "getenv" {
            return Some(
                "name the variables that functions may read: --untrusted-lua-env".to_owned(),
            );
        }
        Some(allowing(&format!("{library}.{name}")))
    }

    fn near_in(&self, library: &str, name: &str) -> Option<&str> {
        let members = self.api.members(library).into_iter().map(|(other, _)| other);
        suggest::nearest(name, members).filter(|_| name.len() > 4 && name != "getenv")
    }

    /// What is said of global variables when all of the function has been seen.
    pub(super) fn look_at_globals(&mut self) {
        for Read { name, place, used } in std::mem::take(&mut self.read) {
            if self.has_enough() {
                return;
            }
            if self.assigned.contains_key(&name) || self.is_permitted(&name) {
                continue;
            }
            let level = if used == Use::Needed { Level::Error } else { Level::Warning };
            if standard::DENIED.contains(&name.as_str()) {
                let message = format!("`{name}` is not in the sandbox: it is nil");
                self.find(level, "sandbox", place, message, allowing(&name));
                continue;
            }
            let known =
                standard::FUNCTIONS.iter().chain(standard::LIBRARIES.iter().map(|(name, _)| name));
            let known = known.copied().chain(["kong", "ngx"]);
            let near = suggest::nearest(&name, known).filter(|_| name.len() > 2);
            let help = near.map_or_else(
                || String::from("nothing here gives it a value: declare it, or correct its name"),
                |near| suggest::question(&[near.to_owned()]),
            );
            let message = format!("there is no variable `{name}`: it is nil");
            self.find(level, "unknown-global", place, message, help);
        }
        for (name, place) in std::mem::take(&mut self.assigned) {
            let message = format!(
                "`{name}` is a global variable: it stays from request to request, and others that \
                 wait meanwhile share it"
            );
            self.find(Level::Warning, "global", place, message, format!("write `local {name}`"));
        }
    }

    /// What `require` gives, where the module may be required.
    pub(super) fn required(&mut self, name: &str, place: Place) -> Value {
        let known = self.api.module(name).cloned();
        if self.may_require(name, known.is_some()) {
            let of = known.unwrap_or(Type::Unknown);
            return Value { of, full: String::new() };
        }
        let help = match (name, suggest::module(self.api, name)) {
            ("ffi", _) => {
                "LuaJIT's ffi is in no VM: bit, string.buffer and resty.openssl are".to_owned()
            }
            ("io" | "os" | "string" | "math" | "debug", _) => {
                format!("`{name}` is a global variable, as far as the sandbox has it")
            }
            (_, Some(near)) if known.is_none() => suggest::question(&[near]),
            _ => format!("the operator may allow it: --untrusted-lua-sandbox-requires {name}"),
        };
        let message =
            format!("require '{name}' is not allowed within the sandbox: it raises an error");
        self.find(Level::Error, "module", place, message, help);
        Value::unknown()
    }

    fn may_require(&self, name: &str, is_known: bool) -> bool {
        let permitted = self.permitted;
        if permitted.all || permitted.modules.contains(name) {
            return true;
        }
        let reaches_out = Sandbox::REACHING_OUT.contains(&name);
        if Sandbox::LIBRARIES_REACHING_OUT.contains(&name) {
            return permitted.has_directory && permitted.network;
        }
        is_known && permitted.safe_modules && (permitted.network || !reaches_out)
    }
}

fn allowing(name: &str) -> String {
    format!("the operator may allow it: --untrusted-lua-sandbox-environment {name}")
}
