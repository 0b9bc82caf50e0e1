//! The page: services, routes and their functions in a browser, with what is wrong with them.
//!
//! It is files that are in the program, and reads and writes through the Admin API, which is below
//! `/api` at the page's own address: a browser needs to be allowed nothing beside that.

mod assets;
mod completions;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::BoxError;
use crate::request::listen::{Listener, addresses};

/// Where the page is served.
#[derive(Debug, Args)]
#[command(next_help_heading = "Listening")]
pub(crate) struct GuiConfig {
    /// Addresses of the page for browsers, which reads and writes through the Admin API, separated by
    /// commas; `off` for none. 127.0.0.1:8002, unless somebody else has it, if nothing is said.
    #[arg(long, env = "KONG_ADMIN_GUI_LISTEN", value_name = "ADDR")]
    gui_listen: Option<String>,
}

/// Kong Manager's port.
const DEFAULT: &str = "127.0.0.1:8002";

/// What a browser may do with what it gets here: load more of it, and ask the Admin API. Nothing inline,
/// nothing from elsewhere, no text that becomes markup, and nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

impl GuiConfig {
    /// Listens where the page is to be served: nowhere without an Admin API.
    ///
    /// # Errors
    ///
    /// When an address that was asked for is none, or somebody else's.
    pub(crate) fn bind(&self, has_admin: bool) -> Result<Vec<Listener>, BoxError> {
        let list = self.gui_listen.as_deref();
        let addresses = addresses(list.unwrap_or(DEFAULT))?;
        if !has_admin {
            if list.is_some() && !addresses.is_empty() {
                tracing::warn!(
                    "--admin-listen off leaves the page of --gui-listen nothing to show"
                );
            }
            return Ok(Vec::new());
        }
        let bound = addresses.into_iter().map(|address| Listener::bind(address, 1)).collect();
        match bound {
            // Nobody has asked for it: another gateway may be here already.
            Err(error) if list.is_none() => {
                tracing::warn!("there is no page: {error}; --gui-listen names another address");
                Ok(Vec::new())
            }
            bound => {
                bound.map_err(|error| format!("{error}; --gui-listen names another address").into())
            }
        }
    }
}

/// The page, and below it the Admin API, which is `admin`.
pub(crate) fn service(admin: Router) -> Router {
    let api = admin.layer(middleware::from_fn(same_origin));
    let page = Router::new()
        .route("/completions.json", get(completions::answer))
        .fallback(assets::answer)
        .nest_service("/api", api);
    page.layer(middleware::map_response(protect))
}

/// Lets no page but this one read what the Admin API answers: others are told of the Admin API's own
/// address.
async fn same_origin(request: Request, next: Next) -> Response {
    if is_elsewhere(request.headers()) {
        let message =
            "the page's address serves the page alone; others ask the Admin API at its own";
        let content_type = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
        let body = json!({ "message": message }).to_string();
        return (StatusCode::FORBIDDEN, content_type, body).into_response();
    }
    let mut response = next.run(request).await;
    response.headers_mut().remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    response
}

/// Whether a browser says that it asks for another page.
fn is_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    site.is_some_and(|site| site != "same-origin" && site != "none")
}

async fn protect(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_port_may_be_another_gateways() {
        // Whoever has it, this or another.
        let _taken = std::net::TcpListener::bind(DEFAULT);
        let config = GuiConfig { gui_listen: None };
        assert!(config.bind(true).unwrap().is_empty());
    }

    #[test]
    fn there_is_nothing_to_show_without_an_admin_api() {
        let config = GuiConfig { gui_listen: Some("127.0.0.1:0".to_owned()) };
        assert_eq!(config.bind(true).unwrap().len(), 1);
        assert!(config.bind(false).unwrap().is_empty());
    }
}
