//! [`Document`]: one entity, as JSON and as what requests are routed by.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::api::service_and_route;
use super::{Kind, State, now, snis};
use crate::configured::certificate::{Authority, Certificate, Sni};
use crate::configured::credential::Credential;
use crate::configured::entity::{Canary, FromFile, Plugin, Route, Service};
use crate::configured::schema::{self, Borrowed, Object, at};
use crate::configured::upstream::{Target, Upstream};

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
    /// The ids of the entities that it belongs to.
    references: Box<[(Kind, Box<str>)]>,
    /// Its functions that stand in files, if a declarative file says so.
    files: OnceLock<Box<[FromFile]>>,
}

#[derive(Debug)]
enum Typed {
    Service(Arc<Service>),
    Route(Arc<Route>),
    Plugin(Arc<Plugin>),
    Canary(Arc<Canary>),
    /// What an API of Kong 0.x is since.
    Api(Arc<Service>, Arc<Route>),
    Consumer(OnceLock<Option<tower_lua::Consumer>>),
    Credential(Arc<Credential>, OnceLock<Option<tower_lua::Credential>>),
    Upstream(Arc<Upstream>),
    Target(Arc<Target>),
    Certificate(Arc<Certificate>),
    Sni(Arc<Sni>),
    Authority(Arc<Authority>),
}

impl Document {
    /// An entity of an object that is as its schema says.
    ///
    /// # Errors
    ///
    /// When a value is outside of what the gateway can take.
    pub(crate) fn new(kind: Kind, object: &Object) -> Result<Self, serde_json::Error> {
        Self::written(kind, object, serde_json::to_string(object)?)
    }

    /// The same of an object that is written already, as `json`.
    pub(crate) fn written(
        kind: Kind,
        object: &Object,
        json: String,
    ) -> Result<Self, serde_json::Error> {
        let typed = Typed::read(kind, &*with_defaults(kind, object))?;
        let tags = object.get("tags").and_then(Value::as_array).into_iter().flatten();
        let text = |path: &str| at(object, path).and_then(Value::as_str);
        let tags = tags.filter_map(Value::as_str);
        Ok(Self { json: json.into(), ..Self::unwritten(kind, typed, tags, text) })
    }

    /// An entity as it was stored, perhaps before some of its fields were there.
    ///
    /// # Errors
    ///
    /// When it is not what it should be.
    pub(crate) fn stored(kind: Kind, json: String) -> Result<Self, serde_json::Error> {
        let read: Borrowed<'_> = serde_json::from_str(&json)?;
        if read.is_complete(kind.schema()) {
            let typed = Typed::read(kind, &mut serde_json::Deserializer::from_str(&json))?;
            let text = |path: &str| read.text(path);
            let document = Self::unwritten(kind, typed, read.texts("tags"), text);
            drop(read);
            return Ok(Self { json: json.into(), ..document });
        }
        drop(read);
        let mut object: Object = serde_json::from_str(&json)?;
        match schema::fill(kind.schema(), &mut object) {
            true => Self::new(kind, &object),
            false => Self::written(kind, &object, json),
        }
    }

    /// An entity of which `text` has the texts that stand in its fields, without its JSON.
    fn unwritten<'a>(
        kind: Kind,
        typed: Typed,
        tags: impl Iterator<Item = &'a str>,
        text: impl Fn(&str) -> Option<&'a str>,
    ) -> Self {
        let reference = |parent: &Kind| {
            let id = text(&format!("{}.id", parent.field_in(kind)))?;
            Some((*parent, id.into()))
        };
        Self {
            kind,
            id: text("id").unwrap_or_default().into(),
            json: Box::default(),
            typed,
            tags: tags.map(Box::from).collect(),
            uniques: uniques(kind, &text),
            references: kind.references().iter().filter_map(reference).collect(),
            files: OnceLock::new(),
        }
    }

    /// What no other entity of its kind may be.
    pub(crate) fn uniques(&self) -> &[Arc<str>] {
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

    /// The id of the entity of `kind` that this one belongs to.
    pub(crate) fn reference(&self, kind: Kind) -> Option<&str> {
        let found = self.references.iter().find(|(parent, _)| *parent == kind);
        found.map(|(_, id)| &**id)
    }

    /// That it belongs to others, as a state notes it.
    pub(super) fn edges(&self) -> impl Iterator<Item = String> {
        self.references.iter().map(|(_, parent)| format!("{parent} {}", self.id))
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(|tag| &**tag)
    }

    /// The entity as it is now: some have a time to live.
    pub(crate) fn current(&self) -> Object {
        let mut object = self.object();
        if let Some(ttl) = object.get("ttl").and_then(Value::as_i64) {
            let created = object.get("created_at").and_then(Value::as_i64).unwrap_or_default();
            let rest = created.saturating_add(ttl).saturating_sub(now()).max(0);
            object.insert("ttl".to_owned(), rest.into());
        }
        object
    }

    /// Notes which of its functions stand in files.
    pub(crate) fn came_from(&self, files: Vec<FromFile>) {
        if !files.is_empty() {
            let _ = self.files.set(files.into());
        }
    }

    /// Those of its functions that stand in files.
    pub(crate) fn files(&self) -> &[FromFile] {
        self.files.get().map_or(&[], |files| files)
    }

    /// The entity as a declarative file has it: functions in files are named.
    pub(crate) fn declared(&self) -> Object {
        let mut object = self.current();
        for file in self.files() {
            let function = object
                .get_mut("config")
                .and_then(|config| config.get_mut(file.field)?.get_mut(file.place));
            if let Some(function) = function {
                *function = file.written.as_str().into();
            }
        }
        object
    }

    /// The entity as the Admin API shows it.
    pub(crate) fn shown(&self) -> Value {
        let mut object = self.current();
        // What Kong 0.x called the references of plugins.
        for kind in self.kind.references().iter().filter(|_| self.kind == Kind::Plugins) {
            if let Some(id) = self.reference(*kind) {
                object.insert(format!("{}_id", kind.field()), id.into());
            }
        }
        object.into()
    }

    /// Writes the same to the end of `shown`, from the text that there is.
    pub(crate) fn show(&self, shown: &mut String) {
        if self.kind.schema().field("ttl").is_some() {
            shown.push_str(&self.shown().to_string());
            return;
        }
        shown.push_str(&self.json);
        if self.kind == Kind::Plugins {
            for (kind, id) in &self.references {
                shown.pop();
                let _ = write!(shown, ",\"{}_id\":\"{id}\"}}", kind.field());
            }
        }
    }

    /// The same with what it has of others in `state`: the names of a certificate.
    pub(crate) fn shown_in(&self, state: &State) -> Value {
        let mut shown = self.shown();
        if self.kind == Kind::Certificates {
            let names = snis::of(state, &self.id).into_iter().map(|(name, _)| name);
            shown["snis"] = names.collect::<Vec<_>>().into();
        }
        shown
    }

    pub(crate) fn service(&self) -> Option<&Arc<Service>> {
        match &self.typed {
            Typed::Service(service) | Typed::Api(service, _) => Some(service),
            _ => None,
        }
    }

    pub(crate) fn route(&self) -> Option<&Arc<Route>> {
        match &self.typed {
            Typed::Route(route) | Typed::Api(_, route) => Some(route),
            _ => None,
        }
    }

    pub(crate) fn plugin(&self) -> Option<&Arc<Plugin>> {
        match &self.typed {
            Typed::Plugin(plugin) => Some(plugin),
            _ => None,
        }
    }

    pub(crate) fn canary(&self) -> Option<&Arc<Canary>> {
        match &self.typed {
            Typed::Canary(canary) => Some(canary),
            _ => None,
        }
    }

    pub(crate) fn credential(&self) -> Option<&Arc<Credential>> {
        match &self.typed {
            Typed::Credential(credential, _) => Some(credential),
            _ => None,
        }
    }

    pub(crate) fn upstream(&self) -> Option<&Arc<Upstream>> {
        match &self.typed {
            Typed::Upstream(upstream) => Some(upstream),
            _ => None,
        }
    }

    pub(crate) fn target(&self) -> Option<&Arc<Target>> {
        match &self.typed {
            Typed::Target(target) => Some(target),
            _ => None,
        }
    }

    pub(crate) fn certificate(&self) -> Option<&Arc<Certificate>> {
        match &self.typed {
            Typed::Certificate(certificate) => Some(certificate),
            _ => None,
        }
    }

    pub(crate) fn sni(&self) -> Option<&Arc<Sni>> {
        match &self.typed {
            Typed::Sni(sni) => Some(sni),
            _ => None,
        }
    }

    pub(crate) fn authority(&self) -> Option<&Arc<Authority>> {
        match &self.typed {
            Typed::Authority(authority) => Some(authority),
            _ => None,
        }
    }

    /// The consumer as functions see it: made when the first could ask.
    pub(crate) fn known_consumer(&self) -> Option<&tower_lua::Consumer> {
        let Typed::Consumer(known) = &self.typed else { return None };
        known.get_or_init(|| tower_lua::Consumer::new(self.object()).ok()).as_ref()
    }

    /// The credential as functions see it.
    pub(crate) fn known_credential(&self) -> Option<&tower_lua::Credential> {
        let Typed::Credential(_, known) = &self.typed else { return None };
        known.get_or_init(|| tower_lua::Credential::new(self.object()).ok()).as_ref()
    }

    /// The configuration of a plugin, with defaults, for the plugin itself to read.
    pub(crate) fn config(&self) -> Value {
        /// What there is beside it need not be read.
        #[derive(Deserialize)]
        struct Configured {
            #[serde(default)]
            config: Value,
        }
        let read: Configured = serde_json::from_str(&self.json).expect("it was written so");
        let alone = Object::from_iter([("config".to_owned(), read.config)]);
        let mut alone = with_defaults(self.kind, &alone).into_owned();
        alone.remove("config").unwrap_or_default()
    }
}

/// What the entity is alone that has this value in a field.
pub(super) fn unique(field: &str, value: &str) -> String {
    format!("{field} {value}")
}

fn uniques<'a>(kind: Kind, text: impl Fn(&str) -> Option<&'a str>) -> Box<[Arc<str>]> {
    let fields = kind.schema().fields.iter().filter(|field| field.unique);
    let given = fields.filter_map(|field| Some(unique(field.name, text(field.name)?).into()));
    let mut uniques: Vec<Arc<str>> = given.collect();
    if !kind.together().is_empty() {
        let values = kind
            .together()
            .iter()
            .map(|field| text(field).or_else(|| text(&format!("{field}.id"))).unwrap_or("-"));
        uniques.push(format!("together {}", values.collect::<Vec<_>>().join(" ")).into());
    }
    uniques.into()
}

impl Typed {
    /// An entity that has all its fields.
    fn read<'de, D: Deserializer<'de>>(kind: Kind, complete: D) -> Result<Self, D::Error>
    where
        D::Error: From<serde_json::Error>,
    {
        Ok(match kind {
            Kind::Services => Self::Service(typed(complete)?),
            Kind::Routes => Self::Route(typed(complete)?),
            Kind::Plugins => Self::Plugin(typed(complete)?),
            Kind::Canaries => Self::Canary(typed(complete)?),
            Kind::Apis => {
                let (service, route) = service_and_route(&Object::deserialize(complete)?);
                Self::Api(typed(&service)?, typed(&route)?)
            }
            Kind::Consumers => Self::Consumer(OnceLock::new()),
            Kind::KeyAuths | Kind::BasicAuths | Kind::HmacAuths | Kind::Jwts | Kind::Acls => {
                Self::Credential(typed(complete)?, OnceLock::new())
            }
            Kind::Upstreams => Self::Upstream(typed(complete)?),
            Kind::Targets => Self::Target(typed(complete)?),
            Kind::Certificates => Self::Certificate(typed(complete)?),
            Kind::Snis => Self::Sni(typed(complete)?),
            Kind::CaCertificates => Self::Authority(typed(complete)?),
        })
    }
}

fn typed<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Arc<T>, D::Error> {
    T::deserialize(from).map(Arc::new)
}

/// Null stands for the default where there is one: a client may have sent it.
fn with_defaults(kind: Kind, object: &Object) -> Cow<'_, Object> {
    let mut complete = Cow::Borrowed(object);
    if schema::has_nulls(kind.schema(), object) {
        schema::replace_nulls(kind.schema(), complete.to_mut());
    }
    complete
}
