//! Whom the Admin API listens to: not to web pages of others that an operator happens to open.
//!
//! A browser sends a form to any address without asking, and a page of a name that an attacker points
//! to this address may even read the answer. Browsers say that it is they who ask, in `Origin` and
//! `Sec-Fetch-*`; of all other clients nothing is wanted.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::json;
use subtle::ConstantTimeEq;

/// Who may use the Admin API.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Admin API")]
pub(crate) struct Guard {
    /// Origins whose pages may change things over the Admin API, such as `http://localhost:8002`,
    /// separated by commas.
    #[arg(long, env = "KONG_ADMIN_GUI_URL", value_delimiter = ',', value_name = "URL")]
    admin_gui_url: Vec<String>,

    /// Host names, beside localhost and addresses, by which browsers may ask the Admin API.
    #[arg(long, env = "KONG_ADMIN_ALLOWED_HOSTS", value_delimiter = ',', value_name = "NAME")]
    admin_allowed_hosts: Vec<String>,

    /// What clients of the Admin API must send in the header Kong-Admin-Token.
    #[arg(long, env = "KONG_ADMIN_KEY", hide_env_values = true, value_name = "KEY")]
    admin_key: Option<String>,
}

const TOKEN: HeaderName = HeaderName::from_static("kong-admin-token");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Lets a request through that the guard has nothing against.
pub(crate) async fn check(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    match guard.refusal(&request) {
        None => next.run(request).await,
        Some((status, message)) => {
            let content_type = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
            (status, content_type, json!({ "message": message }).to_string()).into_response()
        }
    }
}

impl Guard {
    fn refusal(&self, request: &Request) -> Option<(StatusCode, &'static str)> {
        let headers = request.headers();
        let host = host_of(request);
        if is_browser(headers) && !host.is_some_and(|host| self.is_own(host)) {
            let message = "the Admin API is not served to browsers by this host name; \
                           --admin-allowed-hosts names others";
            return Some((StatusCode::FORBIDDEN, message));
        }
        let changes = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
        if changes && !self.is_same_site(headers, host) {
            let message = "the Admin API takes no changes from the page of another site; \
                           --admin-gui-url names those that it does";
            return Some((StatusCode::FORBIDDEN, message));
        }
        // A browser asks without the key whether it may send it.
        let is_preflight = request.method() == Method::OPTIONS;
        if !is_preflight && !self.has_key(headers) {
            let message = "the Admin API wants its key in the header Kong-Admin-Token";
            return Some((StatusCode::UNAUTHORIZED, message));
        }
        None
    }

    /// Whether a host is one that nobody else can have pointed here: an address, `localhost`, or a
    /// name that the operator has given.
    fn is_own(&self, host: &str) -> bool {
        let name = name_of(host);
        let is_localhost = name.eq_ignore_ascii_case("localhost");
        let address = name.trim_start_matches('[').trim_end_matches(']');
        is_localhost
            || address.parse::<IpAddr>().is_ok()
            || self.admin_allowed_hosts.iter().any(|own| own.trim().eq_ignore_ascii_case(name))
    }

    /// Whether no other site's page has sent the request, as far as its browser says.
    fn is_same_site(&self, headers: &HeaderMap, host: Option<&str>) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else {
            let site = headers.get(&FETCH_SITE);
            return site.is_none_or(|site| site == "same-origin" || site == "none");
        };
        let Ok(origin) = origin.to_str() else { return false };
        let own = |url: &String| url.trim().trim_end_matches('/').eq_ignore_ascii_case(origin);
        let is_host = || {
            let (_, authority) = origin.split_once("://")?;
            Some(authority.eq_ignore_ascii_case(host?))
        };
        let is_known = self.admin_gui_url.iter().any(own) || is_host().unwrap_or(false);
        is_known && origins.next().is_none()
    }

    fn has_key(&self, headers: &HeaderMap) -> bool {
        let Some(key) = &self.admin_key else { return true };
        let given = headers.get(&TOKEN).map_or(&b""[..], HeaderValue::as_bytes);
        key.as_bytes().ct_eq(given).into()
    }
}

fn is_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN)
        || headers.keys().any(|name| name.as_str().starts_with("sec-fetch-"))
}

/// Host and port that a request is for.
fn host_of(request: &Request) -> Option<&str> {
    match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => request.headers().get(header::HOST)?.to_str().ok(),
    }
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.find(']') {
        Some(end) => &host[..=end],
        None => host.split(':').next().unwrap_or_default(),
    }
}
