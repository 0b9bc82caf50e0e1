//! Functions as people write them for Kong: those of `examples/functions`, as they stand there.

mod callouts;
mod credentials;
mod cryptography;
mod observing;
mod redis;
mod requests;
mod responses;
mod traffic;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Gateway, Start, echo_upstream};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/functions")
}

/// The plugin of a file, with some of its text replaced.
fn plugin(name: &str, replacements: &[(&str, &str)]) -> Value {
    let path = directory().join(format!("{name}.yml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display()));
    let text = replacements.iter().fold(text, |text, (from, to)| text.replace(from, to));
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A gateway with this plugin on a service at `upstream`, whose route is `path`.
fn start(plugin: &Value, upstream: SocketAddr, path: &str) -> Start {
    let file = json!({
        "_format_version": "3.0",
        "services": [{
            "name": "service",
            "url": format!("http://{upstream}"),
            "routes": [{ "name": "route", "paths": [path], "strip_path": false }],
            "plugins": [plugin],
        }],
    });
    Start::of_file(&file.to_string())
        .arg("--untrusted-lua-sandbox-requires")
        .arg(
            "cjson,cjson.safe,resty.hmac,resty.sha256,resty.string,flags,ngx.base64,resty.cookie,resty.jwt,\
             resty.jwt-validators,resty.openssl.pkey,resty.openssl.hmac,resty.openssl.cipher,\
             resty.openssl.digest,resty.openssl.rand,kong.plugins.jwt.jwt_parser",
        )
}

/// The function `name` before a service that tells what it was asked.
async fn before_echo(name: &str) -> Gateway {
    start(&plugin(name, &[]), echo_upstream().await, "/").serving()
}

/// The function `name` before a service of your own.
fn before(name: &str, upstream: SocketAddr) -> Gateway {
    start(&plugin(name, &[]), upstream, "/").serving()
}
