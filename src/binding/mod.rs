//! Tables of Lua functions made in Rust, and how they become functions of a VM.
//!
//! Each file of `kong` and `ngx` opens with a [`Namespace`]: the names, the phases and the Rust
//! functions. The table is the one source of registration, phase checks and the compatibility page.

pub(crate) mod convert;
mod host;

use std::future::Future;
use std::sync::Arc;

use mlua::{FromLuaMulti, Function, IntoLuaMulti, LightUserData, Lua, LuaString, Table, Value};

use crate::error::log::Level;
use crate::lua::raw;
use crate::lua::shortcut::{Answer, Arguments, Scratch};
use crate::lua::{Buffer, Look, Meter, OutOfMemory, raise, raise_at, string};
use crate::message::headers::Refused;
use crate::phase::{Phase, PhaseSet};
use crate::settings::Settings;
use crate::transaction::{Current, Operation, Transaction};

/// A Lua table of functions, `kong.request` for one.
pub(crate) struct Namespace {
    pub(crate) path: &'static str,
    pub(crate) bindings: &'static [Binding],
}

/// A row of a namespace.
pub(crate) struct Binding {
    pub(crate) name: &'static str,
    pub(crate) phases: PhaseSet,
    pub(crate) bind: fn(&Scope<'_>, PhaseSet) -> mlua::Result<Function>,
}

/// The rows of a namespace: name, phases, and how the function behaves.
///
/// `calls` is a plain function; `awaits` may suspend its caller until a future has ended; `waits` may
/// do so for what only the request itself can be asked for; `exits` may end the phase.
///
/// A function that waits for a future decides at once, while the VM is its own, whether it has to:
///
/// ```ignore
/// fn receive(call: &mut Call<'_>, (socket, size): (Socket, usize)) -> mlua::Result<Await<Received>> {
///     if let Some(bytes) = socket.buffered(size) {
///         return Ok(Await::Ready(Received::Whole(bytes)));
///     }
///     let stream = Arc::clone(&socket.stream);
///     Ok(Await::future(async move { Ok(stream.lock().await.read(size).await) }))
/// }
/// ```
///
/// Both ways come to a value of one type, which says as [`IntoLuaMulti`] what the Lua call returns;
/// an error is raised where the call stands. The future owns what it works with. It is polled by
/// whoever polls the request, outside of the VM, and dropped with the request, at any time: what is
/// not to be lost then must not lie in it. It has to have a timeout of its own.
///
/// What functions call most has a shortcut besides, behind the function: it answers the common case
/// at a fraction of the cost, and leaves every other, errors among them, to the function.
macro_rules! bindings {
    (@optional) => { None };
    (@optional $shortcut:expr) => { Some($shortcut) };
    ($($name:literal, $phases:expr, $kind:ident $function:expr $(, shortcut $shortcut:expr)?;)*) => {
        &[$($crate::binding::Binding {
            name: $name,
            phases: $phases,
            bind: |scope, phases| {
                scope.$kind(phases, $function, $crate::binding::bindings!(@optional $($shortcut)?))
            },
        }),*]
    };
}
pub(crate) use bindings;

/// What a binding gets to work with.
pub(crate) struct Call<'a> {
    pub(crate) lua: &'a Lua,
    pub(crate) tx: &'a mut Transaction,
    pub(crate) settings: &'a Settings,
}

/// What a function that waits answers.
pub(crate) enum Wait<R> {
    Ready(R),
    /// The operation stands in the transaction; the function is called again with the same
    /// arguments when it has come to an end, as a future is polled again.
    Pending,
}

/// What a function that waits for a future answers.
pub(crate) enum Await<R> {
    Ready(R),
    Future(Operation),
}

impl<R: IntoLuaMulti + Send + 'static> Await<R> {
    /// Suspends the function until `future` has ended: what it comes to is what the call returns, or
    /// raises.
    pub(crate) fn future(future: impl Future<Output = mlua::Result<R>> + Send + 'static) -> Self {
        Self::Future(Operation::future(future))
    }
}

/// Answers the common case of a binding. Nothing but the scratch is changed where there is no answer.
pub(crate) type Shortcut = fn(Asked<'_>, &Arguments<'_>) -> Option<Answer>;

/// What a shortcut gets to work with.
pub(crate) struct Asked<'a> {
    pub(crate) tx: &'a mut Transaction,
    pub(crate) settings: &'a Settings,
    pub(crate) scratch: &'a mut Scratch,
}

/// What a VM offers to the tables that are registered in it.
pub(crate) struct Scope<'a> {
    pub(crate) lua: &'a Lua,
    pub(crate) current: &'a Arc<Current>,
    pub(crate) meter: &'a Arc<Meter>,
    pub(crate) settings: &'a Arc<Settings>,
    /// The prelude's wrapper for functions that wait.
    pub(crate) waiting: &'a Function,
    /// The prelude's wrapper for functions that wait for a future.
    pub(crate) awaiting: &'a Function,
    /// The prelude's wrapper for functions that end more than themselves.
    pub(crate) exiting: &'a Function,
    /// The prelude's functions of `ngx.thread`.
    pub(crate) threads: &'a Table,
    /// The words of a phase error.
    pub(crate) dialect: Dialect,
}

/// Whose words a refused phase is reported in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Kong,
    Ngx,
}

/// What a VM has beside Lua's own: whoever composes a runtime says what it is.
#[derive(Clone, Copy)]
pub(crate) struct Api {
    /// What makes the global tables, each in whose words it refuses a phase.
    pub(crate) tables: &'static [(Dialect, Register)],
    /// The modules that `require` offers, once the tables are there.
    pub(crate) modules: fn(&Lua, &Settings) -> mlua::Result<Modules>,
}

/// Makes the global tables of an API.
type Register = fn(&Scope<'_>) -> mlua::Result<()>;

/// Modules by their names: what makes one for the function that asks, or `true` where Lua's own
/// `require` knows it.
pub(crate) type Modules = Vec<(&'static str, Value)>;

impl Scope<'_> {
    /// The table at the root of `namespaces`, with theirs in it.
    pub(crate) fn root(&self, namespaces: &[&Namespace]) -> mlua::Result<Table> {
        let root = self.lua.create_table()?;
        for namespace in namespaces {
            let mut table = root.clone();
            for name in namespace.path.split('.').skip(1) {
                table = self.subtable(&table, name)?;
            }
            self.extend(&table, namespace)?;
        }
        Ok(root)
    }

    fn subtable(&self, table: &Table, name: &str) -> mlua::Result<Table> {
        if let Some(subtable) = table.raw_get(name)? {
            return Ok(subtable);
        }
        let subtable = self.lua.create_table()?;
        table.raw_set(name, &subtable)?;
        Ok(subtable)
    }

    /// Adds the functions of a namespace to `table`.
    pub(crate) fn extend(&self, table: &Table, namespace: &Namespace) -> mlua::Result<()> {
        namespace.bindings.iter().try_for_each(|binding| {
            table.raw_set(binding.name, (binding.bind)(self, binding.phases)?)
        })
    }

    pub(crate) fn calls<A, R>(
        &self,
        phases: PhaseSet,
        function: fn(&mut Call<'_>, A) -> mlua::Result<R>,
        shortcut: Option<Shortcut>,
    ) -> mlua::Result<Function>
    where
        A: FromLuaMulti + 'static,
        R: IntoLuaMulti + 'static,
    {
        let call = self.guard(phases, function);
        self.behind(phases, shortcut, self.lua.create_function(call)?)
    }

    /// `function`, called with the transaction of the request that is being served, in `phases`
    /// alone.
    fn guard<A, R>(
        &self,
        phases: PhaseSet,
        function: fn(&mut Call<'_>, A) -> mlua::Result<R>,
    ) -> impl Fn(&Lua, A) -> mlua::Result<R> + Send + 'static
    where
        A: 'static,
        R: 'static,
    {
        let (current, settings) = (Arc::clone(self.current), Arc::clone(self.settings));
        let meter = Arc::clone(self.meter);
        let dialect = self.dialect;
        move |lua, arguments| {
            let result = current.with(|tx| {
                if !phases.contains(tx.site.phase) {
                    return Err(dialect.refuse(lua, tx.site.phase, phases));
                }
                function(&mut Call { lua, tx, settings: &settings }, arguments)
            });
            // To the hook, a call of a binding is one instruction.
            match meter.tick_on_return() {
                Look::Fine => result,
                look => meter.heed(lua, look).and(result),
            }
        }
    }

    /// `function` behind its shortcut, if it has one.
    fn behind(
        &self,
        phases: PhaseSet,
        shortcut: Option<Shortcut>,
        function: Function,
    ) -> mlua::Result<Function> {
        let Some(shortcut) = shortcut else { return Ok(function) };
        let (current, meter) = (Arc::clone(self.current), Arc::clone(self.meter));
        let settings = Arc::clone(self.settings);
        let ask = move |arguments: &Arguments<'_>, scratch: &mut Scratch| {
            // The function looks again, and has an error for it.
            if meter.tick_on_return() != Look::Fine {
                return None;
            }
            let answer = current.ask(|tx| {
                let is_allowed = phases.contains(tx.site.phase);
                let asked = Asked { tx, settings: &settings, scratch };
                is_allowed.then(|| shortcut(asked, arguments)).flatten()
            });
            // What is to be made takes a while; others end before it is worth a look.
            let is_quick = |answer: &Answer| !matches!(answer, Answer::Made(_));
            answer.flatten().filter(|answer| is_quick(answer) || meter.tick() == Look::Fine)
        };
        raw::with_shortcut(self.lua, function, Box::new(ask))
    }

    pub(crate) fn waits<A, R>(
        &self,
        phases: PhaseSet,
        function: fn(&mut Call<'_>, A) -> mlua::Result<Wait<R>>,
        shortcut: Option<Shortcut>,
    ) -> mlua::Result<Function>
    where
        A: FromLuaMulti + 'static,
        R: IntoLuaMulti + 'static,
    {
        self.waiting.call(self.calls(phases, function, shortcut)?)
    }

    pub(crate) fn awaits<A, R>(
        &self,
        phases: PhaseSet,
        function: fn(&mut Call<'_>, A) -> mlua::Result<Await<R>>,
        shortcut: Option<Shortcut>,
    ) -> mlua::Result<Function>
    where
        A: FromLuaMulti + 'static,
        R: IntoLuaMulti + 'static,
    {
        let call = self.guard(phases, function);
        let current = Arc::clone(self.current);
        let function =
            self.lua.create_function(move |lua, arguments: A| match call(lua, arguments)? {
                Await::Ready(values) => values.into_lua_multi(lua),
                Await::Future(operation) => current.with(|tx| {
                    tx.operation = Some(operation);
                    pending().into_lua_multi(lua)
                }),
            })?;
        self.awaiting.call(self.behind(phases, shortcut, function)?)
    }

    pub(crate) fn exits<A>(
        &self,
        phases: PhaseSet,
        function: fn(&mut Call<'_>, A) -> mlua::Result<bool>,
        shortcut: Option<Shortcut>,
    ) -> mlua::Result<Function>
    where
        A: FromLuaMulti + 'static,
    {
        let call = self.guard(phases, function);
        let frames = FRAMES_OF_LAST_CALL + usize::from(shortcut.is_some());
        let function = self.lua.create_function(move |lua, arguments: A| {
            let is_last = || lua.inspect_stack(frames, |_| ()).is_none();
            Ok(call(lua, arguments)?.then(|| !is_last()))
        })?;
        self.exiting.call(self.behind(phases, shortcut, function)?)
    }
}

/// What the shortcut of a function that `exits` answers when it has ended something.
pub(crate) fn exited(arguments: &Arguments<'_>) -> Answer {
    Answer::Boolean(arguments.has_frame(FRAMES_OF_LAST_CALL))
}

/// How many frames there are when a function's last act is `return kong.response.exit(…)`: the
/// trampoline, `xpcall`, the prelude's wrapper of `exit`, and the binding. Lua has given up the
/// function's own frame for this call.
///
/// Then there is nothing to leave: the function has ended already, and its coroutine can serve the
/// next, which is a third cheaper. A coroutine that the function made may have as few frames; the
/// prelude knows whether it is in one.
const FRAMES_OF_LAST_CALL: usize = 4;

impl<'a> Call<'a> {
    pub(crate) fn string(&self, bytes: impl AsRef<[u8]>) -> mlua::Result<LuaString> {
        string(self.lua, &self.settings.budget, bytes.as_ref())
    }

    /// Whether the function may write a line to the log that somebody wants to read.
    pub(crate) fn logs(&self, level: Level) -> bool {
        self.tx.lines.admit(level, || self.tx.origin())
    }

    /// A buffer for what is put together for the function.
    pub(crate) fn buffer(&self) -> Buffer<'a> {
        Buffer::within(self.lua, self.tx.share.room())
    }

    /// Suspends the function until the request's body is there, whole if it has at most `limit` bytes.
    pub(crate) fn wait_for_body<R>(&mut self, limit: u64) -> mlua::Result<Wait<R>> {
        self.tx.request.is_being_read = true;
        self.tx.operation = Some(Operation::ReadBody { limit });
        Ok(Wait::Pending)
    }
}

impl Dialect {
    #[cold]
    fn refuse(self, lua: &Lua, phase: Phase, phases: PhaseSet) -> mlua::Error {
        match self {
            _ if phase == Phase::Timer => self.refuse_in_timer(lua, phases),
            Self::Kong => {
                raise(format!("function cannot be called in {phase} phase (only in: {phases})"))
            }
            Self::Ngx => raise_at(lua, &format!("API disabled in the context of {phase}_by_lua*")),
        }
    }

    /// Where there is no request, neither asks which phase it is.
    fn refuse_in_timer(self, lua: &Lua, phases: PhaseSet) -> mlua::Error {
        let of_any_request = phases.contains(Phase::Rewrite) && phases.contains(Phase::Log);
        match self {
            Self::Kong if phases == PhaseSet::CLIENT => {
                raise_at(lua, "API disabled in the current context")
            }
            Self::Kong => raise(format!("no phase in ngx.ctx.KONG_PHASE, (need one of {phases})")),
            Self::Ngx if of_any_request => raise_at(lua, "API disabled in the current context"),
            Self::Ngx => raise_at(lua, "API disabled in the context of ngx.timer"),
        }
    }
}

/// The mark by which the prelude knows that a function waits: an address that no Lua code has.
pub(crate) fn pending() -> LightUserData {
    static MARK: u8 = 0;
    LightUserData(std::ptr::from_ref(&MARK).cast_mut().cast())
}

/// Why a header was refused, in Kong's manner.
#[cold]
pub(crate) fn refuse(why: Refused) -> mlua::Error {
    match why {
        Refused::OutOfMemory => OutOfMemory.into(),
        why => raise(why.to_string()),
    }
}

/// The same in lua-nginx-module's manner.
#[cold]
pub(crate) fn refuse_at(lua: &Lua, why: Refused) -> mlua::Error {
    match why {
        Refused::OutOfMemory => OutOfMemory.into(),
        why => raise_at(lua, &why.to_string()),
    }
}

impl<R: IntoLuaMulti> IntoLuaMulti for Wait<R> {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<mlua::MultiValue> {
        match self {
            Self::Ready(value) => value.into_lua_multi(lua),
            Self::Pending => pending().into_lua_multi(lua),
        }
    }
}
