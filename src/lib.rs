//! Tower middleware that runs Lua in the request path.

mod binding;
mod convert;
mod error;
mod error_page;
mod extension;
mod forms;
mod function;
mod log;
mod middleware;
mod modules;
mod ngx;
mod pdk;
mod phase;
mod plugin;
mod post_function;
mod pre_function;
mod runtime;
mod sandbox;
mod transaction;
mod uri;
mod vm;

pub use mlua;

pub use self::error::{CompileError, Error};
pub use self::extension::{Connection, RequestId, Upstream, UriCaptures};
pub use self::function::{Functions, FunctionsBuilder, FunctionsConfig, Handle};
pub use self::middleware::{
    BoxError, DefaultResponseForError, FailedRequest, FunctionLayer, FunctionService, PluginKind,
    RequestBody, ResponseBody, ResponseForError, ResponseFuture,
};
pub use self::phase::Phase;
pub use self::plugin::Plugin;
pub use self::post_function::{Post, PostFunction, PostFunctionLayer};
pub use self::pre_function::{Pre, PreFunction, PreFunctionLayer};
pub use self::runtime::{Runtime, RuntimeBuilder, Stats};
pub use self::sandbox::{Sandbox, UntrustedLua};
pub use self::vm::Budget;
