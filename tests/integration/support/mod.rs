//! What the tests are written with: applications with functions in them, served over real HTTP.

mod app;
mod client;
mod echo;
mod events;
mod http;
mod peer;
pub mod reach;
mod recorder;
mod server;
mod spans;
mod stream;
mod tls;

pub use self::app::{App, AppBuilder, patient, serve};
pub use self::client::{Call, KeepAlive, Reply};
pub use self::echo::echo;
pub use self::events::{Event, Events};
pub use self::http::http_server;
pub use self::peer::{echoes, peer, reaching, says, silent};
pub use self::recorder::Recorder;
pub use self::server::Server;
pub use self::spans::{Span, Spans};
pub use self::stream::Chunks;
pub use self::tls::{Authority, Identity};

/// A function of Lua, `show`, that prints what it is given in brackets: tables as JSON.
pub const SHOW: &str = "
    local function show(...)
      local texts = {}
      for i = 1, select('#', ...) do
        local value = select(i, ...)
        texts[i] = type(value) == 'table' and require('cjson').encode(value) or tostring(value)
      end
      ngx.print('[', table.concat(texts, ','), ']')
    end
";
