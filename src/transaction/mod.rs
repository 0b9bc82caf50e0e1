//! A request on its way through the phases: all that its functions see and say.
//!
//! A [`Transaction`] belongs to one request. While a function runs, the transaction lies in its
//! VM's [`Current`] slot, where the bindings find it; between runs it is with the layer's future or
//! body.

mod current;
mod flights;
mod gathered;
mod names;
mod operation;
mod outgoing;
mod request;
mod response;
#[cfg(feature = "testing")]
mod seen;
pub(crate) mod spans;
mod subrequest;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Version, header};
use rustc_hash::FxHashMap;

pub(crate) use self::current::Current;
pub(crate) use self::flights::Flights;
pub(crate) use self::gathered::Gathered;
#[cfg(feature = "net")]
pub(crate) use self::operation::Broken;
pub(crate) use self::operation::{Answer, BodyIsGone, Operation, ReadBody};
pub(crate) use self::outgoing::Aside;
use self::outgoing::Outgoing;
pub(crate) use self::request::{Identity, Request, RequestBody};
pub(crate) use self::response::{Framing, Response, Source};
use self::spans::Spans;
pub(crate) use self::spans::Traced;
pub(crate) use self::subrequest::Subrequest;
use crate::error::log::{Lines, Origin};
use crate::error::{Failure, Site};
use crate::extension::{HostCall, Trace, Tries};
use crate::lua::Share;
use crate::message::error_page::ErrorPage;
use crate::phase::Plugin;
use crate::store::cache::Loading;

pub(crate) struct Transaction {
    pub(crate) request: Request,
    pub(crate) response: Response,
    /// Where in the order of things the running function stands.
    pub(crate) site: Site,
    /// Set when a function has ended its phase or the request.
    pub(crate) exit: Option<Exit>,
    /// What a suspended function waits for.
    pub(crate) operation: Option<Operation>,
    /// The request's body, as long as whoever runs the function leaves it at hand.
    pub(crate) incoming: Option<Box<dyn ReadBody + Send>>,
    /// What the light threads of the function that runs wait for.
    pub(crate) flights: Option<Box<Flights>>,
    /// What the future that the function waited for has come to. The call that waited takes it.
    pub(crate) answer: Option<Answer>,
    /// What the error handler noted when a function failed.
    pub(crate) failure: Option<Box<Failure>>,
    /// The chunk that `body_filter` looks at: `ngx.arg`.
    pub(crate) chunk: Chunk,
    pub(crate) tables: Tables,
    /// The values that the running function is loading for `kong.cache`.
    pub(crate) loads: Vec<Loading>,
    /// The sockets that the functions have made, which end with the request.
    #[cfg(feature = "net")]
    pub(crate) sockets: Option<std::sync::Arc<crate::net::Sockets>>,
    /// When the inner service was called, and when it had the head of its response.
    pub(crate) called_at: Option<SystemTime>,
    pub(crate) answered_at: Option<SystemTime>,
    /// What its functions have logged.
    pub(crate) lines: Lines,
    /// What is held for this request outside Lua.
    pub(crate) share: Share,
    /// CPU time that the functions of this request have used so far.
    pub(crate) cpu_time: Duration,
    /// Whether a function has used up its time or memory, and others have not had a turn since.
    pub(crate) owes_turn: bool,
    /// Which VM of the pool the request is bound to, once a function has run.
    pub(crate) vm: Option<Bound>,
    /// Whether a timer runs, and the function set that started it is there no more.
    pub(crate) is_orphaned: bool,
    started: SystemTime,
}

// What glibc keeps at hand for the next is at most as large.
const _: () = assert!(size_of::<Transaction>() <= 1032, "a transaction has become too large");

/// A VM of the pool: its place, and which of the VMs that have been there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) number: usize,
    pub(crate) generation: u32,
}

/// What few requests need.
#[derive(Default)]
pub(crate) struct Rare {
    /// What `ngx.req.set_body_file` has made the request body, and the file that it is from.
    pub(crate) body_file: Option<(Bytes, String)>,
    /// The request body that `ngx.req.append_body` adds to.
    pub(crate) written_body: Option<Gathered>,
    /// The request body, if a function receives it as it arrives.
    #[cfg(feature = "net")]
    pub(crate) body_socket: Option<Arc<crate::net::BodySocket>>,
    /// What the callback of `kong.service.set_target_retry_callback` has answered.
    pub(crate) retry: Option<Retry>,
    /// Where the request was sent, as the forwarder says.
    pub(crate) tries: Option<Tries>,
    /// The spans of `kong.tracing`, as `tracing` has them.
    pub(crate) spans: Option<Spans>,
    /// The trace that the request belongs to, if it is to have spans.
    pub(crate) traced: Option<Traced>,
    /// What it is of another request's function, if it is a subrequest.
    pub(crate) subrequest: Option<Arc<Subrequest>>,
    /// The client's connection, for a function that waits for it.
    #[cfg(feature = "net")]
    pub(crate) upgrade: Option<Upgrade>,
    /// Whether a function has asked for it.
    #[cfg(feature = "net")]
    pub(crate) is_upgraded: bool,
    /// What of the response goes out while a function goes on.
    pub(crate) outgoing: Outgoing,
    /// How many subrequests its functions and theirs have made.
    pub(crate) subrequests: Option<Arc<AtomicU32>>,
    /// Those under way whose variables are this request's, too.
    pub(crate) sharing: Vec<Arc<Subrequest>>,
    /// Variables that functions have set and nothing but functions looks at.
    pub(crate) variables: FxHashMap<&'static str, Bytes>,
}

/// The client's connection that is to come, and whoever it is for.
#[cfg(feature = "net")]
pub(crate) struct Upgrade {
    pub(crate) client: Client,
    pub(crate) deliver: tokio::sync::oneshot::Sender<crate::net::ClientStream>,
}

/// Who gives the client's connection away.
#[cfg(feature = "net")]
#[derive(Clone)]
pub(crate) enum Client {
    Hyper(hyper::upgrade::OnUpgrade),
    Server(Arc<dyn crate::net::ClientConnection>, crate::net::Handover),
}

/// Whether, and where, a request is to be tried again that could not be forwarded.
pub(crate) enum Retry {
    /// Where functions have sent it last.
    AsBefore,
    Target(String, u16),
    /// Nowhere, and why.
    Refused(String),
}

/// When things happened, since the request began.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    /// The inner service was called.
    pub(crate) called: Option<Duration>,
    /// It had the head of its response.
    pub(crate) answered: Option<Duration>,
}

/// How a function ended more than itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The phase is over, the request goes on: `ngx.exit(ngx.OK)`.
    Phase,
    /// The request ends with the response that stands in the transaction.
    Request,
    /// No more functions of the request phases run, and the request goes on: `ngx.exec`.
    Forward,
}

/// A chunk of the response body on its way through `body_filter`.
#[derive(Default)]
pub(crate) struct Chunk {
    pub(crate) data: Bytes,
    pub(crate) eof: bool,
    /// What `kong.response.get_raw_body` has gathered of the chunks before.
    pub(crate) gathered: Option<Box<Gathered>>,
    pub(crate) gathering: bool,
}

/// The Lua tables that live as long as the request. Most requests have none.
#[derive(Default)]
pub(crate) struct Tables {
    held: Option<Box<HeldTables>>,
}

#[derive(Default)]
pub(crate) struct HeldTables {
    /// What needs no place of its own in a transaction, being as rare.
    pub(crate) rare: Rare,
    /// Keeps the VM that the tables lie in.
    pub(crate) alive: Option<Arc<()>>,
    /// `ngx.ctx`
    pub(crate) ctx: Option<Kept>,
    /// `kong.ctx.shared`
    pub(crate) shared: Option<Kept>,
    /// `kong.ctx.plugin`, one for each plugin
    pub(crate) plugin: [Option<Kept>; Plugin::COUNT],
    /// What `kong.log.set_serialize_value` was given
    pub(crate) serialize: Option<Kept>,
    /// What `kong.service.set_target_retry_callback` was given
    pub(crate) retry_callback: Option<Kept>,
    /// The spans of `kong.tracing`, as Lua has them
    pub(crate) spans: Option<Kept>,
    /// Who the client is, if `kong.client.authenticate` has said so
    pub(crate) authenticated: Option<Identity>,
}

/// A Lua value that a request keeps. It lies in Lua's registry, where there is room for those of any
/// number of requests; dropping it leaves it to be let go of when the VM is next used.
pub(crate) struct Kept(mlua::RegistryKey);

impl Kept {
    pub(crate) fn new(lua: &mlua::Lua, value: impl mlua::IntoLua) -> mlua::Result<Self> {
        lua.create_registry_value(value).map(Self)
    }

    pub(crate) fn get<T: mlua::FromLua>(&self, lua: &mlua::Lua) -> mlua::Result<T> {
        lua.registry_value(&self.0)
    }
}

impl Tables {
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_none()
    }

    pub(crate) fn get(&self) -> Option<&HeldTables> {
        self.held.as_deref()
    }

    pub(crate) fn get_mut(&mut self) -> Option<&mut HeldTables> {
        self.held.as_deref_mut()
    }

    /// Whether there is anything in the VM that the request is bound to which it may want again.
    pub(crate) fn hold_lua_values(&self) -> bool {
        self.held.as_deref().is_some_and(|held| {
            let HeldTables { ctx, shared, plugin, serialize, retry_callback, spans, .. } = held;
            let kept = [ctx, shared, serialize, retry_callback, spans];
            kept.into_iter().chain(plugin).any(Option::is_some)
        })
    }

    /// Lets go of the Lua tables.
    pub(crate) fn forget_lua_tables(&mut self) {
        if let Some(held) = self.held.as_deref_mut() {
            let rare = std::mem::take(&mut held.rare);
            *held = HeldTables { rare, ..HeldTables::default() };
        }
    }

    pub(crate) fn get_or_default(&mut self) -> &mut HeldTables {
        self.held.get_or_insert_default()
    }
}

impl Transaction {
    pub(crate) fn new(head: http::request::Parts, site: Site) -> Box<Self> {
        let trace = Trace::of(&head.extensions);
        let mut transaction = Box::write(
            Box::new_uninit(),
            Self {
                request: Request::new(head),
                response: Response::default(),
                site,
                exit: None,
                operation: None,
                incoming: None,
                flights: None,
                answer: None,
                failure: None,
                chunk: Chunk::default(),
                tables: Tables::default(),
                loads: Vec::new(),
                #[cfg(feature = "net")]
                sockets: None,
                called_at: None,
                answered_at: None,
                lines: Lines::default(),
                share: Share::default(),
                cpu_time: Duration::ZERO,
                vm: None,
                owes_turn: false,
                is_orphaned: false,
                started: crate::clock::now(),
            },
        );
        if let Some(trace) = trace {
            let function = trace.span_id();
            transaction.rare_mut().traced = Some(Traced { trace, function });
        }
        transaction
    }

    /// Whether nothing that a later phase could see would be lost with this transaction.
    pub(crate) fn is_disposable(&self) -> bool {
        self.tables.is_empty()
            && self.lines.is_empty()
            && self.request.is_as_it_came()
            && self.response.is_untouched()
    }

    /// Reads the request's body up to `limit`, if that is at hand and has not been read so far: one that
    /// is there is not waited for. Where it is not read after this, it has to be.
    pub(crate) fn read_at_once(&mut self, limit: u64) {
        let is_wanted = match self.request.body {
            RequestBody::Unread => true,
            RequestBody::TooLong { limit: read } => read < limit,
            _ => false,
        };
        let Some(incoming) = self.incoming.as_mut().filter(|_| is_wanted) else { return };
        // Whoever waits for what is not there is woken when it polls again.
        let mut cx = Context::from_waker(Waker::noop());
        if let Poll::Ready(read) = incoming.poll_read(&mut cx, limit) {
            self.request.take_read(read);
        }
    }

    pub(crate) fn rare(&self) -> Option<&Rare> {
        self.tables.get().map(|held| &held.rare)
    }

    /// Where the request was sent, if whoever forwards it tells of that.
    pub(crate) fn tries(&self) -> Option<Tries> {
        let told = self.rare().and_then(|rare| rare.tries.clone());
        told.or_else(|| self.request.tries())
    }

    /// The trace that the request belongs to, if it is to have spans.
    pub(crate) fn traced(&self) -> Option<&Traced> {
        self.rare()?.traced.as_ref()
    }

    pub(crate) fn rare_mut(&mut self) -> &mut Rare {
        &mut self.tables.get_or_default().rare
    }

    /// Whether a function is to be asked where to try again.
    pub(crate) fn has_retry_callback(&self) -> bool {
        self.tables.get().is_some_and(|held| held.retry_callback.is_some())
    }

    /// The file that the request body is from, unless another has taken its place.
    pub(crate) fn body_file(&self) -> Option<&str> {
        let (from_file, name) = self.rare()?.body_file.as_ref()?;
        match &self.request.body {
            RequestBody::Read(body) | RequestBody::Replaced(body)
                if body.as_ptr() == from_file.as_ptr() =>
            {
                Some(name)
            }
            _ => None,
        }
    }

    /// The `Connection` of the response as nginx has it before it is sent: HTTP/1, where functions have
    /// set none.
    pub(crate) fn implied_connection(&self) -> Option<HeaderValue> {
        let request = &self.request;
        let is_said = self.response.headers().contains_key(header::CONNECTION);
        if is_said || request.version() >= Version::HTTP_2 {
            return None;
        }
        let connection = if request.keeps_alive() { "keep-alive" } else { "close" };
        Some(HeaderValue::from_static(connection))
    }

    /// Whether a function of another request has made this one.
    pub(crate) fn is_subrequest(&self) -> bool {
        self.rare().is_some_and(|rare| rare.subrequest.is_some())
    }

    /// The page of an exit with nothing but a status, if there is one for it. Who makes a subrequest gets none.
    pub(crate) fn page_for_exit(&mut self, status: u16) -> Option<ErrorPage> {
        (!self.is_subrequest()).then(|| self.request.page_for_exit(status)).flatten()
    }

    /// Whether a function waits for the client's connection.
    #[cfg_attr(not(feature = "net"), expect(clippy::unused_self, reason = "as with `net`"))]
    pub(crate) fn is_upgrading(&self) -> bool {
        #[cfg(feature = "net")]
        return self.rare().is_some_and(|rare| rare.upgrade.is_some());
        #[cfg(not(feature = "net"))]
        false
    }

    /// Whether a function has asked for the client's connection.
    #[cfg_attr(not(feature = "net"), expect(clippy::unused_self, reason = "as with `net`"))]
    pub(crate) fn is_upgraded(&self) -> bool {
        #[cfg(feature = "net")]
        return self.rare().is_some_and(|rare| rare.is_upgraded);
        #[cfg(not(feature = "net"))]
        false
    }

    /// Whose lines of the log these are that a function writes now.
    pub(crate) fn origin(&self) -> Origin<'_> {
        Origin { request_id: self.request.id().as_str(), site: &self.site }
    }

    /// What a function of the application's sees of the request.
    pub(crate) fn host_call(&self) -> HostCall<'_> {
        self.request.host_call(&self.site)
    }

    /// When the request began, since 1970.
    pub(crate) fn started_at(&self) -> Duration {
        self.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }

    /// What happened, since the request began.
    pub(crate) fn times(&self) -> Times {
        let since = |at: SystemTime| at.duration_since(self.started).unwrap_or_default();
        Times { called: self.called_at.map(since), answered: self.answered_at.map(since) }
    }

    /// How long ago the request began.
    pub(crate) fn age(&self) -> Duration {
        self.started.elapsed().unwrap_or_default()
    }
}
