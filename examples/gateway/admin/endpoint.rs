//! [`Endpoint`]: what a path of the Admin API is for.

use crate::admin::body::decode_segment;
use crate::configured::entities::Kind;
use crate::configured::problem::Problem;

/// What can be asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Root,
    Status,
    Ready,
    Endpoints,
    Config,
    Tags,
    Tag(String),
    /// `/functions/failures`
    Failures,
    /// `/functions/files`
    FunctionFiles,
    /// `/functions/metrics`
    FunctionMetrics,
    /// `/debug/try`
    Try,
    EnabledPlugins,
    /// `/plugins/schema/{name}`, which Kong calls deprecated.
    PluginConfig(String),
    PluginSchema(String),
    Schema(String),
    Validate(String),
    /// `/functions/check`
    CheckFunctions,
    /// `/upstreams/{name or id}/health`
    Health(String),
    /// `/upstreams/{name or id}/targets/all`
    AllTargets(String),
    /// `/upstreams/{name or id}/targets/{target or id}/healthy`, or with an address before that:
    /// whether it is well.
    Mark(String, String, Option<String>, bool),
    /// `/plugins/{instance_name or id}/versions`
    Versions(String),
    /// `/plugins/{instance_name or id}/versions/{version}`
    Version(String, String),
    /// `/plugins/{instance_name or id}/rollback`, or below a version.
    Rollback(String, Option<String>),
    /// `/plugins/{instance_name or id}/canary`
    Canary(String),
    /// `/plugins/{instance_name or id}/canary/promote`
    Promote(String),
    /// `/services`
    Collection(Kind),
    /// `/services/{name or id}`
    Entity(Kind, String),
    /// `/services/{name or id}/routes`
    Nested(Kind, String, Kind),
    /// `/services/{name or id}/routes/{name or id}`
    NestedEntity(Kind, String, Kind, String),
    /// `/routes/{name or id}/service`
    Parent(Kind, String, Kind),
}

impl Endpoint {
    /// The endpoint of a path.
    pub(super) fn find(path: &str) -> Result<Self, Problem> {
        let segments: Vec<String> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(decode_segment)
            .collect::<Result<_, _>>()?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        Self::of(&segments).ok_or_else(Problem::not_found)
    }

    fn of(segments: &[&str]) -> Option<Self> {
        Some(match *segments {
            [] => Self::Root,
            ["status"] => Self::Status,
            ["status", "ready"] => Self::Ready,
            ["endpoints"] => Self::Endpoints,
            ["config"] => Self::Config,
            ["tags"] => Self::Tags,
            ["tags", tag] => Self::Tag(tag.to_owned()),
            ["functions", "failures"] => Self::Failures,
            ["functions", "files"] => Self::FunctionFiles,
            ["functions", "metrics"] => Self::FunctionMetrics,
            ["debug", "try"] => Self::Try,
            ["plugins", "enabled"] => Self::EnabledPlugins,
            ["plugins", "schema", name] => Self::PluginConfig(name.to_owned()),
            ["schemas", name, "validate"] => Self::Validate(name.to_owned()),
            ["schemas", "plugins", name] => Self::PluginSchema(name.to_owned()),
            ["schemas", name] => Self::Schema(name.to_owned()),
            ["functions", "check"] => Self::CheckFunctions,
            ["upstreams", key, "health"] => Self::Health(key.to_owned()),
            ["upstreams", key, "targets", "all"] => Self::AllTargets(key.to_owned()),
            ["upstreams", key, "targets", target, mark] => {
                Self::Mark(key.to_owned(), target.to_owned(), None, is_well(mark)?)
            }
            ["upstreams", key, "targets", target, address, mark] => {
                let address = Some(address.to_owned());
                Self::Mark(key.to_owned(), target.to_owned(), address, is_well(mark)?)
            }
            ["plugins", key, "versions"] => Self::Versions(key.to_owned()),
            ["plugins", key, "versions", version] => {
                Self::Version(key.to_owned(), version.to_owned())
            }
            ["plugins", key, "rollback"] => Self::Rollback(key.to_owned(), None),
            ["plugins", key, "versions", version, "rollback"] => {
                Self::Rollback(key.to_owned(), Some(version.to_owned()))
            }
            ["plugins", key, "canary"] => Self::Canary(key.to_owned()),
            ["plugins", key, "canary", "promote"] => Self::Promote(key.to_owned()),
            [kind] => Self::Collection(Kind::of_path(kind)?),
            [kind, key] => Self::Entity(Kind::of_path(kind)?, key.to_owned()),
            [kind, key, other] => {
                let (kind, key) = (Kind::of_path(kind)?, key.to_owned());
                match child(kind, other) {
                    Some(child) => Self::Nested(kind, key, child),
                    None => {
                        let parents = kind.references();
                        let parent =
                            parents.iter().find(|parent| parent.field_in(kind) == other)?;
                        Self::Parent(kind, key, *parent)
                    }
                }
            }
            [kind, key, other, child_key] => {
                let kind = Kind::of_path(kind)?;
                let child = child(kind, other)?;
                Self::NestedEntity(kind, key.to_owned(), child, child_key.to_owned())
            }
            _ => return None,
        })
    }

    /// The methods that it takes, beside HEAD and OPTIONS.
    pub(super) const fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Root
            | Self::Status
            | Self::Ready
            | Self::Endpoints
            | Self::Tags
            | Self::Tag(_)
            | Self::Failures
            | Self::FunctionFiles
            | Self::FunctionMetrics
            | Self::EnabledPlugins
            | Self::PluginConfig(_)
            | Self::PluginSchema(_)
            | Self::Schema(_)
            | Self::Health(_)
            | Self::AllTargets(_)
            | Self::Versions(_)
            | Self::Version(..) => &["GET"],
            Self::Mark(..) => &["PUT"],
            Self::Validate(_)
            | Self::Rollback(..)
            | Self::Promote(_)
            | Self::CheckFunctions
            | Self::Try => &["POST"],
            Self::Canary(_) => &["GET", "POST", "PATCH", "DELETE"],
            Self::Config | Self::Collection(_) | Self::Nested(..) => &["GET", "POST"],
            Self::Entity(..) | Self::NestedEntity(..) | Self::Parent(..) => {
                &["GET", "PUT", "PATCH", "DELETE"]
            }
        }
    }

    /// All paths, as Kong lists them.
    pub(super) fn all() -> Vec<String> {
        let mut paths: Vec<String> = [
            "/",
            "/config",
            "/debug/try",
            "/endpoints",
            "/functions/check",
            "/functions/failures",
            "/functions/files",
            "/functions/metrics",
            "/plugins/enabled",
            "/plugins/schema/{name}",
            "/plugins/{plugins}/canary",
            "/plugins/{plugins}/canary/promote",
            "/plugins/{plugins}/rollback",
            "/plugins/{plugins}/versions",
            "/plugins/{plugins}/versions/{version}",
            "/plugins/{plugins}/versions/{version}/rollback",
            "/schemas/plugins/validate",
            "/schemas/plugins/{name}",
            "/schemas/{db_entity_name}/validate",
            "/schemas/{name}",
            "/status",
            "/status/ready",
            "/tags",
            "/tags/{tags}",
            "/upstreams/{upstreams}/health",
            "/upstreams/{upstreams}/targets/all",
            "/upstreams/{upstreams}/targets/{targets}/healthy",
            "/upstreams/{upstreams}/targets/{targets}/unhealthy",
            "/upstreams/{upstreams}/targets/{targets}/{address}/healthy",
            "/upstreams/{upstreams}/targets/{targets}/{address}/unhealthy",
        ]
        .map(str::to_owned)
        .into();
        for kind in Kind::of_kong() {
            let (name, path, nested) = (kind.name(), kind.path(), kind.nested_path());
            if kind.stands_alone() {
                paths.extend([format!("/{path}"), format!("/{path}/{{{name}}}")]);
            }
            for parent in kind.references() {
                let (owner, field) = (parent.name(), parent.field_in(kind));
                let parent = format!("/{}/{{{owner}}}/{nested}", parent.path());
                if kind.stands_alone() {
                    paths.push(format!("/{path}/{{{name}}}/{field}"));
                }
                paths.extend([format!("{parent}/{{{name}}}"), parent]);
            }
        }
        paths.sort_by_key(|path| path.replace('/', "\0"));
        paths
    }
}

/// What the end of a path says of a target.
fn is_well(mark: &str) -> Option<bool> {
    match mark {
        "healthy" => Some(true),
        "unhealthy" => Some(false),
        _ => None,
    }
}

/// What paths call `path` below an entity of `kind`.
fn child(kind: Kind, path: &str) -> Option<Kind> {
    kind.children().find(|child| !child.is_ours() && child.nested_path() == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_that_is_listed_is_one() {
        for path in Endpoint::all() {
            assert!(Endpoint::find(&path).is_ok(), "{path}");
        }
    }

    #[test]
    fn a_slash_at_the_end_changes_nothing() {
        assert_eq!(Endpoint::find("/services/").unwrap(), Endpoint::Collection(Kind::Services));
        assert_eq!(
            Endpoint::find("/services/a%20b/").unwrap(),
            Endpoint::Entity(Kind::Services, "a b".to_owned())
        );
    }

    #[test]
    fn other_paths_are_not_found() {
        for path in [
            "/nothing",
            "/routes/a/apis",
            "/targets",
            "/targets/a/upstream",
            "/services/a/service",
            "/canaries",
            "/plugins/a/canaries",
            "/plugins/a/canary/a",
            "/services/a/b/c/d",
        ] {
            assert!(Endpoint::find(path).is_err(), "{path}");
        }
    }
}
