//! [`Host`]: what the words of specs do.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response};
use parking_lot::Mutex;
use tower_lua::Phase;
use tower_lua::mlua::{self, FromLuaMulti, Function, IntoLuaMulti, Lua, LuaString, Table, Value};
use tower_lua::testing::Harness;

use super::covered::Covered;
use super::output::Report;
use super::plan::{Answer, Plan, Source};
use super::{convert, json};
use crate::function_file::{Directory, Reference};
use crate::lua::check::document;

/// What the words of a file's specs work on.
#[derive(Clone)]
pub(super) struct Host {
    state: Arc<Mutex<State>>,
    /// Where files are looked for.
    directory: PathBuf,
    report: Arc<Mutex<Report>>,
    covered: Option<Covered>,
}

#[derive(Default)]
struct State {
    plan: Plan,
    snapshots: Vec<Plan>,
    /// Made when the first request of a test is sent.
    harness: Option<Harness>,
    /// What went wrong in an answer of the spec's.
    problem: Option<mlua::Error>,
}

/// A test: its name behind those of its blocks, what it has come to, and why.
type Outcome = (Vec<String>, String, Option<String>);

/// How large a dictionary is, if a spec does not say.
const DICT: usize = 1 << 20;

impl Host {
    pub(super) fn new(
        directory: PathBuf,
        report: Arc<Mutex<Report>>,
        covered: Option<Covered>,
    ) -> Self {
        Self { state: Arc::default(), directory, report, covered }
    }

    /// The words, as a table of functions.
    pub(super) fn table(&self, lua: &Lua) -> mlua::Result<Table> {
        let table = lua.create_table()?;
        self.add_words_for_plans(lua, &table)?;
        self.add(lua, &table, "encode", |_, _, value: Value| json::encode(&value))?;
        self.add(lua, &table, "decode", |_, lua, text: LuaString| {
            json::decode(lua, &text.as_bytes())
        })?;
        self.add(lua, &table, "advance", |host, _, seconds: f64| host.advance(seconds))?;
        self.add(lua, &table, "prepare", |host, _, source: String| host.prepare(&source))?;
        self.add(lua, &table, "request", |host, lua, given: Table| host.request(lua, &given))?;
        self.add(lua, &table, "traceback", |_, lua, message: String| {
            lua.traceback(Some(&message), 1)
        })?;
        self.add(lua, &table, "report", |host, _, (path, outcome, why): Outcome| {
            host.report.lock().add(&path, &outcome, why.as_deref());
            Ok(())
        })?;
        Ok(table)
    }

    /// Those that say what is around functions.
    fn add_words_for_plans(&self, lua: &Lua, table: &Table) -> mlua::Result<()> {
        self.add(lua, table, "snapshot", |host, _, ()| Ok(host.snapshot()))?;
        self.add(lua, table, "restore", |host, _, id: usize| host.restore(id))?;
        self.add(lua, table, "functions", |host, _, given: Value| host.functions(&given))?;
        self.add(lua, table, "clock", |host, _, time: Value| host.clock(&time))?;
        self.add(lua, table, "shared_dict", |host, _, (name, bytes): (String, Option<usize>)| {
            host.change(|plan| plan.dicts.extend([(name, bytes.unwrap_or(DICT))]));
            Ok(())
        })?;
        self.add(lua, table, "environment", |host, _, variables: Table| {
            let pairs = variables.pairs::<String, String>().collect::<mlua::Result<Vec<_>>>()?;
            host.change(|plan| plan.variables.extend(pairs));
            Ok(())
        })?;
        self.add(lua, table, "upstream", |host, lua, answer: Function| {
            let answer = host.answer(lua, answer);
            host.set_upstream(answer);
            Ok(())
        })?;
        self.add(lua, table, "http", |host, lua, (url, answer): (String, Function)| {
            let answer = host.answer(lua, answer);
            host.add_answer(url, answer);
            Ok(())
        })
    }

    fn add<A: FromLuaMulti, R: IntoLuaMulti>(
        &self,
        lua: &Lua,
        table: &Table,
        name: &str,
        word: impl Fn(&Self, &Lua, A) -> mlua::Result<R> + Send + 'static,
    ) -> mlua::Result<()> {
        let host = self.clone();
        table.set(name, lua.create_function(move |lua, arguments: A| word(&host, lua, arguments))?)
    }

    fn snapshot(&self) -> usize {
        let mut state = self.state.lock();
        let plan = state.plan.clone();
        state.snapshots.push(plan);
        state.snapshots.len() - 1
    }

    fn restore(&self, id: usize) -> mlua::Result<()> {
        let mut state = self.state.lock();
        let plan =
            state.snapshots.get(id).cloned().ok_or_else(|| problem("there was no such plan"))?;
        state.plan = plan;
        state.harness = None;
        Ok(())
    }

    /// Changes what is around functions, which begin anew.
    fn change(&self, change: impl FnOnce(&mut Plan)) {
        let mut state = self.state.lock();
        change(&mut state.plan);
        state.harness = None;
    }

    /// `{ access = "…" or { "…", … }, … }`; a text that ends in `.lua` names a file. Or the name of a
    /// declarative file.
    fn functions(&self, given: &Value) -> mlua::Result<()> {
        let mut functions = Vec::new();
        match given {
            Value::String(name) => {
                let path = self.directory.join(name.to_string_lossy());
                let read = fs::read_to_string(&path);
                let read = read.map_err(|error| problem(format!("{}: {error}", path.display())))?;
                let plugins = document::plugins(&read);
                let plugins = plugins.map_err(|(place, why)| {
                    problem(format!("{}:{}: {why}", path.display(), place.line))
                })?;
                let directory = Directory::of(&path);
                let all = plugins.into_iter().flat_map(|plugin| plugin.functions);
                for function in all.filter(|function| !function.is_repeated) {
                    if let Some(named) = Reference::parse(&function.text) {
                        let file = self.named(&directory, named).map_err(problem)?;
                        functions.push((phase(function.phase)?, file));
                        continue;
                    }
                    if let (Some(covered), Some(offset)) = (&self.covered, function.offset()) {
                        let name = Covered::name(&function.text);
                        covered.declare(&path, name, &function.text, offset);
                    }
                    functions.push((phase(function.phase)?, Source::Text(function.text)));
                }
            }
            Value::Table(table) => {
                for pair in table.pairs::<String, Value>() {
                    let (name, value) = pair?;
                    let phase = phase(&name)?;
                    let sources = match value {
                        Value::Table(list) => {
                            list.sequence_values().collect::<mlua::Result<Vec<String>>>()?
                        }
                        value => vec![value.to_string()?],
                    };
                    for source in sources {
                        functions.push((phase, self.source(source)?));
                    }
                }
            }
            other => {
                let kind = other.type_name();
                return Err(problem(format!(
                    "functions: expected a table or a file, got a {kind}"
                )));
            }
        }
        self.change(|plan| plan.functions = functions);
        Ok(())
    }

    /// A function in a file that a declarative file names.
    fn named(
        &self,
        directory: &Directory,
        named: Result<Reference, String>,
    ) -> Result<Source, String> {
        let reference = named?;
        let (text, path) = (directory.read(&reference)?, directory.path(&reference));
        if let Some(covered) = &self.covered {
            covered.declare(&path, format!("@{}", path.display()), &text, 0);
        }
        Ok(Source::File(path))
    }

    /// A function, or what is in the file that is named.
    fn source(&self, text: String) -> mlua::Result<Source> {
        if text.contains('\n') || !text.ends_with(".lua") {
            return Ok(Source::Text(text));
        }
        let path = self.directory.join(text);
        let read = fs::read_to_string(&path);
        let read = read.map_err(|error| problem(format!("{}: {error}", path.display())))?;
        if let Some(covered) = &self.covered {
            covered.declare(&path, format!("@{}", path.display()), &read, 0);
        }
        Ok(Source::File(path))
    }

    /// Seconds since 1970, or a time as HTTP writes it.
    fn clock(&self, time: &Value) -> mlua::Result<()> {
        let time = match time {
            Value::Integer(seconds) => u64::try_from(*seconds)
                .ok()
                .map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
            Value::Number(seconds) => {
                Duration::try_from_secs_f64(*seconds).ok().map(|since| UNIX_EPOCH + since)
            }
            Value::String(text) => httpdate::parse_http_date(&text.to_string_lossy()).ok(),
            _ => None,
        };
        let expected = "clock: expected seconds since 1970, or `Sat, 31 Jan 2026 12:00:00 GMT`";
        let time: SystemTime = time.ok_or_else(|| problem(expected))?;
        let mut state = self.state.lock();
        state.plan.time = time;
        if let Some(harness) = &mut state.harness {
            harness.set_now(time);
        }
        Ok(())
    }

    fn advance(&self, seconds: f64) -> mlua::Result<()> {
        let time = Duration::try_from_secs_f64(seconds);
        let time = time.map_err(|_| problem("advance: expected seconds, from 0"))?;
        self.with_harness(|harness| harness.advance(time))
    }

    /// An answer that the spec's Lua gives.
    fn answer(&self, lua: &Lua, answer: Function) -> Arc<Answer> {
        let (state, lua) = (Arc::clone(&self.state), lua.clone());
        Arc::new(move |request: Request<Bytes>| {
            let answered = convert::request_table(&lua, &request)
                .and_then(|table| answer.call::<Table>(table))
                .and_then(|table| convert::response(&table));
            answered.unwrap_or_else(|error| {
                state.lock().problem = Some(error);
                let mut response = Response::new(Bytes::from_static(b"the spec's answer failed"));
                *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
                response
            })
        })
    }

    fn set_upstream(&self, answer: Arc<Answer>) {
        let mut state = self.state.lock();
        state.plan.upstream = Some(Arc::clone(&answer));
        if let Some(harness) = &mut state.harness {
            harness.upstream(move |request| answer(request));
        }
    }

    fn add_answer(&self, url: String, answer: Arc<Answer>) {
        let mut state = self.state.lock();
        state.plan.answers.push((url.clone(), Arc::clone(&answer)));
        if let Some(harness) = &mut state.harness {
            harness.http_with(url, move |request| answer(request));
        }
    }

    /// Does something with the harness of the test, which is made if there is none. The spec's answers may
    /// use words meanwhile.
    fn with_harness<R>(&self, work: impl FnOnce(&mut Harness) -> R) -> mlua::Result<R> {
        let coverage = self.covered.as_ref().map(|covered| &covered.coverage);
        let (harness, plan) = {
            let mut state = self.state.lock();
            (state.harness.take(), state.plan.clone())
        };
        let made = harness.map_or_else(|| plan.harness(coverage), Ok);
        let mut harness = made.map_err(problem)?;
        let result = work(&mut harness);
        let mut state = self.state.lock();
        state.plan.time = harness.now();
        state.harness = Some(harness);
        state.problem.take().map_or(Ok(result), Err)
    }

    /// Runs Lua where functions run, before the first request: to fill dictionaries and caches.
    fn prepare(&self, source: &str) -> mlua::Result<()> {
        let source = format!("{source}\nkong.response.exit(204)");
        let ran = self.with_harness(|harness| harness.run(&source))?.map_err(problem)?;
        let failure = ran.logs.iter().find(|log| log.level == "err");
        match failure {
            Some(log) if ran.response.status() != 204 => {
                Err(problem(format!("prepare: {}", log.message)))
            }
            _ => Ok(()),
        }
    }

    fn request(&self, lua: &Lua, given: &Table) -> mlua::Result<(Table, Value, Table)> {
        let request = convert::request(given)?;
        let exchange = self.with_harness(|harness| harness.request(request))?;
        let forwarded = match &exchange.forwarded {
            Some(request) => Value::Table(convert::request_table(lua, request)?),
            None => Value::Nil,
        };
        let response = convert::response_table(lua, &exchange.response)?;
        Ok((response, forwarded, convert::logs_table(lua, &exchange.logs)?))
    }
}

fn problem(error: impl std::fmt::Display) -> mlua::Error {
    mlua::Error::runtime(error)
}

fn phase(name: &str) -> mlua::Result<Phase> {
    let found = Phase::ALL.into_iter().find(|phase| phase.name() == name);
    found.ok_or_else(|| problem(format!("functions: no phase is called '{name}'")))
}
