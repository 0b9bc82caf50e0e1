//! What the tests are written with: applications with functions in them, served over real HTTP.

mod app;
mod client;
mod echo;
mod events;
mod recorder;
mod spans;
mod stream;

pub use self::app::{App, AppBuilder, patient, serve};
pub use self::client::{Call, KeepAlive, Reply};
pub use self::echo::echo;
pub use self::events::Events;
pub use self::recorder::Recorder;
pub use self::spans::{Span, Spans};
pub use self::stream::Chunks;
