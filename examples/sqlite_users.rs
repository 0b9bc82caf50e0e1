//! A function that looks a user up in a database: Lua calls an asynchronous function made in Rust.
//!
//! ```console
//! $ cargo run --example sqlite_users
//! $ curl localhost:3000/ -H 'x-token: 4bf92f35'   # hello alice
//! $ curl localhost:3000/ -H 'x-token: guess'      # 401
//! ```

use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;
use tower_lua::mlua;
use tower_lua::{Functions, PreFunctionLayer, Runtime, RuntimeBuilder};

const FUNCTION: &str = r#"
local users = require("app.users")

return function()
  local token = kong.request.get_header("x-token") or ""
  local name, err = kong.cache:get("user:" .. token, { ttl = 10, neg_ttl = 1 }, users.find, token)
  if err then
    kong.log.err(err)
    return kong.response.exit(503, { message = "Try again" })
  elseif not name then
    return kong.response.exit(401, { message = "Who are you?" })
  end
  kong.service.request.set_header("x-user", name)
end
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let users = database().await?;
    let runtime = with_users(Runtime::builder(), users).build()?;
    let functions = Functions::access("who", FUNCTION)?;
    let app = Router::new()
        .route("/", get(hello))
        .layer(PreFunctionLayer::new(functions).runtime(&runtime));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

/// Gives functions `require("app.users").find(token)`: the name of a user, or nil, or nil and a message.
///
/// The function waits for the database; the VM that it is in serves other requests meanwhile.
fn with_users(runtime: RuntimeBuilder, users: SqlitePool) -> RuntimeBuilder {
    runtime.async_function("app.users", "find", move |_, token: String| {
        let users = users.clone();
        async move {
            let name = sqlx::query_scalar::<_, String>("SELECT name FROM users WHERE token = ?")
                .bind(token)
                .fetch_optional(&users)
                .await;
            // A value, or nil and a message. An `Err` of our own would be raised in Lua.
            Ok::<_, mlua::Error>(name.map_err(|error| error.to_string()))
        }
    })
}

async fn hello(headers: HeaderMap) -> String {
    let user = headers.get("x-user").and_then(|user| user.to_str().ok()).unwrap_or("nobody");
    format!("hello {user}\n")
}

/// A database in memory. A future that waits needs a limit: here it is the pool's.
async fn database() -> Result<SqlitePool, sqlx::Error> {
    let options =
        SqlitePoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(1));
    let pool = options.connect("sqlite::memory:").await?;
    sqlx::query("CREATE TABLE users (token TEXT PRIMARY KEY, name TEXT)").execute(&pool).await?;
    sqlx::query("INSERT INTO users VALUES ('4bf92f35', 'alice')").execute(&pool).await?;
    Ok(pool)
}
