//! Functions from a file that take effect when the file is saved, without a restart.
//!
//! ```console
//! $ echo 'kong.response.exit(200, "one\n")' > function.lua
//! $ cargo run --example hot_reload -- function.lua
//! $ curl localhost:3000/
//! one
//! $ echo 'kong.response.exit(200, "two\n")' > function.lua
//! $ curl localhost:3000/
//! two
//! $ echo 'this is not Lua' > function.lua    # is refused, and says why; "two" stays in force
//! ```

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::get;
use tower_lua::{Error, Functions, Handle, Phase, PreFunctionLayer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path: PathBuf = std::env::args_os().nth(1).ok_or("usage: hot_reload FILE")?.into();
    let (layer, handle) = PreFunctionLayer::reloadable(load(&path)?);
    tokio::spawn(watch(path, handle));

    let app = Router::new().route("/", get(|| async { "no function has answered\n" })).layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

fn load(path: &Path) -> Result<Functions, Error> {
    Functions::builder("file").file(Phase::Access, path)?.build()
}

/// Loads the file again whenever it has changed. Requests in flight finish with what they started
/// with.
async fn watch(path: PathBuf, handle: Handle) {
    let mut seen = changed_at(&path);
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = changed_at(&path);
        if now == seen {
            continue;
        }
        seen = now;
        match load(&path) {
            Ok(functions) => {
                handle.reload(functions);
                println!("{} is in force", path.display());
            }
            Err(error) => eprintln!("{error}\nthe functions from before stay in force"),
        }
    }
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}
