//! The tower side: where the functions of a layer run around an inner service.
//!
//! No Lua value is named here, and nothing below knows of tower.

mod body_error;
mod conditional;
mod config;
mod exchange;
mod framing;
mod future;
mod layer;
mod left;
mod log;
mod replay;
mod request_body;
mod request_phases;
mod response;
mod response_body;
mod response_phases;
mod retry;
mod run;
mod seen_body;
mod service;
mod shared;
mod streaming;
mod subrequest;
mod turn;
#[cfg(feature = "net")]
mod upgrade;
mod wait;

pub use self::future::ResponseFuture;
pub(crate) use self::layer::private;
pub use self::layer::{FunctionLayer, PluginKind};
pub use self::request_body::RequestBody;
pub use self::response::{
    DebugResponseForError, DefaultResponseForError, FailedRequest, ResponseForError,
};
pub use self::response_body::ResponseBody;
pub use self::retry::RetryCallback;
pub use self::service::FunctionService;

/// An error of a body: boxed, because it may be the inner body's or a function's.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
