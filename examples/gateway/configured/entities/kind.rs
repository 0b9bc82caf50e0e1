//! [`Kind`]: the kinds of entities, each a row of [`Row`].

use crate::configured::schema::{self, Schema};

/// The kinds of entities. Those that others refer to come before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Certificates,
    Snis,
    CaCertificates,
    Services,
    Routes,
    /// Of Kong 0.x: a service and a route in one.
    Apis,
    Consumers,
    Plugins,
    /// Other versions of functions, for some requests.
    Canaries,
    KeyAuths,
    BasicAuths,
    HmacAuths,
    Jwts,
    Acls,
    Upstreams,
    Targets,
}

/// What is particular to a kind.
struct Row {
    /// The name in declarative files, of schemas and of tags.
    name: &'static str,
    /// What paths of the Admin API call it: on its own, and below what it belongs to.
    paths: [&'static str; 2],
    /// The field of other entities that refers to one of this kind.
    field: &'static str,
    /// The field that an entity can be found by, beside its id.
    key: Option<&'static str>,
    /// The field that it can be found by among those of its parent.
    key_in_parent: Option<&'static str>,
    /// Fields that have the same values in one entity alone.
    together: &'static [&'static str],
    schema: &'static Schema,
    /// What its fields refer to.
    references: &'static [Kind],
    /// Whether what it refers to cannot be deleted, rather than takes it along.
    holds: bool,
    /// Whether it has a path of its own, beside that below what it belongs to.
    stands_alone: bool,
    /// Whether Kong has none of these: they are in no file and in no list, and have paths of their own.
    is_ours: bool,
}

impl Kind {
    pub(crate) const ALL: [Self; 16] = [
        Self::Certificates,
        Self::Snis,
        Self::CaCertificates,
        Self::Services,
        Self::Routes,
        Self::Apis,
        Self::Consumers,
        Self::Plugins,
        Self::Canaries,
        Self::KeyAuths,
        Self::BasicAuths,
        Self::HmacAuths,
        Self::Jwts,
        Self::Acls,
        Self::Upstreams,
        Self::Targets,
    ];

    const fn row(self) -> Row {
        match self {
            Self::Certificates => {
                Row { key: None, ..Row::new("certificates", "certificate", &schema::CERTIFICATE) }
            }
            Self::Snis => {
                Row { references: &[Self::Certificates], ..Row::new("snis", "sni", &schema::SNI) }
            }
            Self::CaCertificates => Row {
                key: None,
                ..Row::new("ca_certificates", "ca_certificate", &schema::CA_CERTIFICATE)
            },
            Self::Services => Row {
                references: &[Self::Certificates],
                holds: true,
                ..Row::new("services", "service", &schema::SERVICE)
            },
            Self::Routes => Row {
                references: &[Self::Services],
                holds: true,
                ..Row::new("routes", "route", &schema::ROUTE)
            },
            Self::Apis => Row::new("apis", "api", &schema::APIS),
            Self::Consumers => Row {
                key: Some("username"),
                ..Row::new("consumers", "consumer", &schema::CONSUMER)
            },
            Self::Plugins => Row {
                key: Some("instance_name"),
                together: &["name", "route", "service", "consumer", "api"],
                references: &[Self::Services, Self::Routes, Self::Consumers, Self::Apis],
                ..Row::new("plugins", "plugin", &schema::PLUGIN)
            },
            Self::Canaries => Row {
                key: None,
                together: &["plugin"],
                references: &[Self::Plugins],
                stands_alone: false,
                is_ours: true,
                ..Row::new("canaries", "canary", &schema::CANARY)
            },
            Self::KeyAuths | Self::BasicAuths | Self::HmacAuths | Self::Jwts | Self::Acls => {
                self.row_of_credential()
            }
            Self::Upstreams => Row::new("upstreams", "upstream", &schema::UPSTREAM),
            Self::Targets => Row {
                key: None,
                key_in_parent: Some("target"),
                together: &["upstream", "target"],
                references: &[Self::Upstreams],
                stands_alone: false,
                ..Row::new("targets", "target", &schema::TARGET)
            },
        }
    }

    /// What consumers have; groups, where it is nothing else.
    const fn row_of_credential(self) -> Row {
        match self {
            Self::KeyAuths => Row {
                paths: ["key-auths", "key-auth"],
                key: Some("key"),
                ..Row::credential("keyauth_credentials", &schema::KEY_AUTH)
            },
            Self::BasicAuths => Row {
                paths: ["basic-auths", "basic-auth"],
                key: Some("username"),
                ..Row::credential("basicauth_credentials", &schema::BASIC_AUTH)
            },
            Self::HmacAuths => Row {
                paths: ["hmac-auths", "hmac-auth"],
                key: Some("username"),
                ..Row::credential("hmacauth_credentials", &schema::HMAC_AUTH)
            },
            Self::Jwts => Row {
                paths: ["jwts", "jwt"],
                key: Some("key"),
                ..Row::credential("jwt_secrets", &schema::JWT)
            },
            _ => Row {
                key_in_parent: Some("group"),
                together: &["consumer", "group"],
                ..Row::credential("acls", &schema::ACL)
            },
        }
    }

    /// Those that Kong has as well, in files and in lists.
    pub(crate) fn of_kong() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kind| !kind.is_ours())
    }

    /// Whether Kong has none of these.
    pub(crate) const fn is_ours(self) -> bool {
        self.row().is_ours
    }

    pub(crate) const fn name(self) -> &'static str {
        self.row().name
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name in paths of the Admin API, `/key-auths`.
    pub(crate) const fn path(self) -> &'static str {
        self.row().paths[0]
    }

    pub(crate) fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.stands_alone() && kind.path() == path)
    }

    /// Whether it has a path of its own.
    pub(crate) const fn stands_alone(self) -> bool {
        self.row().stands_alone
    }

    /// The name in paths of what it belongs to, `/consumers/alice/key-auth`.
    pub(crate) const fn nested_path(self) -> &'static str {
        self.row().paths[1]
    }

    pub(crate) const fn field(self) -> &'static str {
        self.row().field
    }

    /// The same, of those of `child`.
    pub(crate) fn field_in(self, child: Self) -> &'static str {
        match (self, child) {
            (Self::Certificates, Self::Services) => "client_certificate",
            _ => self.field(),
        }
    }

    pub(crate) const fn key(self) -> Option<&'static str> {
        self.row().key
    }

    /// The field that an entity can be found by among those of its parent.
    pub(crate) const fn key_in_parent(self) -> Option<&'static str> {
        self.row().key_in_parent
    }

    pub(super) const fn together(self) -> &'static [&'static str] {
        self.row().together
    }

    pub(crate) const fn schema(self) -> &'static Schema {
        self.row().schema
    }

    /// The fields of this kind that refer to other entities.
    pub(crate) const fn references(self) -> &'static [Self] {
        self.row().references
    }

    /// The kinds that refer to this one.
    pub(crate) fn children(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |child| child.references().contains(&self))
    }

    /// Whether what it refers to cannot be deleted, rather than takes it along.
    pub(super) const fn holds(self) -> bool {
        self.row().holds
    }
}

impl Row {
    const fn new(name: &'static str, field: &'static str, schema: &'static Schema) -> Self {
        Self {
            name,
            paths: [name, name],
            field,
            key: Some("name"),
            key_in_parent: None,
            together: &[],
            schema,
            references: &[],
            holds: false,
            stands_alone: true,
            is_ours: false,
        }
    }

    /// What a consumer has.
    const fn credential(name: &'static str, schema: &'static Schema) -> Self {
        Self { key: None, references: &[Kind::Consumers], ..Self::new(name, name, schema) }
    }
}
