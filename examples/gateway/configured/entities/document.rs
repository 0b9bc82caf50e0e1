//! [`Document`]: one entity, as JSON and as what requests are routed by.

use std::borrow::Cow;
use std::sync::Arc;

use http::Uri;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Kind;
use crate::configured::entity::{Plugin, Route, Service};
use crate::configured::schema::{Field, Object, at};

/// An entity that has been checked.
#[derive(Debug)]
pub(crate) struct Document {
    kind: Kind,
    id: Arc<str>,
    /// The entity as JSON: a text takes a fraction of the memory that it takes when it is read.
    json: Box<str>,
    typed: Typed,
    tags: Box<[Box<str>]>,
    /// What no other entity of its kind may be.
    uniques: Box<[Arc<str>]>,
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
    pub(crate) fn new(kind: Kind, object: &Object) -> Result<Self, serde_json::Error> {
        let complete = with_defaults(kind, object);
        let typed = match kind {
            Kind::Services => Typed::Service(typed(&complete)?),
            Kind::Routes => Typed::Route(typed(&complete)?),
            Kind::Plugins => Typed::Plugin(typed(&complete)?),
            Kind::Apis => {
                let (service, route) = service_and_route(&complete);
                Typed::Api(typed(&service)?, typed(&route)?)
            }
        };
        let tags = object.get("tags").and_then(Value::as_array).into_iter().flatten();
        Ok(Self {
            kind,
            id: object.get("id").and_then(Value::as_str).unwrap_or_default().into(),
            json: serde_json::to_string(object)?.into(),
            typed,
            tags: tags.filter_map(Value::as_str).map(Box::from).collect(),
            uniques: uniques(kind, object),
        })
    }

    pub(super) fn uniques(&self) -> &[Arc<str>] {
        &self.uniques
    }

    /// The entity as JSON.
    pub(crate) fn json(&self) -> &str {
        &self.json
    }

    /// The entity, read.
    pub(crate) fn object(&self) -> Object {
        serde_json::from_str(&self.json).expect("it was written as an object")
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn shared_id(&self) -> &Arc<str> {
        &self.id
    }

    /// The name by which the entity can be found.
    pub(crate) fn key(&self) -> Option<&str> {
        match &self.typed {
            Typed::Service(service) | Typed::Api(service, _) => service.name.as_deref(),
            Typed::Route(route) => route.name.as_deref(),
            Typed::Plugin(plugin) => plugin.instance_name.as_deref(),
        }
    }

    /// The id of the entity of `kind` that this one belongs to.
    pub(crate) fn reference(&self, kind: Kind) -> Option<&str> {
        match (&self.typed, kind) {
            (Typed::Route(route), Kind::Services) => Some(&route.service.as_ref()?.id),
            (Typed::Plugin(plugin), Kind::Services) => plugin.service(),
            (Typed::Plugin(plugin), Kind::Routes) if plugin.api.is_none() => plugin.route(),
            (Typed::Plugin(plugin), Kind::Apis) if plugin.api.is_some() => plugin.route(),
            _ => None,
        }
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(|tag| &**tag)
    }

    /// The entity as the Admin API shows it.
    pub(crate) fn shown(&self) -> Value {
        let mut object = self.object();
        // What Kong 0.x called the references of plugins.
        for kind in self.kind.references().iter().filter(|_| self.kind == Kind::Plugins) {
            if let Some(id) = self.reference(*kind) {
                object.insert(format!("{}_id", kind.field()), id.into());
            }
        }
        object.into()
    }

    pub(crate) fn service(&self) -> Option<&Arc<Service>> {
        match &self.typed {
            Typed::Service(service) | Typed::Api(service, _) => Some(service),
            Typed::Route(_) | Typed::Plugin(_) => None,
        }
    }

    pub(crate) fn route(&self) -> Option<&Arc<Route>> {
        match &self.typed {
            Typed::Route(route) | Typed::Api(_, route) => Some(route),
            Typed::Service(_) | Typed::Plugin(_) => None,
        }
    }

    pub(crate) fn plugin(&self) -> Option<&Arc<Plugin>> {
        match &self.typed {
            Typed::Plugin(plugin) => Some(plugin),
            _ => None,
        }
    }

    /// The configuration of a plugin, with defaults, for the plugin itself to read.
    pub(crate) fn config(&self) -> Value {
        with_defaults(self.kind, &self.object()).get("config").cloned().unwrap_or_default()
    }
}

/// What the entity with this name is alone.
pub(super) fn named(key: &str) -> String {
    format!("name {key}")
}

fn uniques(kind: Kind, object: &Object) -> Box<[Arc<str>]> {
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
    uniques.into()
}

fn typed<T: DeserializeOwned>(object: &Object) -> Result<Arc<T>, serde_json::Error> {
    T::deserialize(object).map(Arc::new)
}

/// Null stands for the default where there is one: a client may have sent it.
fn with_defaults(kind: Kind, object: &Object) -> Cow<'_, Object> {
    let schema = kind.schema();
    let mut complete = Cow::Borrowed(object);
    for (name, _) in object.iter().filter(|(_, value)| value.is_null()) {
        if let Some(default) = schema.field(name).and_then(Field::default_value) {
            complete.to_mut().insert(name.clone(), default);
        }
    }
    complete
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
