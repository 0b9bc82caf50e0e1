//! Lua's own libraries, as far as the sandbox has them.

use super::{Api, Member, Said, Type};

/// The global functions.
pub(crate) const FUNCTIONS: &[&str] = &[
    "assert", "error", "ipairs", "next", "pairs", "pcall", "print", "require", "select",
    "tonumber", "tostring", "type", "unpack", "xpcall",
];

/// Global variables that are no functions.
pub(crate) const VALUES: &[&str] = &["_G", "_VERSION"];

/// The libraries, and what they have beside what `types` says.
pub(crate) const LIBRARIES: &[(&str, &[&str])] = &[
    ("bit", &[]),
    ("coroutine", &["create", "resume", "running", "status", "wrap", "yield"]),
    ("io", &["type"]),
    ("jit", &["arch", "os", "version", "version_num"]),
    (
        "math",
        &[
            "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp", "floor",
            "fmod", "frexp", "huge", "ldexp", "log", "log10", "max", "min", "modf", "pi", "pow",
            "rad", "random", "sin", "sinh", "sqrt", "tan", "tanh",
        ],
    ),
    ("os", &["clock", "date", "difftime", "time"]),
    (
        "string",
        &[
            "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "rep",
            "reverse", "sub", "upper",
        ],
    ),
    (
        "table",
        &[
            "concat", "foreach", "foreachi", "getn", "insert", "maxn", "move", "pack", "remove",
            "sort", "unpack",
        ],
    ),
];

/// What Lua has, and the sandbox has not.
pub(crate) const DENIED: &[&str] = &[
    "collectgarbage",
    "debug",
    "dofile",
    "gcinfo",
    "getfenv",
    "getmetatable",
    "load",
    "loadfile",
    "loadstring",
    "module",
    "newproxy",
    "package",
    "rawequal",
    "rawget",
    "rawlen",
    "rawset",
    "setfenv",
    "setmetatable",
];

pub(crate) fn is_library(name: &str) -> bool {
    LIBRARIES.iter().any(|(library, _)| *library == name)
}

/// Adds the libraries to what functions have.
pub(super) fn add(api: &mut Api) {
    for (library, names) in LIBRARIES {
        let class = api.classes.entry((*library).to_owned()).or_default();
        for name in *names {
            let is_number = *library == "math" || ["time", "clock", "difftime"].contains(name);
            let gives = if is_number { Type::Number } else { Type::Unknown };
            let of = Type::Function { gives: Box::new(gives), is_method: false };
            let member = Member { of, phases: None, is_field: false, said: Said::default() };
            class.members.entry((*name).to_owned()).or_insert(member);
        }
    }
}
