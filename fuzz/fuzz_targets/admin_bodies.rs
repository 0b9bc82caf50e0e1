//! Bodies of requests to the gateway's Admin API: read, coerced, checked, made entities, exported and
//! loaded again. Nothing may panic.
//!
//! ```console
//! $ cargo +nightly fuzz run admin_bodies
//! ```

#![no_main]
#![expect(dead_code, unused_imports, reason = "the gateway uses more of its modules")]

#[path = "../../examples/gateway/admin"]
mod admin {
    pub(crate) mod body;
}
#[path = "../../examples/gateway/configured"]
mod configured {
    pub(crate) mod certificate;
    mod common;
    pub(crate) mod credential;
    pub(crate) mod declarative;
    pub(crate) mod entities;
    pub(crate) mod entity;
    pub(crate) mod problem;
    pub(crate) mod public_key;
    pub(crate) mod schema;
    pub(crate) mod upstream;
}
#[path = "../../examples/gateway/function_file.rs"]
mod function_file;

use futures_util::FutureExt;
use libfuzzer_sys::fuzz_target;

use crate::admin::body;
use crate::configured::declarative;
use crate::configured::entities::{Draft, Kind, Place, State};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

const CONTENT_TYPES: [Option<&str>; 5] = [
    Some("application/json"),
    Some("application/x-www-form-urlencoded"),
    Some("multipart/form-data; boundary=b"),
    Some("text/yaml"),
    None,
];

fuzz_target!(|data: &[u8]| {
    let [content_type, kind, body @ ..] = data else { return };
    let kind = Kind::ALL[usize::from(*kind) % Kind::ALL.len()];
    if let Ok(text) = std::str::from_utf8(body) {
        file(text);
    }
    let content_type = CONTENT_TYPES[usize::from(*content_type) % CONTENT_TYPES.len()];
    let body = bytes::Bytes::copy_from_slice(body);
    let read = body::parse(content_type, body).now_or_never().expect("all of the body is there");
    let Ok(arguments) = read else { return };
    let (object, given) = (arguments.object, arguments.given);
    let mut draft = Draft::empty();
    if let Ok(made) = draft.insert(kind, object.clone(), given) {
        let _ = draft.update(kind, &made, object.clone(), given);
    }
    let _ = draft.upsert(kind, &Place::new("name"), object, given);
    show(&draft.state);
    let exported = declarative::export(&draft.state).expect("what is JSON is YAML");
    assert!(declarative::read(&exported, None).is_ok(), "what is exported loads again:\n{exported}");
});

/// A declarative file.
fn file(text: &str) {
    if let Ok(draft) = declarative::read(text, None) {
        show(&draft.state);
    }
}

/// Reads every entity as clients do.
fn show(state: &State) {
    for kind in Kind::ALL {
        state.all(kind).for_each(|document| drop(document.shown()));
    }
}
