//! [`Functions`]: the Lua functions of a layer, by phase.

mod certificate;
mod check;
mod config;
mod directory;
mod handle;
mod record;
mod retry;
mod run;
mod shared;
mod source;
mod spans;
mod subrequest;
#[cfg(feature = "watch")]
mod watch;

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Weak};

use mlua::{Lua, LuaOptions, StdLib};
use parking_lot::Mutex;

pub use self::config::FunctionsConfig;
pub use self::directory::FunctionsDirectory;
pub use self::handle::Handle;
use self::record::Record;
pub(crate) use self::retry::next_target;
pub(crate) use self::run::{Progress, Run};
pub(crate) use self::shared::shared_value;
use self::source::Source;
pub(crate) use self::subrequest::begin_subrequest;
#[cfg(feature = "watch")]
pub use self::watch::Watch;
use crate::error::{CompileError, Error, FunctionsId};
use crate::phase::{Phase, PhaseSet};
use crate::vm::Gone;

/// An immutable set of Lua functions: for each phase, those that run one after the other.
///
/// Building a set compiles every function and runs none. Each function has global variables of its
/// own, which persist from request to request and which no other function sees. A function that
/// returns a function is replaced by it: Kong's way to run something once.
///
/// A set is cheap to clone. It is compiled again in each VM that first needs it, and forgotten
/// there when its last clone is gone.
///
/// ```
/// use tower_lua::{Functions, Phase};
///
/// let functions = Functions::builder("greeting")
///     .function(Phase::Access, r#"kong.ctx.shared.name = kong.request.get_query_arg("name")"#)
///     .function(Phase::HeaderFilter, r#"kong.response.set_header("x-name", kong.ctx.shared.name)"#)
///     .build()?;
/// assert_eq!(functions.name(), "greeting");
/// # Ok::<(), tower_lua::Error>(())
/// ```
#[derive(Clone)]
pub struct Functions {
    /// `None` for the set that has nothing in it: most layers have it for most requests, and all threads would
    /// count it up and down in one place.
    set: Option<Arc<Set>>,
}

struct Set {
    /// By which VMs know what they have compiled of this set.
    number: u64,
    id: FunctionsId,
    name: Arc<str>,
    /// In the order of their phases.
    sources: Box<[Source]>,
    /// Where those of each phase end.
    ends: [u32; Phase::COUNT],
    /// The phases that have functions.
    present: PhaseSet,
    /// One for each function.
    records: Box<[Record]>,
    fail_open: bool,
    /// Whether one of them has ever waited for the body of a request.
    waits_for_body: AtomicBool,
    /// The VMs that have compiled it, which are told when it is gone.
    known_to: Mutex<Vec<Weak<Gone>>>,
}

impl Set {
    fn new(
        name: Arc<str>,
        id: FunctionsId,
        phases: [Vec<Source>; Phase::COUNT],
        fail_open: bool,
    ) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let present = Phase::ALL.into_iter().filter(|phase| !phases[phase.index()].is_empty());
        let present = present.collect();
        let ends = ends_of(&phases);
        let sources: Box<[Source]> = phases.into_iter().flatten().collect();
        Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            id,
            name,
            records: sources.iter().map(|_| Record::default()).collect(),
            sources,
            ends,
            present,
            fail_open,
            waits_for_body: AtomicBool::new(false),
            known_to: Mutex::default(),
        }
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        let vms = self.known_to.get_mut().iter().filter_map(Weak::upgrade);
        vms.for_each(|gone| gone.note(self.number));
    }
}

impl Functions {
    /// Starts to build a set of the name `name`, which logs and errors show.
    pub fn builder(name: impl AsRef<str>) -> FunctionsBuilder {
        FunctionsBuilder {
            name: name.as_ref().into(),
            phases: Default::default(),
            fail_open: false,
        }
    }

    /// A set of one function, for the `access` phase.
    ///
    /// # Errors
    ///
    /// When the function does not compile.
    pub fn access(name: impl AsRef<str>, source: impl AsRef<str>) -> Result<Self, Error> {
        Self::builder(name).function(Phase::Access, source).build()
    }

    /// A set without functions, which does nothing: a start for a [`Handle`], or a resolver's answer
    /// for requests that no function is for.
    #[must_use]
    pub const fn empty() -> Self {
        Self { set: None }
    }

    fn set(&self) -> &Set {
        static EMPTY: LazyLock<Set> = LazyLock::new(|| {
            Set::new("empty".into(), FunctionsId::next(), Default::default(), false)
        });
        self.set.as_deref().unwrap_or_else(|| &EMPTY)
    }

    fn of(set: Set) -> Self {
        Self { set: Some(Arc::new(set)) }
    }

    /// The functions of some of the phases, as a set of their own: they share no variables with
    /// those of this set. They have been checked already.
    ///
    /// ```
    /// use tower_lua::{Functions, Phase};
    ///
    /// let functions = Functions::builder("shop")
    ///     .function(Phase::Access, "kong.ctx.shared.start = ngx.now()")
    ///     .function(Phase::Log, "kong.log(ngx.now() - kong.ctx.shared.start)")
    ///     .build()?;
    /// assert_eq!(functions.only([Phase::Log]).len(Phase::Access), 0);
    /// assert_eq!(functions.only([Phase::Log]).len(Phase::Log), 1);
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    #[must_use]
    pub fn only(&self, phases: impl IntoIterator<Item = Phase>) -> Self {
        let mut kept: [Vec<Source>; Phase::COUNT] = Default::default();
        for phase in phases {
            kept[phase.index()] = self.sources(phase).into();
        }
        if kept.iter().map(Vec::len).sum::<usize>() == self.set().sources.len() {
            return self.clone();
        }
        let Set { name, id, fail_open, .. } = self.set();
        Self::of(Set::new(Arc::clone(name), *id, kept, *fail_open))
    }

    /// The name of the set.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.set().name
    }

    /// Which set this is, whatever others have the same name.
    ///
    /// ```
    /// use tower_lua::{Functions, Phase};
    ///
    /// let one = Functions::access("shop", "kong.response.exit(200)")?;
    /// let other = Functions::access("shop", "kong.response.exit(200)")?;
    /// assert_eq!(one.id(), one.only([Phase::Access]).id());
    /// assert_ne!(one.id(), other.id());
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    #[must_use]
    pub fn id(&self) -> FunctionsId {
        self.set().id
    }

    /// Whether there is no function in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.as_ref().is_none_or(|set| set.present == PhaseSet::NONE)
    }

    /// The number of functions for `phase`.
    #[must_use]
    pub fn len(&self, phase: Phase) -> usize {
        self.sources(phase).len()
    }

    fn sources(&self, phase: Phase) -> &[Source] {
        &self.set().sources[self.places(phase)]
    }

    /// Where the functions of `phase` are among all of the set.
    fn places(&self, phase: Phase) -> Range<usize> {
        let end = |index: usize| self.set().ends[index] as usize;
        phase.index().checked_sub(1).map_or(0, end)..end(phase.index())
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.set().name
    }

    /// The phases that there are functions for.
    pub(crate) fn phases(&self) -> PhaseSet {
        self.set().present
    }

    /// Whether any function runs in one of `phases`.
    pub(crate) fn any_in(&self, phases: &[Phase]) -> bool {
        phases.iter().any(|phase| self.set().present.contains(*phase))
    }

    /// Whether one of the functions has ever waited for the body of a request: others will.
    pub(crate) fn wait_for_bodies(&self) -> bool {
        self.set().waits_for_body.load(Ordering::Relaxed)
    }

    /// Whether a function of one of `phases` has held up others in one of its last calls.
    pub(crate) fn any_watched_in(&self, phases: &[Phase]) -> bool {
        Record::any_ever()
            && phases
                .iter()
                .any(|phase| Record::any_watched(&self.set().records[self.places(*phase)]))
    }

    /// Whether it is what would be built.
    #[cfg(feature = "watch")]
    fn is_made_of(&self, builder: &FunctionsBuilder) -> bool {
        self.set().fail_open == builder.fail_open
            && self.set().ends == ends_of(&builder.phases)
            && self.set().sources.iter().eq(builder.phases.iter().flatten())
    }

    /// Whether a request goes on as if a function that fails had not been there.
    pub(crate) fn fails_open(&self) -> bool {
        self.set().fail_open
    }
}

/// Where the functions of each phase end, one phase behind the other.
fn ends_of(phases: &[Vec<Source>; Phase::COUNT]) -> [u32; Phase::COUNT] {
    let mut end = 0;
    phases.each_ref().map(|sources| {
        end += sources.len();
        u32::try_from(end).expect("as many have no room in memory")
    })
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = f.debug_struct("Functions");
        set.field("name", &self.name());
        for phase in Phase::ALL {
            if self.len(phase) > 0 {
                set.field(phase.name(), &self.len(phase));
            }
        }
        set.finish()
    }
}

/// Builds [`Functions`].
#[derive(Clone, Debug)]
#[must_use]
pub struct FunctionsBuilder {
    name: Arc<str>,
    phases: [Vec<Source>; Phase::COUNT],
    fail_open: bool,
}

impl FunctionsBuilder {
    /// Adds a function for `phase`, after those it has.
    pub fn function(mut self, phase: Phase, source: impl AsRef<str>) -> Self {
        self.phases[phase.index()].push(Source::inline(source.as_ref()));
        self
    }

    /// Adds a function for `phase` that messages call `name`: the file, where the application has read one.
    ///
    /// ```
    /// use tower_lua::{Functions, Phase};
    ///
    /// let broken = Functions::builder("shop").named_function(Phase::Access, "shop/auth.lua", "if");
    /// assert!(broken.build().unwrap_err().to_string().contains("shop/auth.lua:1: unexpected symbol"));
    /// ```
    pub fn named_function(
        mut self,
        phase: Phase,
        name: impl AsRef<str>,
        source: impl AsRef<str>,
    ) -> Self {
        self.phases[phase.index()].push(Source::named(name.as_ref(), source.as_ref()));
        self
    }

    /// Adds the function in the file `path` for `phase`, after those it has. Messages name the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read as UTF-8.
    pub fn file(mut self, phase: Phase, path: impl AsRef<Path>) -> Result<Self, Error> {
        self.phases[phase.index()].push(Source::file(path.as_ref())?);
        Ok(self)
    }

    /// Lets a request go on when a function fails. What the function had set before it failed stays.
    /// Without it, the client gets a 500.
    pub const fn fail_open(mut self, fail_open: bool) -> Self {
        self.fail_open = fail_open;
        self
    }

    /// Compiles the functions.
    ///
    /// # Errors
    ///
    /// When functions do not compile, all of them; when there is none at all, or one for
    /// [`Phase::Timer`].
    pub fn build(self) -> Result<Functions, Error> {
        if !self.phases[Phase::Timer.index()].is_empty() {
            return Err(Error::config(format!(
                "{}: no function is for the phase 'timer': others start timers, with ngx.timer.at",
                self.name
            )));
        }
        if self.phases.iter().all(Vec::is_empty) {
            let phases = Phase::ALL.map(|phase| format!("'{phase}'")).join(", ");
            return Err(Error::config(format!(
                "{}: at least one of these fields must be non-empty: {phases}",
                self.name
            )));
        }
        let errors = self.compile_errors();
        if errors.is_empty() {
            let id = FunctionsId::next();
            Ok(Functions::of(Set::new(self.name, id, self.phases, self.fail_open)))
        } else {
            Err(Error::compile(errors))
        }
    }

    fn compile_errors(&self) -> Vec<CompileError> {
        let mut errors = Vec::new();
        for phase in Phase::ALL {
            for (position, source) in self.phases[phase.index()].iter().enumerate() {
                if let Err(error) = with_compiler(|lua| source.compile(lua, None)) {
                    let message = match error {
                        mlua::Error::SyntaxError { message, .. } => message,
                        other => other.to_string(),
                    };
                    let set = self.name.to_string();
                    errors.push(CompileError { set, phase, index: position + 1, message });
                }
            }
        }
        errors
    }
}

/// How much memory the state may keep in which functions are compiled to be checked, in bytes.
const MAX_COMPILER: usize = 1 << 20;

/// Lends the thread's state for compiling to `compile`, and drops what it has made: to make a state
/// takes many times as long as to compile a function.
fn with_compiler<R>(compile: impl FnOnce(&Lua) -> mlua::Result<R>) -> mlua::Result<()> {
    thread_local! {
        static COMPILER: RefCell<Option<Lua>> = const { RefCell::new(None) };
    }
    COMPILER.with_borrow_mut(|compiler| {
        // A state without libraries: nothing is run in it.
        let lua = compiler.get_or_insert_with(|| {
            Lua::new_with(StdLib::NONE, LuaOptions::new()).expect("no library, none that is unsafe")
        });
        let compiled = compile(lua).map(drop);
        if lua.used_memory() > MAX_COMPILER {
            *compiler = None;
        }
        compiled
    })
}
