//! What functions tell a test.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower_lua::{RuntimeBuilder, mlua};

/// Collects what functions say with `require("recorder")(...)`, in order. Several values are joined
/// by spaces.
#[derive(Clone, Default)]
pub struct Recorder {
    entries: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    /// Lets the functions of the runtime find the recorder.
    pub fn register(&self, builder: RuntimeBuilder) -> RuntimeBuilder {
        let recorder = self.clone();
        builder.module("recorder", move |lua| {
            let recorder = recorder.clone();
            let record = lua.create_function(move |lua, values: mlua::MultiValue| {
                let texts =
                    values.into_iter().map(|value| match lua.coerce_string(value.clone()) {
                        Ok(Some(text)) => text.to_string_lossy(),
                        _ => value.to_string().unwrap_or_default(),
                    });
                recorder.push(texts.collect::<Vec<_>>().join(" "));
                Ok(())
            })?;
            Ok(mlua::Value::Function(record))
        })
    }

    pub fn push(&self, entry: impl Into<String>) {
        self.entries.lock().unwrap().push(entry.into());
    }

    /// What was said so far.
    pub fn entries(&self) -> Vec<String> {
        self.entries.lock().unwrap().clone()
    }

    /// What was said, once it is `count` things: the log phase comes after the client has its
    /// answer.
    pub async fn wait_for(&self, count: usize) -> Vec<String> {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while self.entries().len() < count && std::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.entries()
    }
}
