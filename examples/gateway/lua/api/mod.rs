//! What functions have, as the files in `types` say: names, phases and results.

mod read;
pub(crate) mod standard;

use std::collections::BTreeMap;

/// All that functions have beside Lua's own libraries.
#[derive(Debug, Default)]
pub(crate) struct Api {
    classes: BTreeMap<String, Class>,
    modules: BTreeMap<String, Type>,
}

/// What tables of one kind have in them.
#[derive(Debug, Default)]
pub(crate) struct Class {
    pub(crate) parents: Vec<String>,
    pub(crate) members: BTreeMap<String, Member>,
    /// What names have that nobody has listed.
    pub(crate) others: Option<Type>,
    /// What a call of the table itself gives.
    pub(crate) called: Option<Type>,
}

/// Something in a table.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) of: Type,
    /// The phases in which it may be used, where not in any.
    pub(crate) phases: Option<Vec<String>>,
    pub(crate) is_field: bool,
    pub(crate) said: Said,
}

/// What is said of something in a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) summary: String,
    /// As they are written: `name: type`.
    pub(crate) parameters: Vec<String>,
    /// Their types.
    pub(crate) results: Vec<String>,
}

impl Said {
    /// Whether it says so of a variable.
    pub(crate) fn can_be_set(&self) -> bool {
        self.summary.ends_with("Can be set.")
    }
}

/// What a value is, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Class(String),
    /// A table whose values are all of a type.
    Each(Box<Type>),
    /// A function, what its first result is, and whether it is called with a colon.
    Function {
        gives: Box<Type>,
        is_method: bool,
    },
    Number,
    Unknown,
}

/// What a name is in a table.
pub(crate) enum Found<'a> {
    Member(&'a Member),
    /// The table may have any name.
    Other(Type),
    Nothing,
}

impl Api {
    /// Reads files of types.
    pub(crate) fn read<'a>(files: impl IntoIterator<Item = &'a str>) -> Self {
        let mut api = Self::default();
        for file in files {
            read::file(&mut api, file);
        }
        standard::add(&mut api);
        api
    }

    /// What a global variable is, if it is a table of names.
    pub(crate) fn global(name: &str) -> Option<Type> {
        let is_table = ["kong", "ngx"].contains(&name) || standard::is_library(name);
        is_table.then(|| Type::Class(name.to_owned()))
    }

    /// What `require` gives.
    pub(crate) fn module(&self, name: &str) -> Option<&Type> {
        self.modules.get(name)
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = (&str, &Type)> {
        self.modules.iter().map(|(name, of)| (name.as_str(), of))
    }

    pub(crate) fn classes(&self) -> impl Iterator<Item = (&str, &Class)> {
        self.classes.iter().map(|(name, class)| (name.as_str(), class))
    }

    pub(crate) fn class(&self, name: &str) -> Option<&Class> {
        self.classes.get(name)
    }

    /// What `name` is in a table of `class`.
    pub(crate) fn find(&self, class: &str, name: &str) -> Found<'_> {
        let Some(class) = self.classes.get(class) else { return Found::Other(Type::Unknown) };
        if let Some(member) = class.members.get(name) {
            return Found::Member(member);
        }
        for parent in &class.parents {
            match self.find(parent, name) {
                Found::Nothing => {}
                found => return found,
            }
        }
        class.others.clone().map_or(Found::Nothing, Found::Other)
    }

    /// All members of a class, its parents' too.
    pub(crate) fn members(&self, class: &str) -> Vec<(&str, &Member)> {
        let Some(class) = self.classes.get(class) else { return Vec::new() };
        let own = class.members.iter().map(|(name, member)| (name.as_str(), member));
        own.chain(class.parents.iter().flat_map(|parent| self.members(parent))).collect()
    }

    /// All names that begin at a global variable or a module, with dots between their parts.
    pub(crate) fn names(&self) -> BTreeMap<String, &Member> {
        let globals = ["kong", "ngx"].map(|name| (name, Type::Class(name.to_owned())));
        let modules = self.modules().map(|(name, of)| (name, of.clone()));
        let mut names = BTreeMap::new();
        for (name, of) in globals.into_iter().chain(modules) {
            self.collect(name, &of, &mut names);
        }
        names
    }

    fn collect<'a>(&'a self, path: &str, of: &Type, names: &mut BTreeMap<String, &'a Member>) {
        let Type::Class(class) = of else { return };
        for (name, member) in self.members(class) {
            let path = format!("{path}.{name}");
            // A table may have one of its own kind in it.
            if names.insert(path.clone(), member).is_none() && path.matches('.').count() < 6 {
                self.collect(&path, &member.of, names);
            }
        }
    }
}
