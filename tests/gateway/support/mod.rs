//! What the tests are written with: the gateway as a process, and services for it to forward to.

mod balanced;
mod browser;
mod certificate;
mod gateway;
mod kept_head;
mod kong_yml;
mod postgres;
mod random;
mod shop;
mod upstream;

#[expect(dead_code, reason = "the tests of the library use more of it")]
#[path = "../../integration/support/client.rs"]
mod client;
#[path = "../../integration/support/echo.rs"]
mod echo;
#[expect(dead_code, reason = "the tests of the library use more of it")]
#[path = "../../integration/support/server.rs"]
mod server;

pub use self::balanced::{balanced, named};
pub use self::browser::Browser;
pub use self::certificate::{Authority, Made};
pub use self::client::{Call, Reply};
pub use self::echo::echo;
pub use self::gateway::{Gateway, Start, form, gateway_path};
pub use self::kept_head::KeptHead;
pub use self::kong_yml::{kong_yml, with_plugins};
pub use self::postgres::Postgres;
pub use self::random::Random;
pub use self::server::Server;
pub use self::shop::{answering, shop};
pub use self::upstream::{Reserved, echo_upstream, serve, unused_addr};
