//! The function that makes an entry of a request.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Request;
use tower::Service;
use tower_lua::{Functions, FunctionsId, Phase, Runtime};

use super::{Log, MODULE};
use crate::BoxError;
use crate::in_force::plugins::{Around, Body, Next};
use crate::request::flight::Flight;
use crate::request::plugins::functions::around;

/// A plugin that puts each request into its log.
struct Logging {
    functions: Arc<dyn Around>,
    /// It is open as long as there is the plugin.
    #[expect(dead_code, reason = "it is closed when it is dropped")]
    log: Log,
}

/// The plugin `name`, whose entries have `fields` beside those that all have: names, and the functions
/// that make their values.
pub(super) fn layer(
    name: &str,
    fields: &BTreeMap<String, String>,
    log: Log,
    runtime: &Runtime,
) -> Result<Arc<dyn Around>, BoxError> {
    let functions = Functions::builder(name).function(Phase::Log, source(fields, &log)).build()?;
    runtime.check(&functions)?;
    Ok(Arc::new(Logging { functions: around(functions, runtime), log }))
}

fn source(fields: &BTreeMap<String, String>, log: &Log) -> String {
    let fields = fields.iter().map(|(name, function)| {
        // A comment in it ends with its line.
        format!("  {{ {}, function(...) {function}\nend }},\n", quoted(name))
    });
    let fields: String = fields.collect();
    let name = &log.name;
    format!(
        "local put, encode = require(\"{MODULE}\").put, require(\"cjson\").encode\n\
         local fields = {{\n{fields}}}\n\
         return function()\n\
         \x20 for _, field in ipairs(fields) do\n\
         \x20   kong.log.set_serialize_value(field[1], field[2]())\n\
         \x20 end\n\
         \x20 put(\"{name}\", encode(kong.log.serialize()))\n\
         end"
    )
}

/// A string as Lua writes it.
fn quoted(text: &str) -> String {
    let bytes = text.bytes().map(|byte| format!("\\{byte:03}"));
    format!("\"{}\"", bytes.collect::<String>())
}

impl Around for Logging {
    fn around(&self, mut next: Next) -> Next {
        let told = tower::service_fn(move |request: Request<Body>| {
            let flight = Flight::of(&request).cloned();
            let response = next.call(request);
            async move {
                let mut response = response.await?;
                // The time of the plugins between is not the service's.
                if let Some(times) = flight.and_then(|flight| flight.service_times()) {
                    response.extensions_mut().insert(times);
                }
                Ok(response)
            }
        });
        self.functions.around(Next::new(told))
    }

    fn functions(&self) -> Vec<FunctionsId> {
        self.functions.functions()
    }
}
