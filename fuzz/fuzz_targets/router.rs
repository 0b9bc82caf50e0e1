//! Routes and requests: the route that is found takes the request alone, too.

#![no_main]
#![expect(dead_code, unused_imports, reason = "the gateway, and other targets, use more of these modules")]

#[path = "../../examples/gateway/configured"]
mod configured {
    mod common;
    pub(crate) mod entity;
}
#[path = "../generators"]
mod generators {
    pub mod choices;
    pub mod routes;

    pub use self::choices::Choices;
}
#[path = "../../examples/gateway/in_force/router/mod.rs"]
mod router;
#[path = "../../tests/gateway/routing.rs"]
mod routing;
#[path = "../../examples/gateway/request/uri.rs"]
mod uri;

use libfuzzer_sys::fuzz_target;
use serde_json::json;

use crate::generators::{Choices, routes};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fuzz_target!(|data: &[u8]| {
    let choices = &mut Choices::from_bytes(data);
    let all = choices.several(4, routes::route);
    let asked = routes::asked(choices).line();
    let found = routing::find(&routing::router(&json!(all)), &asked).map(|found| found.route);
    let takes = |route| routing::find(&routing::router(&json!([route])), &asked).is_some();
    match found {
        Some(route) => assert!(takes(&all[route]), "{asked}: {route} of {all:?}"),
        None => assert!(!all.iter().any(takes), "{asked}: none of {all:?}"),
    }
});
