//! From a declarative file to entities: ids, defaults, and who belongs to whom.

use std::sync::Arc;

use http::Uri;

use super::{Declaration, Plugin, Reference, Route, Service};
use crate::BoxError;
use crate::entity::{self, Entities};

impl Declaration {
    /// The entities that the file declares.
    ///
    /// # Errors
    ///
    /// When something that is named is not there, or a service or a route cannot be.
    pub(crate) fn entities(&self) -> Result<Entities, BoxError> {
        let mut all = Entities::default();
        let mut pending: Vec<(&Plugin, Option<String>, Option<String>)> = Vec::new();
        for service in &self.services {
            let id = id_of(&service.id, "service", all.services.len());
            let name = service.name.as_deref().unwrap_or(&id);
            let made = service.entity(&id).map_err(|error| format!("service {name}: {error}"))?;
            all.services.push(Arc::new(made));
            for route in &service.routes {
                add_route(&mut all, &mut pending, route, Some(&id))?;
            }
            pending.extend(service.plugins.iter().map(|plugin| (plugin, None, Some(id.clone()))));
        }
        for route in &self.routes {
            let wanted = route.service.as_ref().ok_or("a route at top level needs a service")?;
            let id = service_of(&all, wanted, "a route")?;
            add_route(&mut all, &mut pending, route, Some(&id))?;
        }
        pending.extend(self.plugins.iter().map(|plugin| (plugin, None, None)));
        for (plugin, route, service) in pending {
            let named = plugin.route.as_ref().map(|wanted| route_of(&all, wanted)).transpose()?;
            let route = route.or(named);
            let named = plugin.service.as_ref().map(|wanted| service_of(&all, wanted, "a plugin"));
            let service = service.or(named.transpose()?);
            let id = id_of(&plugin.id, "plugin", all.plugins.len());
            let reference = |id: Option<String>| id.map(|id| entity::Reference { id });
            all.plugins.push(Arc::new(entity::Plugin {
                id,
                name: plugin.name.clone(),
                instance_name: None,
                service: reference(service),
                route: reference(route),
                config: plugin.config.clone(),
                enabled: plugin.enabled,
                protocols: protocols(&None),
            }));
        }
        Ok(all)
    }
}

fn add_route<'a>(
    all: &mut Entities,
    pending: &mut Vec<(&'a Plugin, Option<String>, Option<String>)>,
    route: &'a Route,
    service: Option<&str>,
) -> Result<(), BoxError> {
    let id = id_of(&route.id, "route", all.routes.len());
    let name = route.name.as_deref().unwrap_or(&id);
    // The order in the file is the order in which routes were made.
    let created_at = i64::try_from(all.routes.len()).unwrap_or(i64::MAX);
    let made =
        route.entity(&id, service, created_at).map_err(|error| format!("{name}: {error}"))?;
    all.routes.push(Arc::new(made));
    pending.extend(route.plugins.iter().map(|plugin| (plugin, Some(id.clone()), None)));
    Ok(())
}

/// An id that is the same whenever the file is read, so that a plugin that has not changed is known
/// again.
fn id_of(given: &Option<String>, kind: &str, number: usize) -> String {
    given.clone().unwrap_or_else(|| format!("{kind}-{number}"))
}

fn protocols(given: &Option<Vec<String>>) -> Vec<String> {
    given.clone().unwrap_or_else(|| ["http", "https"].map(str::to_owned).to_vec())
}

fn service_of(all: &Entities, wanted: &Reference, who: &str) -> Result<String, BoxError> {
    let means = |service: &&Arc<entity::Service>| {
        wanted.means(service.name.as_deref(), Some(service.id.as_str()))
    };
    let found = all.services.iter().find(means).map(|service| service.id.clone());
    found.ok_or_else(|| format!("{who} names a service that is not there: {wanted:?}").into())
}

fn route_of(all: &Entities, wanted: &Reference) -> Result<String, BoxError> {
    let means =
        |route: &&Arc<entity::Route>| wanted.means(route.name.as_deref(), Some(route.id.as_str()));
    let found = all.routes.iter().find(means).map(|route| route.id.clone());
    found.ok_or_else(|| format!("a plugin names a route that is not there: {wanted:?}").into())
}

impl Route {
    fn entity(
        &self,
        id: &str,
        service: Option<&str>,
        created_at: i64,
    ) -> Result<entity::Route, BoxError> {
        let given = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
        let matches = [&self.methods, &self.hosts, &self.paths, &self.snis].into_iter().any(given)
            || self.headers.as_ref().is_some_and(|headers| !headers.is_empty());
        if !matches {
            let fields = "'methods', 'hosts', 'paths', 'headers', 'snis'";
            return Err(format!("must set one of {fields}").into());
        }
        if let Some(path) = self.paths.iter().flatten().find(|path| !path.starts_with(['/', '~'])) {
            return Err(format!("path '{path}' must start with / or ~").into());
        }
        Ok(entity::Route {
            id: id.to_owned(),
            name: self.name.clone(),
            service: service.map(|id| entity::Reference { id: id.to_owned() }),
            protocols: protocols(&self.protocols),
            methods: self.methods.clone(),
            hosts: self.hosts.clone(),
            paths: self.paths.clone(),
            headers: self.headers.clone(),
            snis: self.snis.clone(),
            regex_priority: self.regex_priority.unwrap_or(0),
            strip_path: self.strip_path.unwrap_or(true),
            path_handling: self.path_handling.clone().unwrap_or_else(|| "v0".to_owned()),
            preserve_host: self.preserve_host.unwrap_or(false),
            https_redirect_status_code: self.https_redirect_status_code.unwrap_or(426),
            request_buffering: true,
            response_buffering: true,
            created_at,
            tags: self.tags.clone(),
        })
    }
}

impl Service {
    fn entity(&self, id: &str) -> Result<entity::Service, BoxError> {
        let protocol = self.protocol.clone().unwrap_or_else(|| "http".to_owned());
        let (protocol, host, port, path) = match &self.url {
            Some(url) => of_url(url)?,
            None => {
                let host = self.host.clone().ok_or("needs a 'url' or a 'host'")?;
                let port = self.port.unwrap_or(80);
                (protocol, host, port, self.path.clone())
            }
        };
        if !["http", "https", "grpc", "grpcs"].contains(&protocol.as_str()) {
            return Err(format!("protocol '{protocol}' is not supported").into());
        }
        Ok(entity::Service {
            id: id.to_owned(),
            name: self.name.clone(),
            protocol,
            host,
            port,
            path,
            retries: self.retries.unwrap_or(5),
            connect_timeout: self.connect_timeout.unwrap_or(60_000),
            write_timeout: self.write_timeout.unwrap_or(60_000),
            read_timeout: self.read_timeout.unwrap_or(60_000),
            tls_verify: self.tls_verify,
            tags: self.tags.clone(),
            enabled: self.enabled.unwrap_or(true),
        })
    }
}

/// The parts of a URL: protocol, host, port and path.
fn of_url(url: &str) -> Result<(String, String, u16, Option<String>), BoxError> {
    let uri: Uri = url.parse().map_err(|error| format!("url '{url}': {error}"))?;
    let scheme = uri.scheme_str().ok_or_else(|| format!("url '{url}': needs a scheme"))?;
    let host = uri.host().ok_or_else(|| format!("url '{url}': needs a host"))?;
    let default_port = if matches!(scheme, "https" | "grpcs") { 443 } else { 80 };
    let path = (uri.path() != "/").then(|| uri.path().to_owned());
    let port = uri.port_u16().unwrap_or(default_port);
    Ok((scheme.to_owned(), host.to_owned(), port, path))
}
