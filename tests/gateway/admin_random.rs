//! Bodies that nobody would send: whatever comes, the Admin API answers, and not with a 5xx.

use http::Method;
use serde_json::{Map, Value, json};

use crate::support::{Call, Gateway, Random, form};

const PATHS: &[&str] = &[
    "/services",
    "/services/shop",
    "/services/shop/routes",
    "/services/shop/routes/all",
    "/services/shop/plugins",
    "/routes",
    "/routes/all",
    "/routes/all/service",
    "/routes/all/plugins",
    "/plugins",
    "/plugins/limit",
    "/plugins/limit/service",
    "/apis",
    "/apis/old",
    "/apis/old/plugins",
    "/consumers",
    "/consumers/ada",
    "/consumers/ada/plugins",
    "/consumers/ada/key-auth",
    "/consumers/ada/basic-auth",
    "/consumers/ada/hmac-auth",
    "/consumers/ada/jwt",
    "/consumers/ada/acls",
    "/key-auths",
    "/basic-auths",
    "/hmac-auths",
    "/jwts",
    "/acls",
    "/config",
    "/schemas/plugins/validate",
    "/schemas/consumers/validate",
    "/schemas/routes/validate",
    "/%ff/%00",
];

const FIELDS: &[&str] = &[
    "id",
    "name",
    "host",
    "url",
    "port",
    "path",
    "protocol",
    "protocols",
    "retries",
    "tags",
    "paths",
    "hosts",
    "methods",
    "headers",
    "snis",
    "service",
    "route",
    "api",
    "consumer",
    "service_id",
    "route_id",
    "config",
    "config.access",
    "config.functions",
    "config.functions[]",
    "config.second",
    "config.access[1]",
    "config.log[0]",
    "config.methods",
    "config.keys",
    "enabled",
    "instance_name",
    "upstream_url",
    "uris",
    "https_only",
    "created_at",
    "updated_at",
    "regex_priority",
    "https_redirect_status_code",
    "path_handling",
    "connect_timeout",
    "headers.x-a[]",
    "service.id",
    "service.name",
    "a.b.c[3].d",
    "[]",
    "",
    ".",
    "..",
    "a[",
    "a]",
    "_format_version",
    "services",
    "routes",
    "plugins",
    "sources",
    "client_certificate",
    "username",
    "custom_id",
    "key",
    "password",
    "secret",
    "algorithm",
    "rsa_public_key",
    "group",
    "ttl",
    "consumer.id",
    "consumer.username",
    "consumers",
    "keyauth_credentials",
    "jwt_secrets",
    "ca_certificates",
    "tls_verify",
];

const TEXTS: &[&str] = &[
    "",
    "[]",
    "{}",
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1.5",
    "1e309",
    "99999999999999999999",
    "shop",
    "all",
    "old",
    "limit",
    "pre-function",
    "post-function",
    "serverless-functions",
    "cors",
    "key-auth",
    "rate-limiting",
    "correlation-id",
    "request-termination",
    "request-size-limiting",
    "oidc",
    "http",
    "https",
    "grpc",
    "tcp",
    "/",
    "/a",
    "/a,/b",
    "~/(",
    "~/(?<id>\\d+)",
    "/a//b",
    "/%",
    "/../..",
    "//",
    "a.example",
    "*.example",
    "a.*",
    "*",
    "a:1",
    "[::1]",
    "::1",
    "http://a.example/b",
    "http://",
    "http://[",
    "://",
    "https://a.example:99999",
    "return 1",
    "return kong.response.exit(200)",
    "if",
    "this is, not lua",
    "a\\,b",
    ",",
    "\\",
    "\\,",
    "@file.lua",
    "\u{1b}LJ",
    "\0",
    "\u{fffd}",
    "é",
    "GET",
    "get",
    "3.0",
    "1.1",
    "0c61e164-6171-4837-8836-8f5298726d53",
    "services: [",
    "local x = 'é'",
    "function f() return f() end",
    "(((((((((((((((((((",
    "0xff",
    " ",
    "\n",
    "second",
    "a b c",
];

struct Generator(Random);

impl Generator {
    fn text(&mut self) -> String {
        match self.0.below(12) {
            0 => self.0.pick(TEXTS).repeat(1 + self.0.below(40)),
            1 => format!("{}{}", self.0.pick(TEXTS), self.0.pick(TEXTS)),
            2 => (0..self.0.below(20)).map(|_| char::from(self.0.below(256) as u8)).collect(),
            _ => (*self.0.pick(TEXTS)).to_owned(),
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.0.below(if depth > 4 { 6 } else { 10 }) {
            0 => Value::Null,
            1 => json!(self.0.once_in(2)),
            2 => json!(self.0.below(100_000) as i64 - 1000),
            3 => json!(*self.0.pick(&[
                0.5,
                -0.0,
                1e300,
                f64::MIN_POSITIVE,
                9.007_199_254_740_993e15
            ])),
            4 | 5 => json!(self.text()),
            6 | 7 => (0..self.0.below(4)).map(|_| self.value(depth + 1)).collect(),
            8 => Value::Object(self.object(depth + 1)),
            _ => json!({ "name": self.text() }),
        }
    }

    fn object(&mut self, depth: usize) -> Map<String, Value> {
        (0..self.0.below(6))
            .map(|_| ((*self.0.pick(FIELDS)).to_owned(), self.value(depth)))
            .collect()
    }

    /// What is right for the path, but for a field perhaps.
    fn almost_right(&mut self, path: &str) -> Map<String, Value> {
        let name = *self.0.pick(&["shop", "all", "limit", "other", "one more"]);
        let (access, ada) = (self.text(), json!({ "username": "ada" }));
        let one = match path.rsplit('/').find(|segment| !["shop", "all"].contains(segment)) {
            Some("routes") => json!({ "name": name, "paths": ["/"] }),
            Some("apis" | "old") => {
                json!({ "name": name, "upstream_url": "http://a.example", "uris": "/a" })
            }
            Some("plugins" | "limit" | "validate") => match self.0.below(3) {
                0 => json!({ "name": "pre-function", "config": { "access": [access] } }),
                1 => json!({ "name": "rate-limiting", "config": { "second": 1 } }),
                _ => json!({ "name": "key-auth", "instance_name": name }),
            },
            Some("consumers" | "ada") => json!({ "username": name, "custom_id": self.text() }),
            Some("key-auth" | "key-auths") => json!({ "key": self.text(), "consumer": ada }),
            Some("basic-auth" | "basic-auths" | "hmac-auth" | "hmac-auths") => {
                json!({ "username": name, "consumer": ada })
            }
            Some("jwt" | "jwts") => json!({ "algorithm": "HS256", "consumer": ada }),
            Some("acl" | "acls") => json!({ "group": name, "consumer": ada }),
            Some("config") => json!({
                "_format_version": "3.0",
                "services": [{ "name": name, "url": "http://a.example", "routes": [self.value(1)] }],
            }),
            _ => json!({ "name": name, "host": "a.example" }),
        };
        let Value::Object(mut object) = one else { unreachable!("they are objects") };
        if self.0.once_in(2) {
            object.insert((*self.0.pick(FIELDS)).to_owned(), self.value(0));
        }
        object
    }

    fn form(&mut self) -> Vec<(String, String)> {
        (0..self.0.below(8)).map(|_| ((*self.0.pick(FIELDS)).to_owned(), self.text())).collect()
    }

    fn multipart(&mut self) -> String {
        let mut body = String::new();
        for (name, value) in self.form() {
            let file = if self.0.once_in(2) { "; filename=\"f\"" } else { "" };
            let disposition = format!("Content-Disposition: form-data; name=\"{name}\"{file}");
            body += &format!("--b\r\n{disposition}\r\n\r\n{value}\r\n");
        }
        body + "--b--\r\n"
    }

    /// A content type and a body, which may have suffered.
    fn body(&mut self, path: &str) -> (&'static str, Vec<u8>) {
        let (content_type, mut body) = match self.0.below(12) {
            8.. => {
                let object = self.almost_right(path);
                ("application/json", Value::Object(object).to_string().into_bytes())
            }
            0..=2 => ("application/json", Value::Object(self.object(0)).to_string().into_bytes()),
            3 | 4 => {
                let pairs = self.form();
                let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
                ("application/x-www-form-urlencoded", form(&pairs).into_bytes())
            }
            5 => ("multipart/form-data; boundary=b", self.multipart().into_bytes()),
            6 => ("text/yaml", Value::Object(self.object(0)).to_string().into_bytes()),
            _ => ("application/json", self.value(0).to_string().into_bytes()),
        };
        if self.0.once_in(5) && !body.is_empty() {
            let at = self.0.below(body.len());
            match self.0.below(3) {
                0 => body.truncate(at),
                1 => body[at] = self.0.below(256) as u8,
                _ => body.extend_from_within(at..),
            }
        }
        (content_type, body)
    }
}

#[tokio::test]
async fn random_bodies_are_answered_and_never_with_a_5xx() {
    let mut gateway = Gateway::empty();
    let mut generator = Generator(Random::new(0x5eed_0f5e_ed50_f5ee));
    let mut statuses = std::collections::BTreeMap::new();
    for number in 0..5000 {
        let path = *generator.0.pick(PATHS);
        let is_of_one =
            ["shop", "all", "limit", "old", "ada"].iter().any(|name| path.ends_with(name));
        let method = match (generator.0.below(20), is_of_one || path.ends_with("/service")) {
            (0, _) => Method::DELETE,
            (_, false) => Method::POST,
            (1..10, true) => Method::PUT,
            (_, true) => Method::PATCH,
        };
        let (content_type, body) = generator.body(path);
        let shown = format!("{number}: {method} {path} {}", String::from_utf8_lossy(&body));
        let call = Call::new(gateway.admin, method, path).header("content-type", content_type);
        let reply = call.body(body).try_send().await.unwrap_or_else(|e| panic!("{shown}: {e}"));
        assert!(reply.status.as_u16() < 500, "{shown}: {} {}", reply.status, reply.text());
        *statuses.entry(reply.status.as_u16()).or_insert(0) += 1;
        // What got in does not make everything after it a duplicate.
        if number % 200 == 199 {
            let empty = json!({ "_format_version": "3.0" });
            assert_eq!(gateway.post("/config", &empty).await.status, 201);
            for (path, entity) in [
                ("/services", json!({ "name": "shop", "host": "a.example" })),
                ("/services/shop/routes", json!({ "name": "all", "paths": ["/"] })),
                (
                    "/apis",
                    json!({ "name": "old", "upstream_url": "http://a.example", "uris": "/o" }),
                ),
                ("/plugins", json!({ "name": "cors", "instance_name": "limit" })),
                ("/consumers", json!({ "username": "ada" })),
            ] {
                assert_eq!(gateway.post(path, &entity).await.status, 201);
            }
        }
    }
    // Both what is right and what is wrong has been tried.
    for status in [200, 201, 400, 404, 405, 409, 415] {
        assert!(statuses.contains_key(&status), "{statuses:?}");
    }
    let said = gateway.said_to_the_end();
    assert!(!said.contains("panicked") && !said.contains("ERROR"), "{said}");
}
