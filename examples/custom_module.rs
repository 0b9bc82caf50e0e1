//! A Lua module made in Rust: what an application lets its functions do.
//!
//! ```console
//! $ cargo run --example custom_module
//! $ curl localhost:3000/ -H 'x-user: alice'    # the new page
//! $ curl localhost:3000/ -H 'x-user: bob'      # the old page
//! $ curl localhost:3000/hits                   # what the functions have counted
//! ```

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::routing::get;
use axum::{Json, Router};
use tower_lua::mlua::{self, Lua, Value};
use tower_lua::{Functions, PreFunctionLayer, Runtime};

const FUNCTION: &str = r#"
local flags = require("app.flags")
local user = kong.request.get_header("x-user") or "nobody"
if flags.is_on("new-page", user) then
  kong.service.request.set_path("/new")
end
"#;

/// How often each flag was asked for.
type Hits = Arc<Mutex<HashMap<String, u64>>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hits = Hits::default();
    let counted = Arc::clone(&hits);
    let runtime =
        Runtime::builder().module("app.flags", move |lua| flags(lua, &counted)).build()?;

    let functions = Functions::access("new-page", FUNCTION)?;
    // Around the router, not a route: the function chooses the route.
    let pages = Router::new()
        .route("/", get(|| async { "the old page\n" }))
        .route("/new", get(|| async { "the new page\n" }))
        .route("/hits", get(move || async move { Json(counts(&hits)) }));
    let app = Router::new()
        .fallback_service(pages)
        .layer(PreFunctionLayer::new(functions).runtime(&runtime));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

/// The module `app.flags`. It is made once in each VM; all of them share the counts.
fn flags(lua: &Lua, hits: &Hits) -> mlua::Result<Value> {
    let hits = Arc::clone(hits);
    let is_on = lua.create_function(move |_, (flag, user): (String, String)| {
        let on = flag == "new-page" && user == "alice";
        *hits.lock().unwrap_or_else(PoisonError::into_inner).entry(flag).or_default() += 1;
        Ok(on)
    })?;
    lua.create_table_from([("is_on", is_on)]).map(Value::Table)
}

fn counts(hits: &Hits) -> HashMap<String, u64> {
    hits.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
