//! What the application knows of a request in Kong's terms: [`Route`], [`Service`], [`Consumer`],
//! [`Credential`].

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::known;
use crate::error::Error;

/// The fields of an entity. Requests share them.
pub(crate) type Fields = Arc<Map<String, Value>>;

/// An entity that is a type of its own, because a request's extensions hold one value of each type.
macro_rules! entity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq)]
        pub struct $name(Fields);

        impl $name {
            /// Makes one of a value with named fields: a struct, a map, a `serde_json::Value`.
            ///
            /// Functions see it as a table. A field that is `None` or null is not there.
            ///
            /// # Errors
            ///
            /// When the value is anything else.
            pub fn new(value: impl Serialize) -> Result<Self, Error> {
                fields(stringify!($name), value).map(Self)
            }

            /// The value of a field.
            #[must_use]
            pub fn field(&self, name: &str) -> Option<&Value> {
                self.0.get(name)
            }

            /// The field `id`, if it is a text.
            #[must_use]
            pub fn id(&self) -> Option<&str> {
                self.text("id")
            }

            fn text(&self, name: &str) -> Option<&str> {
                self.field(name)?.as_str()
            }

            pub(crate) fn fields(&self) -> &Fields {
                &self.0
            }
        }

        /// As a value with the fields that it was made of, secret ones among them.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        /// Shows no values: they may be secret.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

entity! {
    /// The route that a request has matched: put it into the request's extensions for
    /// `kong.router.get_route()` and the `route` of `kong.log.serialize()`.
    ///
    /// Kong's routes have `id`, `name`, `protocols`, `methods`, `hosts`, `paths`, `service`, `tags`
    /// and more. `kong.client.get_protocol()` looks at `protocols`.
    ///
    /// ```
    /// use tower_lua::Route;
    ///
    /// #[derive(serde::Serialize)]
    /// struct MyRoute<'a> {
    ///     name: &'a str,
    ///     paths: &'a [&'a str],
    ///     protocols: &'a [&'a str],
    /// }
    ///
    /// let route = MyRoute { name: "users", paths: &["/users"], protocols: &["https"] };
    /// let mut request = http::Request::new(());
    /// request.extensions_mut().insert(Route::new(route)?);
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    Route
}

entity! {
    /// The service that a request is for: put it into the request's extensions for
    /// `kong.router.get_service()` and the `service` of `kong.log.serialize()`.
    ///
    /// Kong's services have `id`, `name`, `protocol`, `host`, `port`, `path`, `tags` and more.
    ///
    /// ```
    /// use tower_lua::Service;
    ///
    /// let service = Service::new(serde_json::json!({ "name": "users", "host": "users.internal" }))?;
    /// let mut request = http::Request::new(());
    /// request.extensions_mut().insert(service);
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    Service
}

entity! {
    /// Who makes a request, as far as the application has found out: put it into the request's
    /// extensions for `kong.client.get_consumer()` and the `consumer` of `kong.log.serialize()`.
    ///
    /// Kong's consumers have `id` (a UUID), `username`, `custom_id` and `tags`. A function that calls
    /// `kong.client.authenticate` puts another in its place, for functions and for the inner service,
    /// which finds that one in the extensions. An inner service that finds out who calls tells outer
    /// layers by the response's extensions.
    ///
    /// ```
    /// use axum::extract::Request;
    /// use axum::{Router, middleware, routing::get};
    /// use tower::ServiceExt as _;
    /// use tower_lua::{Consumer, Functions, PreFunctionLayer};
    ///
    /// /// Stands for a look at a token or a session.
    /// async fn authenticate(mut request: Request) -> Request {
    ///     let consumer = serde_json::json!({ "username": "alice", "tags": ["beta"] });
    ///     request.extensions_mut().insert(Consumer::new(consumer).expect("it has fields"));
    ///     request
    /// }
    ///
    /// let greet = r#"
    ///     local consumer = kong.client.get_consumer()
    ///     if not consumer then
    ///       return kong.response.exit(401, "Who are you?")
    ///     end
    ///     kong.service.request.set_header("X-Consumer-Username", consumer.username)
    /// "#;
    /// let app: Router = Router::new()
    ///     .route("/", get(|headers: http::HeaderMap| async move {
    ///         headers["x-consumer-username"].to_str().unwrap().to_owned()
    ///     }))
    ///     .layer(PreFunctionLayer::new(Functions::access("greet", greet)?))
    ///     .layer(middleware::map_request(authenticate));
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let response = app.oneshot(Request::new(axum::body::Body::empty())).await?;
    /// let body = axum::body::to_bytes(response.into_body(), 100).await?;
    /// assert_eq!(body, "alice");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Consumer
}

entity! {
    /// What the client has proved with who it is: put it into the request's extensions for
    /// `kong.client.get_credential()` and the `authenticated_entity` of `kong.log.serialize()`, which
    /// has its `id` and `consumer_id` alone.
    ///
    /// ```
    /// use tower_lua::Credential;
    ///
    /// let credential = Credential::new(serde_json::json!({ "id": "4bf92f35", "key": "secret" }))?;
    /// assert!(!format!("{credential:?}").contains("secret"));
    ///
    /// let mut request = http::Request::new(());
    /// request.extensions_mut().insert(credential);
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    Credential
}

impl Route {
    /// The field `name`, if it is a text.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }
}

impl Service {
    /// The field `name`, if it is a text.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }
}

impl Consumer {
    /// The field `username`, if it is a text.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.text("username")
    }

    /// The field `custom_id`, if it is a text.
    #[must_use]
    pub fn custom_id(&self) -> Option<&str> {
        self.text("custom_id")
    }

    pub(crate) const fn of_fields(fields: Fields) -> Self {
        Self(fields)
    }
}

impl Credential {
    pub(crate) const fn of_fields(fields: Fields) -> Self {
        Self(fields)
    }
}

pub(super) fn fields(name: &str, value: impl Serialize) -> Result<Fields, Error> {
    // What serde says may quote the value, which may be a secret.
    let unfit = || Error::config(format!("a {name} must be a value with named fields"));
    match serde_json::to_value(value).map_err(|_| unfit())? {
        Value::Object(fields) => {
            known::note();
            Ok(Arc::new(fields))
        }
        _ => Err(unfit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_with_named_fields_are_entities() {
        assert!(Route::new(serde_json::json!({})).is_ok());
        assert!(Route::new(std::collections::BTreeMap::from([("name", "a")])).is_ok());
        for value in [serde_json::json!(null), serde_json::json!("secret"), serde_json::json!([1])]
        {
            let error = Credential::new(value).unwrap_err();
            assert_eq!(error.to_string(), "a Credential must be a value with named fields");
        }
    }

    #[test]
    fn debug_output_shows_no_values() {
        let consumer = Consumer::new(serde_json::json!({ "username": "alice" })).unwrap();
        assert_eq!(format!("{consumer:?}"), "Consumer { .. }");
    }
}
