//! Lua programs of calls of whatever the compatibility page has, with whatever there is.

use std::sync::LazyLock;

use super::Choices;

/// What is called: the functions that the page has rows for, which is held against the tables of
/// bindings by a test of its own.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let page = include_str!("../../docs/compatibility.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let is_name = |name: &&str| {
        (name.starts_with("kong.") || name.starts_with("ngx."))
            && name.bytes().all(|byte| b"._".contains(&byte) || byte.is_ascii_alphanumeric())
    };
    let named = rows.filter(is_name).filter(|name| !name.bytes().any(|b| b.is_ascii_uppercase()));
    let mut names: Vec<_> = named.chain(LIBRARY.split_whitespace()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    assert!(names.len() > 200, "{names:?}");
    names
});

const LIBRARY: &str = "
    assert error ipairs next pairs pcall select tonumber tostring type unpack xpcall require
    bit.band bit.tohex bit.lshift coroutine.create coroutine.resume coroutine.running coroutine.status
    coroutine.wrap coroutine.yield math.floor math.max math.random os.clock os.date os.time
    string.byte string.char string.find string.format string.gmatch string.gsub string.len string.lower
    string.match string.rep string.reverse string.sub string.upper
    table.clear table.clone table.concat table.insert table.isarray table.maxn table.move table.new
    table.nkeys table.pack table.remove table.sort table.unpack";

/// What is set and looked up: tables whose fields are computed.
const FIELDS: &[&str] = &[
    "ngx.header",
    "ngx.var",
    "ngx.arg",
    "ngx.ctx",
    "ngx.ctx.balancer_data",
    "kong.ctx.shared",
    "kong.ctx.plugin",
    "kong.configuration",
    "ngx",
    "ngx.shared",
    "kong",
    "_G",
    "string",
];

const MODULES: &[&str] = &[
    "cjson",
    "cjson.safe",
    "ngx.re",
    "ngx.base64",
    "ngx.req",
    "ngx.resp",
    "ngx.errlog",
    "ngx.semaphore",
    "resty.string",
    "resty.lock",
    "resty.lrucache",
    "resty.mlcache",
    "resty.limit.req",
    "resty.cookie",
    "kong.tools.string",
    "kong.tools.table",
    "kong.tools.http",
    "tablepool",
    "resty.md5",
    "table.new",
];

const STRINGS: &[&str] = &[
    "",
    "a",
    "GET",
    "content-type",
    "/",
    "/a/b?c=d",
    "dict",
    "host",
    "http",
    "\\0",
    "\\255\\254",
    "%s%d%q%f",
    "(a*)*b",
    "[a-z]+",
    "%b()",
    "^%s*(.-)%s*$",
    "jo",
    "application/json",
    "multipart/form-data; boundary=b",
    "{\\\"a\\\":[1,{}]}",
    "x-a",
    "\\r\\nx: y",
    "200",
    "1e308",
    "0x10",
    "k",
    "nil",
    "__index",
    "n",
];

const NUMBERS: &[&str] = &[
    "0", "1", "-1", "2", "3.5", "200", "404", "599", "65536", "2^31", "2^53", "-2^63", "0/0",
    "1/0", "100",
];

/// A program of some statements, each of which may fail without ending it.
pub fn program(choices: &mut Choices<'_>) -> String {
    let mut source = String::from("local r = {}\n");
    for _ in 0..=choices.below(7) {
        let statement = statement(choices, 0);
        source.push_str(&format!("pcall(function() {statement} end)\n"));
    }
    source
}

fn statement(choices: &mut Choices<'_>, depth: usize) -> String {
    let inner = |choices: &mut Choices<'_>| statement(choices, depth + 1);
    match choices.below(if depth < 3 { 12 } else { 6 }) {
        0..=2 => format!("r[#r + 1] = {}", call(choices, depth)),
        3 => format!("r[#r + 1] = {}[{}]", choices.pick(FIELDS), value(choices, depth)),
        4 => format!(
            "{}[{}] = {}",
            choices.pick(FIELDS),
            value(choices, depth),
            value(choices, depth)
        ),
        5 => {
            let name = name(choices);
            let method = name.rsplit('.').next().unwrap_or(name);
            let method = if method == "end" { "close" } else { method };
            format!(
                "local o = {} r[#r + 1] = o:{method}({})",
                value(choices, depth),
                values(choices, depth)
            )
        }
        6 => format!(
            "for i = 1, {} do {} end",
            choices.pick(&["1", "3", "50", "1e9"]),
            inner(choices)
        ),
        7 => format!("coroutine.wrap(function() {} {} end)()", inner(choices), inner(choices)),
        8 => format!("r[#r + 1] = {{ pcall(function() {} end) }}", inner(choices)),
        9 => format!("ngx.thread.spawn(function() {} end)", inner(choices)),
        10 => format!("while true do {} if #r > 20 then break end end", inner(choices)),
        _ => format!("r[#r + 1] = require('{}') {}", choices.pick(MODULES), inner(choices)),
    }
}

fn name(choices: &mut Choices<'_>) -> &'static str {
    &NAMES[choices.below(NAMES.len())]
}

fn call(choices: &mut Choices<'_>, depth: usize) -> String {
    format!("{}({})", name(choices), values(choices, depth))
}

fn values(choices: &mut Choices<'_>, depth: usize) -> String {
    choices.several(4, |choices| value(choices, depth)).join(", ")
}

fn value(choices: &mut Choices<'_>, depth: usize) -> String {
    match choices.below(if depth < 3 { 13 } else { 6 }) {
        0 => {
            choices.pick(&["nil", "true", "false", "ngx.null", "r", "ngx", "kong", "_G"]).to_owned()
        }
        1 | 2 => format!("\"{}\"", choices.pick(STRINGS)),
        3 => choices.pick(NUMBERS).to_owned(),
        4 | 5 => format!("r[{}]", choices.pick(&["#r", "1", "#r - 1"])),
        6 => format!("(\"{}\"):rep({})", choices.pick(STRINGS), choices.pick(&["2", "1e3", "1e5"])),
        7 => format!("{{ {} }}", values(choices, depth + 1)),
        8 => {
            let (key, field) = (choices.pick(STRINGS), value(choices, depth + 1));
            format!("{{ [\"{key}\"] = {field}, {} }}", value(choices, depth + 1))
        }
        9 => format!("function(...) {} return ... end", statement(choices, depth + 1)),
        10 => name(choices).to_owned(),
        11 => format!("r[#r][{}]", value(choices, depth + 1)),
        _ => call(choices, depth + 1),
    }
}
