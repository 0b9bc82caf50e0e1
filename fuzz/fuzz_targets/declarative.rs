//! Declarative files: read or refused; what is exported is read again.

#![no_main]
#![expect(dead_code, unused_imports, reason = "the gateway, and other targets, use more of these modules")]

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
#[path = "../generators"]
mod generators {
    pub mod choices;
    pub mod documents;

    pub use self::choices::Choices;
}

use libfuzzer_sys::fuzz_target;

use crate::configured::declarative;
use crate::generators::{Choices, documents};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fuzz_target!(|data: &[u8]| {
    let text = documents::document(&mut Choices::from_bytes(data));
    for text in [String::from_utf8_lossy(&text), String::from_utf8_lossy(data)] {
        let Ok(draft) = declarative::read(&text, None) else { continue };
        let exported = declarative::export(&draft.state).expect("what is JSON is YAML");
        assert!(declarative::read(&exported, None).is_ok(), "{text}\n{exported}");
    }
});
