//! The Admin API: Kong's paths, bodies and answers.

mod answer;
mod config;
mod endpoint;
mod entity;
mod information;
mod list;
mod status;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;
use http::{Method, StatusCode, header};
use tower_lua::Runtime;

use self::answer::Answer;
use self::endpoint::Endpoint;
pub(crate) use self::status::Counts;
use crate::body::{self, Arguments};
use crate::database::Database;
use crate::problem::Problem;

/// The most bytes that a body may have: what Kong takes.
const MAX_BODY: usize = 10 << 20;

/// What all requests have to do with.
struct Admin {
    database: Arc<Database>,
    runtime: Runtime,
    counts: Arc<Counts>,
}

/// A request to an endpoint.
struct Call<'a> {
    admin: &'a Admin,
    head: &'a Parts,
    arguments: Arguments,
}

type Answered = Result<Answer, Problem>;

/// The Admin API as a service.
pub(crate) fn service(database: Arc<Database>, runtime: Runtime, counts: Arc<Counts>) -> Router {
    let admin = Arc::new(Admin { database, runtime, counts });
    Router::new().fallback(handle).with_state(admin)
}

async fn handle(State(admin): State<Arc<Admin>>, request: Request) -> Response {
    let start = Instant::now();
    let origin = request.headers().get(header::ORIGIN).cloned();
    let answer = answer(&admin, request).await.unwrap_or_else(Answer::from);
    answer.into_response(origin, start.elapsed())
}

async fn answer(admin: &Admin, request: Request) -> Answered {
    let (head, body) = request.into_parts();
    let endpoint = Endpoint::find(head.uri.path())?;
    let methods = endpoint.methods();
    if head.method == Method::OPTIONS {
        return Ok(Answer::options(methods, &head.headers));
    }
    let method = if head.method == Method::HEAD { "GET" } else { head.method.as_str() };
    if !methods.contains(&method) {
        let not_allowed = StatusCode::METHOD_NOT_ALLOWED;
        return Err(Problem::message(not_allowed, "Method not allowed"));
    }
    let needs_body = ["POST", "PUT", "PATCH"].contains(&method);
    let body = if needs_body { read(&head, body).await? } else { bytes::Bytes::new() };
    if matches!(endpoint, Endpoint::Config) {
        return config::answer(admin, &head, body).await;
    }
    let content_type = if needs_body { content_type(&head)? } else { None };
    let arguments = body::parse(content_type, body).await?;
    let call = Call { admin, head: &head, arguments };
    match endpoint {
        Endpoint::Collection(kind) => entity::collection(call, kind, None).await,
        Endpoint::Entity(kind, key) => entity::one(call, kind, &key, None).await,
        Endpoint::Nested(parent, key, kind) => {
            entity::collection(call, kind, Some((parent, &key))).await
        }
        Endpoint::NestedEntity(parent, parent_key, kind, key) => {
            entity::one(call, kind, &key, Some((parent, &parent_key))).await
        }
        Endpoint::Parent(kind, key, parent) => entity::parent(call, kind, &key, parent).await,
        other => information::answer(call, &other),
    }
}

/// Reads a body that is not too large.
async fn read(head: &Parts, body: axum::body::Body) -> Result<bytes::Bytes, Problem> {
    let too_large = || {
        let message = format!("Payload too large: the Admin API takes {MAX_BODY} bytes");
        Problem::message(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    let announced = head.headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(too_large());
    }
    axum::body::to_bytes(body, MAX_BODY).await.map_err(|error| {
        let source = std::error::Error::source(&error);
        let limited = source.is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if limited { too_large() } else { Problem::bad_request(format!("broken body: {error}")) }
    })
}

fn content_type(head: &Parts) -> Result<Option<&str>, Problem> {
    let mut values = head.headers.get_all(header::CONTENT_TYPE).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Problem::bad_request("Multiple Content-Type headers not allowed"));
    }
    Ok(first.map(|value| value.to_str().unwrap_or("?")))
}
