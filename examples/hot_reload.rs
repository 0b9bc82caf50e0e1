//! Functions from a directory that take effect when a file is saved, without a restart.
//!
//! ```console
//! $ mkdir functions
//! $ echo 'kong.response.exit(200, "one\n")' > functions/access.lua
//! $ cargo run --example hot_reload -- functions
//! $ curl localhost:3000/
//! one
//! $ echo 'kong.response.exit(200, "two\n")' > functions/access.lua
//! $ curl localhost:3000/
//! two
//! $ echo 'this is not Lua' > functions/access.lua    # is refused, and says why; "two" stays in force
//! ```

use axum::Router;
use axum::routing::get;
use tower_lua::{DebugResponseForError, FunctionsDirectory, PreFunctionLayer, Runtime};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let path = std::env::args_os().nth(1).ok_or("usage: hot_reload DIRECTORY")?;
    let directory = FunctionsDirectory::new("hot", path);
    let (layer, handle) = PreFunctionLayer::reloadable(directory.load()?);
    // Requests in flight finish with what they started with.
    let _watch = directory.watch(&handle)?;
    // Who asks from this machine is told what is wrong with a function that fails.
    let runtime = Runtime::builder().connection(tower_lua::axum::describe).build()?;
    let layer = layer.runtime(&runtime).response_for_error(DebugResponseForError);

    let app = Router::new().route("/", get(|| async { "no function has answered\n" })).layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = app.into_make_service_with_connect_info::<std::net::SocketAddr>();
    axum::serve(listener, app).await?;
    Ok(())
}
