//! [`Shared`]: `kong.ctx.shared`, for the application.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Fields;
use super::entity::fields;
use crate::error::Error;

/// What functions and the application tell each other of a request: `kong.ctx.shared`.
///
/// What an application puts into the request's extensions in front of the layer, functions find there.
/// What functions leave there, the handler behind the layer finds in its own `Shared`: the layer puts
/// one into the extensions when a function has used `kong.ctx.shared`. Nothing is converted before
/// somebody asks for it.
///
/// ```
/// use axum::extract::Request;
/// use axum::{Extension, Router, middleware, routing::get};
/// use tower::ServiceExt as _;
/// use tower_lua::{Functions, PreFunctionLayer, Shared};
///
/// #[derive(serde::Deserialize)]
/// struct Plan {
///     name: String,
///     quota: u32,
/// }
///
/// async fn handler(Extension(shared): Extension<Shared>) -> String {
///     let plan: Option<Plan> = shared.get("plan").expect("functions make it so");
///     plan.map_or("no plan".to_owned(), |plan| format!("{} {}", plan.name, plan.quota))
/// }
///
/// async fn tell_tenant(mut request: Request) -> Request {
///     let told = Shared::new(serde_json::json!({ "tenant": "blue" })).expect("it has fields");
///     request.extensions_mut().insert(told);
///     request
/// }
///
/// let functions = Functions::access("plan", r#"
///     local shared = kong.ctx.shared
///     shared.plan = { name = shared.tenant .. " gold", quota = 400 }
/// "#)?;
/// let app: Router = Router::new()
///     .route("/", get(handler))
///     .layer(PreFunctionLayer::new(functions))
///     .layer(middleware::map_request(tell_tenant));
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let response = app.oneshot(Request::new(axum::body::Body::empty())).await?;
/// let body = axum::body::to_bytes(response.into_body(), 100).await?;
/// assert_eq!(body, "blue gold 400");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Shared(Source);

#[derive(Clone)]
enum Source {
    Given(Fields),
    Functions(Arc<dyn ReadShared>),
}

/// Who knows what functions have left.
pub(crate) trait ReadShared: Send + Sync {
    /// The value of a field, if there is one.
    ///
    /// # Errors
    ///
    /// When it is nothing that JSON could express, or a function is using it.
    fn read(&self, key: &str) -> Result<Option<Value>, Error>;
}

impl Shared {
    /// What functions are to find: a value with named fields.
    ///
    /// # Errors
    ///
    /// When the value is anything else.
    pub fn new(values: impl Serialize) -> Result<Self, Error> {
        fields("Shared", values).map(|fields| Self(Source::Given(fields)))
    }

    pub(crate) fn of_functions(reader: Arc<dyn ReadShared>) -> Self {
        Self(Source::Functions(reader))
    }

    /// The value of `key`, if there is one: a string, number, boolean, or a table as `cjson.encode`
    /// writes it.
    ///
    /// It takes the VM that the request's functions run in for as long as that takes.
    ///
    /// # Errors
    ///
    /// When the value is not a `T`, or none that JSON could express, as a function is; or when a
    /// function of the request runs just now.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let value = match &self.0 {
            Source::Given(fields) => fields.get(key).cloned(),
            Source::Functions(reader) => reader.read(key)?,
        };
        let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
        let unfit = |error| Error::config(format!("kong.ctx.shared.{key}: {error}"));
        serde_json::from_value(value).map(Some).map_err(unfit)
    }

    /// What the application has put there.
    pub(crate) fn given(&self) -> Option<&Fields> {
        match &self.0 {
            Source::Given(fields) => Some(fields),
            Source::Functions(_) => None,
        }
    }
}

/// Shows no values: they may be secret.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
