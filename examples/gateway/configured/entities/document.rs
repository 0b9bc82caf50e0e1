//! [`Document`]: one entity, as JSON and as what requests are routed by.

use std::sync::Arc;

use http::Uri;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Kind;
use crate::configured::entity::{Entities, Plugin, Route, Service};
use crate::configured::schema::{Object, at};

/// An entity that has been checked.
#[derive(Debug)]
pub(crate) struct Document {
    kind: Kind,
    object: Object,
    typed: Typed,
    /// What no other entity of its kind may be.
    uniques: Vec<Arc<str>>,
}

#[derive(Debug)]
enum Typed {
    Service(Arc<Service>),
    Route(Arc<Route>),
    Plugin(Arc<Plugin>),
    /// What an API of Kong 0.x is since.
    Api(Arc<Service>, Arc<Route>),
}

impl Document {
    /// An entity of an object that is as its schema says.
    ///
    /// # Errors
    ///
    /// When a value is outside of what the gateway can take.
    pub(crate) fn new(kind: Kind, object: Object) -> Result<Self, serde_json::Error> {
        let typed = match kind {
            Kind::Services => Typed::Service(typed(with_defaults(kind, &object))?),
            Kind::Routes => Typed::Route(typed(with_defaults(kind, &object))?),
            Kind::Plugins => {
                let mut plugin = with_defaults(kind, &object);
                if let Some(api) = plugin.remove("api") {
                    plugin.insert("route".to_owned(), api);
                }
                Typed::Plugin(typed(plugin)?)
            }
            Kind::Apis => {
                let (service, route) = service_and_route(&with_defaults(kind, &object));
                Typed::Api(typed(service)?, typed(route)?)
            }
        };
        let uniques = uniques(kind, &object);
        Ok(Self { kind, object, typed, uniques })
    }

    pub(super) fn uniques(&self) -> &[Arc<str>] {
        &self.uniques
    }

    pub(crate) fn object(&self) -> &Object {
        &self.object
    }

    pub(crate) fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// The name by which the entity can be found.
    pub(crate) fn key(&self) -> Option<&str> {
        self.text(self.kind.key())
    }

    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.object.get(field)?.as_str()
    }

    /// The id of the entity of `kind` that this one belongs to.
    pub(crate) fn reference(&self, kind: Kind) -> Option<&str> {
        self.object.get(kind.field())?.get("id")?.as_str()
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        let tags = self.object.get("tags").and_then(Value::as_array);
        tags.into_iter().flatten().filter_map(Value::as_str)
    }

    /// The entity as the Admin API shows it.
    pub(crate) fn shown(&self) -> Value {
        let mut object = self.object.clone();
        // What Kong 0.x called the references of plugins.
        for kind in self.kind.references().iter().filter(|_| self.kind == Kind::Plugins) {
            if let Some(id) = self.reference(*kind) {
                object.insert(format!("{}_id", kind.field()), id.into());
            }
        }
        object.into()
    }

    pub(super) fn add_to(&self, entities: &mut Entities) {
        match &self.typed {
            Typed::Service(service) => entities.services.push(Arc::clone(service)),
            Typed::Route(route) => entities.routes.push(Arc::clone(route)),
            Typed::Plugin(plugin) => entities.plugins.push(Arc::clone(plugin)),
            Typed::Api(service, route) => {
                entities.services.push(Arc::clone(service));
                entities.routes.push(Arc::clone(route));
            }
        }
    }
}

/// What the entity with this name is alone.
pub(super) fn named(key: &str) -> String {
    format!("name {key}")
}

fn uniques(kind: Kind, object: &Object) -> Vec<Arc<str>> {
    let text = |field: &str| object.get(field).and_then(Value::as_str);
    let mut uniques: Vec<Arc<str>> = Vec::new();
    uniques.extend(text(kind.key()).map(|key| named(key).into()));
    if kind == Kind::Plugins {
        let scope = kind.references().iter().map(|parent| {
            at(object, &format!("{}.id", parent.field())).and_then(Value::as_str).unwrap_or("-")
        });
        let scope = scope.collect::<Vec<_>>().join(" ");
        uniques.push(format!("scope {scope} {}", text("name").unwrap_or_default()).into());
    }
    uniques
}

fn typed<T: DeserializeOwned>(object: Object) -> Result<Arc<T>, serde_json::Error> {
    serde_json::from_value(object.into()).map(Arc::new)
}

/// Null stands for the default where there is one: a client may have sent it.
fn with_defaults(kind: Kind, object: &Object) -> Object {
    let mut object = object.clone();
    for field in kind.schema().fields {
        if let (Some(value @ Value::Null), Some(default)) =
            (object.get_mut(field.name), field.default_value())
        {
            *value = default;
        }
    }
    object
}

/// The service and the route that an API is made of. Both have its id.
fn service_and_route(api: &Object) -> (Object, Object) {
    let get = |name: &str| api.get(name).cloned().unwrap_or_default();
    let url = api.get("upstream_url").and_then(Value::as_str).unwrap_or_default();
    let mut service = url_fields(url).unwrap_or_default();
    let https_only = api.get("https_only") == Some(&Value::Bool(true));
    let protocols = if https_only { json!(["https"]) } else { json!(["http", "https"]) };
    let paths = at(api, "uris")
        .and_then(Value::as_array)
        .map(|uris| uris.iter().filter_map(Value::as_str).map(router_path).collect::<Vec<_>>());
    let fields = |pairs: &[(&str, Value)]| -> Object {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    service.extend(fields(&[
        ("id", get("id")),
        ("name", get("name")),
        ("retries", get("retries")),
        ("connect_timeout", get("upstream_connect_timeout")),
        ("write_timeout", get("upstream_send_timeout")),
        ("read_timeout", get("upstream_read_timeout")),
        ("tags", get("tags")),
        ("enabled", true.into()),
    ]));
    let route = fields(&[
        ("id", get("id")),
        ("name", get("name")),
        ("service", json!({ "id": get("id") })),
        ("protocols", protocols),
        ("methods", get("methods")),
        ("hosts", get("hosts")),
        ("paths", json!(paths)),
        ("regex_priority", 0.into()),
        ("strip_path", get("strip_uri")),
        ("path_handling", "v0".into()),
        ("preserve_host", get("preserve_host")),
        ("https_redirect_status_code", 426.into()),
        ("request_buffering", true.into()),
        ("response_buffering", true.into()),
        ("created_at", get("created_at")),
        ("tags", get("tags")),
    ]);
    (service, route)
}

/// A path as routes have it: expressions of Kong 0.x have no sign.
fn router_path(uri: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_~/%".contains(c);
    if uri.chars().all(plain) { uri.to_owned() } else { format!("~{uri}") }
}

/// Protocol, host, port and path of a URL; nothing, where it has no scheme or no host.
pub(super) fn url_fields(url: &str) -> Option<Object> {
    let uri: Uri = url.trim().parse().ok()?;
    let (protocol, host) = (uri.scheme_str()?, uri.host().filter(|host| !host.is_empty())?);
    let default_port = if ["https", "grpcs"].contains(&protocol) { 443 } else { 80 };
    let path = Some(uri.path()).filter(|path| !path.is_empty());
    // `http://host` has the path `/` for `Uri`, and none for Kong.
    let path = path.filter(|path| *path != "/" || url.trim().ends_with('/'));
    let fields = [
        ("protocol", protocol.into()),
        ("host", host.into()),
        ("port", uri.port_u16().unwrap_or(default_port).into()),
        ("path", path.map_or(Value::Null, Value::from)),
    ];
    Some(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
