//! What the tests are written with: applications with functions in them, served over real HTTP.

mod app;
mod client;
mod echo;
mod events;
mod recorder;

pub use self::app::App;
pub use self::client::{Call, Reply};
pub use self::events::Events;
