//! The files of `types`, beside what functions really have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use tower_lua::{Functions, Network, Phase, RuntimeBuilder, Sandbox};

use crate::floors::files_of_kind;
use crate::support::reach::modules;
use crate::support::{App, patient};
use crate::typed::{Api, Found, Member, Type, standard};

/// What makes an object of each class that no name leads to.
const OBJECTS: &[(&str, &str)] = &[
    ("tcpsock", "ngx.socket.tcp()"),
    ("udpsock", "ngx.socket.udp()"),
    ("ngx.req.socket", "ngx.req.socket()"),
    ("ngx.shared.DICT", "ngx.shared.dict"),
    ("kong.tracing.span", "kong.tracing.start_span('a')"),
    ("kong.tracing.tracer", "kong.tracing.new('t')"),
    ("string.buffer.object", "require('string.buffer').new()"),
];

/// Modules that are Lua's own, or of this test.
const OTHERS: &[&str] = &[
    "_G",
    "coroutine",
    "debug",
    "ffi",
    "io",
    "jit",
    "math",
    "ngx",
    "os",
    "package",
    "recorder",
    "table",
];

/// The texts of the files.
fn texts() -> Vec<String> {
    let files = files_of_kind(&Path::new(env!("CARGO_MANIFEST_DIR")).join("types"), "lua");
    assert!(files.len() > 100, "only {} files", files.len());
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

fn api() -> Api {
    let texts = texts();
    Api::read(texts.iter().map(String::as_str))
}

fn with_all(runtime: RuntimeBuilder) -> RuntimeBuilder {
    runtime.sandbox(Sandbox::default().network(Network::any())).shared_dict("dict", 1 << 20)
}

/// The lines that `source` gives to `say`, called in `access`.
async fn said(source: &str) -> Vec<String> {
    let source = format!(
        "local lines = {{}}
         local function say(line) lines[#lines + 1] = line end
         {source}
         require('recorder')(table.concat(lines, '\\n'))"
    );
    let app = App::builder().access(&source).budget(patient()).runtime(with_all).serve().await;
    let reply = app.post("/").body("body").send().await;
    let entries = app.recorder.entries();
    assert_eq!(entries.len(), 1, "{}: {}", reply.status, reply.text());
    entries[0].lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn have_every_name_that_functions_have() {
    let mut names = modules().await;
    names.retain(|name| !OTHERS.contains(&name.as_str()) && !name.starts_with("jit."));
    let list: String = names.iter().map(|name| format!("'{name}', ")).collect();
    let found = said(&format!(
        "local function walk(path, t, seen)
           if seen[t] then return end
           seen[t] = true
           for name, value in pairs(t) do
             if type(name) == 'string' and name:sub(1, 2) ~= '__' then
               say(path .. '.' .. name)
               if type(value) == 'table' then walk(path .. '.' .. name, value, seen) end
             end
           end
         end
         walk('kong', kong, {{}})
         walk('ngx', ngx, {{}})
         for _, name in ipairs {{ {list} }} do
           local ok, module = pcall(require, name)
           if ok then
             say(name)
             if type(module) == 'table' then walk(name, module, {{}}) end
           end
         end"
    ))
    .await;
    assert!(found.len() > 1000, "only {} names", found.len());
    let api = api();
    let missing: Vec<_> = found.iter().filter(|name| !is_known(&api, name)).collect();
    assert!(missing.is_empty(), "names that no file of types has: {missing:#?}");
}

/// Whether a path leads to something that the files have.
fn is_known(api: &Api, path: &str) -> bool {
    if api.module(path).is_some() {
        return true;
    }
    let module = api.modules().filter(|(name, _)| path.starts_with(&format!("{name}.")));
    let longest = module.max_by_key(|(name, _)| name.len());
    let (root, of) = path.split_once('.').unwrap_or((path, ""));
    [Api::global(root).map(|of| (root, of)), longest.map(|(name, of)| (name, of.clone()))]
        .into_iter()
        .flatten()
        .any(|(root, of_root)| {
            let rest = path.strip_prefix(root).unwrap_or(of).trim_start_matches('.');
            rest.split('.').try_fold(of_root, |of, name| of_member(api, &of, name)).is_some()
        })
}

fn of_member(api: &Api, of: &Type, name: &str) -> Option<Type> {
    match of {
        Type::Class(class) => match api.find(class, name) {
            Found::Member(member) => Some(member.of.clone()),
            // What a table may have of any name is not what the module has.
            Found::Other(of) if api.class(class).is_none() || class == "kong.configuration" => {
                Some(of)
            }
            Found::Other(_) | Found::Nothing => None,
        },
        Type::Each(of) => Some((**of).clone()),
        Type::Unknown => Some(Type::Unknown),
        Type::Function { .. } | Type::Number => None,
    }
}

#[tokio::test]
async fn have_no_name_that_functions_do_not_have() {
    let api = api();
    let mut checks = String::new();
    for (path, member) in api.names() {
        // What requests, tokens and the like may have is not always there.
        if !member.is_field {
            checks += &check(&path, &expression(&api, &path), member);
        }
    }
    for (class, object) in OBJECTS {
        let class = api.class(class).unwrap_or_else(|| panic!("no class {class}"));
        checks += &format!("do local object = {object}\n");
        for (name, member) in class.members.iter().filter(|(_, member)| !member.is_field) {
            checks += &check(&format!("{object}.{name}"), &format!("object.{name}"), member);
        }
        checks += "end\n";
    }
    let wrong = said(&checks).await;
    assert!(wrong.is_empty(), "names of the files that functions do not have: {wrong:#?}");
}

/// Says a name where there is nothing, or a function where there should be none.
fn check(path: &str, expression: &str, member: &Member) -> String {
    let is_function = matches!(member.of, Type::Function { .. });
    format!(
        "do local ok, value = pcall(function() return {expression} end)
           local is_function = type(value) == 'function'
           if not ok or value == nil or is_function ~= {is_function} then
             say([==[{path}: ]==] .. type(value)) end end\n"
    )
}

/// What has the value of a name.
fn expression(api: &Api, path: &str) -> String {
    let modules = api.modules().filter(|(name, _)| path.starts_with(&format!("{name}.")));
    // `ngx.re.match` begins as the module `ngx.re` does.
    let is_global = |name: &str| ["kong.", "ngx."].iter().any(|root| name.starts_with(root));
    match modules.max_by_key(|(name, _)| name.len()) {
        Some((module, _)) if !is_global(path) => {
            format!("require('{module}'){}", &path[module.len()..])
        }
        Some((module, _)) => {
            let rest = &path[module.len()..];
            format!("(function() local ok, value = pcall(function() return {path} end)
                if ok and value ~= nil then return value end return require('{module}'){rest} end)()")
        }
        None => path.to_owned(),
    }
}

#[tokio::test]
async fn know_of_lua_itself_what_the_sandbox_has() {
    let found = said(
        "for name, value in pairs(_G) do
           if type(value) ~= 'table' or name == '_G' then say(name) end
         end
         for _, name in ipairs { 'bit', 'coroutine', 'io', 'jit', 'math', 'os', 'string', 'table' } do
           for field in pairs(_G[name]) do say(name .. '.' .. field) end
         end",
    )
    .await;
    let api = api();
    let globals = standard::FUNCTIONS.iter().chain(standard::VALUES).map(|name| (*name).to_owned());
    let of_libraries = standard::LIBRARIES.iter().flat_map(|(library, _)| {
        let names = api.members(library).into_iter();
        names.map(move |(name, _)| format!("{library}.{name}")).collect::<Vec<_>>()
    });
    let known: BTreeSet<_> = globals.chain(of_libraries).collect();
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), known);

    let denied: String =
        standard::DENIED.iter().map(|name| format!("say(type({name})) ")).collect();
    assert!(said(&denied).await.iter().all(|kind| kind == "nil"), "a name is denied that is there");
}

#[test]
fn describe_each_function_with_an_example_that_compiles() {
    let mut functions = 0;
    for text in texts() {
        for (comment, function) in described(&text) {
            functions += 1;
            let (_, example) = comment.split_once("```lua\n").unwrap_or_else(|| {
                panic!("{function} has no example");
            });
            let (example, _) = example.split_once("```").unwrap();
            if let Err(error) = Functions::access("example", example) {
                panic!("the example of {function}: {error}");
            }
            assert!(comment.contains("\nPhases: "), "{function}: in which phases?");
            let (_, arguments) = function.split_once('(').unwrap();
            for argument in arguments.trim_end_matches(") end").split(", ") {
                let is_said = comment.contains(&format!("@param {argument} "))
                    || comment.contains(&format!("@param {argument}? "));
                assert!(argument.is_empty() || is_said, "{function}: what is {argument}?");
            }
        }
    }
    assert!(functions > 700, "only {functions} functions");
}

/// The functions of a file, each with the comment before it.
fn described(text: &str) -> impl Iterator<Item = (String, &str)> {
    let mut comment = String::new();
    text.lines().filter_map(move |line| {
        if let Some(said) = line.strip_prefix("---") {
            comment += said;
            comment.push('\n');
            return None;
        }
        let about = std::mem::take(&mut comment);
        line.strip_prefix("function ").map(|function| (about, function))
    })
}

#[test]
fn name_phases_that_there_are() {
    let api = api();
    let known: BTreeSet<_> = Phase::ALL.iter().map(|phase| phase.name()).chain(["timer"]).collect();
    let names: BTreeMap<_, _> = api.names();
    for (name, member) in names {
        for phase in member.phases.iter().flatten() {
            assert!(known.contains(phase.as_str()), "{name}: no phase is called {phase}");
        }
    }
}

#[tokio::test]
async fn variables_can_be_set_that_say_so_and_no_others() {
    let api = Api::read([include_str!("../../types/ngx/var.lua")]);
    let variables = api.members("ngx.var");
    assert!(variables.len() > 50);
    for (name, member) in variables {
        // A scheme is one, a path the other.
        let set = |value| format!("pcall(function() ngx.var.{name} = '{value}' end)");
        let either = format!("({} or {})", set("http"), set("/"));
        let is_set = App::eval(&either).await == "true";
        assert_eq!(is_set, member.said.can_be_set(), "{name}");
    }
}
