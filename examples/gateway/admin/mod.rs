//! The Admin API: Kong's paths, bodies and answers.

mod answer;
mod body;
mod canary;
mod check;
mod config;
pub(crate) mod database;
mod dry_run;
mod endpoint;
mod entity;
mod failures;
pub(crate) mod follow;
mod guard;
mod health;
mod information;
mod list;
pub(crate) mod profile;
pub(crate) mod told;
mod versions;
mod warnings;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use tower_lua::Runtime;

use self::answer::Answer;
use self::body::Arguments;
use self::database::Database;
use self::endpoint::Endpoint;
pub(crate) use self::guard::{Guard, check};
use self::warnings::Warnings;
use crate::configured::problem::Problem;
use crate::dry_run::DryRun;
use crate::in_force::failures::Failures;
use crate::lua::check::Permitted;
use crate::request::metrics::Metrics;
use crate::resolver::Resolver;

/// The most bytes that a body may have: what Kong takes.
const MAX_BODY: usize = 10 << 20;

/// How much of one that is too large is read all the same: a client that still sends does not listen.
const MAX_REFUSED_BODY: usize = 4 * MAX_BODY;

/// What is said with all answers while the database cannot be reached: they are of what is in force.
const AWAY: HeaderValue =
    HeaderValue::from_static("111 gateway \"the database cannot be reached\"");

/// What all requests have to do with.
struct Admin {
    database: Arc<Database>,
    runtime: Runtime,
    /// Whom the names of targets are asked for.
    resolver: Resolver,
    counts: Counts,
    warnings: Warnings,
    failures: Failures,
    metrics: Arc<Metrics>,
    /// What runs requests that reach nobody, if there are to be any.
    dry_run: Option<Arc<DryRun>>,
}

/// Connections that were ever accepted, those that are open, and requests that have begun: what
/// `/status` tells of the proxy.
pub(crate) type Counts = Box<dyn Fn() -> [u64; 3] + Send + Sync>;

/// What it tells of requests and of functions.
pub(crate) struct Watched {
    pub(crate) counts: Counts,
    pub(crate) failures: Failures,
    pub(crate) metrics: Arc<Metrics>,
}

/// A request to an endpoint.
struct Call<'a> {
    admin: &'a Admin,
    head: &'a Parts,
    arguments: Arguments,
}

type Answered = Result<Answer, Problem>;

/// The Admin API as a service. It tells of functions that use what is not `permitted`.
pub(crate) fn service(
    database: Arc<Database>,
    runtime: Runtime,
    resolver: Resolver,
    watched: Watched,
    permitted: Permitted,
    dry_run: Option<Arc<DryRun>>,
) -> Router {
    let warnings = Warnings::new(permitted);
    let Watched { counts, failures, metrics } = watched;
    let admin = Admin { database, runtime, resolver, counts, warnings, failures, metrics, dry_run };
    let admin = Arc::new(admin);
    Router::new().fallback(handle).with_state(admin)
}

async fn handle(State(admin): State<Arc<Admin>>, request: Request) -> Response {
    let start = Instant::now();
    let origin = request.headers().get(header::ORIGIN).cloned();
    let answer = answer(&admin, request).await.unwrap_or_else(Answer::from);
    let mut response = answer.into_response(origin, start.elapsed());
    if !admin.database.is_reachable() {
        response.headers_mut().append(header::WARNING, AWAY);
    }
    response
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
    let body = if needs_body { read(body).await? } else { Bytes::new() };
    if matches!(endpoint, Endpoint::Config) {
        return config::answer(admin, &head, body).await;
    }
    let content_type = if needs_body { content_type(&head)? } else { None };
    let arguments = body::parse(content_type, body).await?;
    let call = Call { admin, head: &head, arguments };
    let mut answer = match endpoint {
        Endpoint::Collection(kind) => entity::collection(call, kind, None).await,
        Endpoint::Entity(kind, key) => entity::one(call, kind, &key, None).await,
        Endpoint::Nested(parent, key, kind) => {
            entity::collection(call, kind, Some((parent, &key))).await
        }
        Endpoint::NestedEntity(parent, parent_key, kind, key) => {
            entity::one(call, kind, &key, Some((parent, &parent_key))).await
        }
        Endpoint::Parent(kind, key, parent) => entity::parent(call, kind, &key, parent).await,
        Endpoint::Health(key) => health::answer(call, &key).await,
        Endpoint::Mark(key, target, address, is_well) => {
            health::mark(&call, &key, &target, address.as_deref(), is_well).await
        }
        Endpoint::CheckFunctions => check::answer(call).await,
        Endpoint::AllTargets(key) => list::all_targets(&call, &key),
        Endpoint::Canary(key) => canary::answer(call, &key).await,
        Endpoint::Promote(key) => canary::promote(call, &key).await,
        Endpoint::Versions(key) => versions::list(&call, &key).await,
        Endpoint::Version(key, version) => versions::one(&call, &key, &version).await,
        Endpoint::Rollback(key, version) => {
            versions::roll_back(call, &key, version.as_deref()).await
        }
        Endpoint::Failures => failures::answer(&call),
        Endpoint::Try => dry_run::answer(call).await,
        other => information::answer(call, &other),
    }?;
    if needs_body && let Some(entity) = answer.body() {
        let warnings = admin.warnings.of(entity).await;
        answer.warn(warnings);
    }
    Ok(answer)
}

/// Reads a body that is not too large.
async fn read(mut body: Body) -> Result<Bytes, Problem> {
    let mut read = BytesMut::new();
    let mut len = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Problem::bad_request(format!("broken body: {error}")))?;
        let Some(data) = frame.data_ref() else { continue };
        len += data.len();
        if len <= MAX_BODY {
            read.extend_from_slice(data);
        } else if len > MAX_REFUSED_BODY {
            break;
        }
    }
    if len <= MAX_BODY {
        return Ok(read.freeze());
    }
    let message = format!("Payload too large: the Admin API takes {MAX_BODY} bytes");
    Err(Problem::message(StatusCode::PAYLOAD_TOO_LARGE, message))
}

fn content_type(head: &Parts) -> Result<Option<&str>, Problem> {
    let mut values = head.headers.get_all(header::CONTENT_TYPE).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Problem::bad_request("Multiple Content-Type headers not allowed"));
    }
    Ok(first.map(|value| value.to_str().unwrap_or("?")))
}
