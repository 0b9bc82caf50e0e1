//! Which of several routes a request takes: Kong's traditional router, case by case.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::configured::entity::Route;
use crate::router::{Found, Query, RequestHost, Router};
use crate::uri;

/// A route of some fields, with Kong's defaults for the others. Its id is its place in the list.
fn route(place: usize, fields: &Value) -> Arc<Route> {
    let mut whole = json!({
        "id": place.to_string(),
        "name": null,
        "service": null,
        "protocols": ["http", "https"],
        "methods": null,
        "hosts": null,
        "paths": null,
        "headers": null,
        "snis": null,
        "regex_priority": 0,
        "strip_path": true,
        "path_handling": "v0",
        "preserve_host": false,
        "https_redirect_status_code": 426,
        "request_buffering": true,
        "response_buffering": true,
        "created_at": place,
    });
    for (name, value) in fields.as_object().unwrap() {
        whole[name] = value.clone();
    }
    Arc::new(serde_json::from_value(whole).unwrap())
}

pub fn router(routes: &Value) -> Router {
    let routes = routes.as_array().unwrap().iter().enumerate();
    let routes: Vec<_> = routes.map(|(place, fields)| route(place, fields)).collect();
    Router::new(&routes).unwrap()
}

/// A request as these tests write it: `GET host/path name:value`, `-` for no host, `https://` before
/// the host for TLS, and `sni=name`.
pub fn find(router: &Router, request: &str) -> Option<Found> {
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let is_tls = target.starts_with("https://");
    let target = target.trim_start_matches("https://");
    let (host, path) = target.split_at(target.find('/').unwrap());
    let host = if host == "-" { "" } else { host };
    let (mut headers, mut sni) = (HeaderMap::new(), None);
    for word in words {
        if let Some(name) = word.strip_prefix("sni=") {
            sni = Some(name);
        } else {
            let (name, value) = word.split_once(':').unwrap();
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
    }
    let path = uri::normalize(path);
    let host = RequestHost::new(host, is_tls);
    router.find(&Query { method, host, path: &path, headers: &headers, is_tls, sni })
}

/// A title, routes, and which of them each request takes.
type Case<'a> = (&'a str, Value, &'a [(&'a str, Option<usize>)]);

fn check(cases: &[Case<'_>]) {
    for (title, routes, requests) in cases {
        let router = router(routes);
        for (request, wanted) in *requests {
            let found = find(&router, request).map(|found| found.route);
            assert_eq!(found, *wanted, "{title}: {request}");
        }
    }
}

#[test]
fn each_criterion_alone_and_together() {
    check(&[
        (
            "one of each",
            json!([
                { "hosts": ["domain-1.test", "domain-2.test"] },
                { "methods": ["POST", "put"] },
                { "paths": ["/my-route"] },
                { "hosts": ["domain-1.test"], "paths": ["/my-route"] },
                { "hosts": ["domain-1.test"], "methods": ["POST"] },
                { "methods": ["POST"], "paths": ["/my-route"] },
                { "hosts": ["domain-2.test"], "methods": ["POST"], "paths": ["/my-route"] },
                { "headers": { "location": ["my-location-1", "My-Location-2"] } },
            ]),
            &[
                ("GET domain-1.test/", Some(0)),
                ("GET domain-1.test:80/", Some(0)),
                ("GET domain-1.test:123/", Some(0)),
                ("TRACE domain-2.test/", Some(0)),
                ("POST -/", Some(1)),
                ("PUT other.test/", Some(1)),
                ("GET -/my-route", Some(2)),
                ("GET other.test/my-route/x", Some(2)),
                ("GET domain-1.test/my-route", Some(3)),
                ("POST domain-1.test/", Some(4)),
                ("POST -/my-route", Some(5)),
                ("POST domain-2.test/my-route", Some(6)),
                ("GET -/ location:my-location-1", Some(7)),
                ("GET -/ Location:MY-LOCATION-2", Some(7)),
                ("GET -/ location:elsewhere", None),
                ("GET other.test/", None),
                ("GET -/not/my-route", None),
            ],
        ),
        (
            "several headers must all be there",
            json!([
                { "headers": { "version": ["v1", "v2"], "location": ["us"] } },
                { "headers": { "version": ["v1"] } },
                { "headers": { "agent": ["~*^curl/[0-9]"] } },
            ]),
            &[
                ("GET -/ version:v1 location:us", Some(0)),
                ("GET -/ version:v3 version:v2 location:us", Some(0)),
                ("GET -/ version:v1", Some(1)),
                ("GET -/ version:v2", None),
                ("GET -/ agent:curl/8", Some(2)),
                ("GET -/ agent:CURL/8", Some(2)),
                ("GET -/ agent:wget", None),
            ],
        ),
        (
            "server names count with TLS",
            json!([
                { "snis": ["shop.test."], "paths": ["/"] },
                { "paths": ["/"] },
            ]),
            &[
                ("GET https://shop.test/ sni=shop.test", Some(0)),
                ("GET https://shop.test/ sni=other.test", Some(1)),
                ("GET https://shop.test/", Some(1)),
                ("GET -/", Some(0)),
            ],
        ),
    ]);
}

#[test]
fn hosts_with_wildcards_and_ports() {
    check(&[
        (
            "leftmost and rightmost",
            json!([{ "hosts": ["*.route.test"] }, { "hosts": ["route.*"] }]),
            &[
                ("GET foo.route.test/", Some(0)),
                ("GET foo.bar.route.test/", Some(0)),
                ("GET foo.route.test:8000/", Some(0)),
                ("GET route.org/", Some(1)),
                ("GET route.org:123/", Some(1)),
                ("GET foo.route.org/", None),
                ("GET route/", None),
                ("GET fooroute.test/", None),
                ("GET .route.test/", None),
            ],
        ),
        (
            "ports",
            json!([
                { "hosts": ["*.route.test"] },
                { "hosts": ["*.route.test:123"] },
                { "hosts": ["plain.test:8080"] },
                { "hosts": ["plain.test"] },
                { "hosts": ["tls.test:443"] },
            ]),
            &[
                ("GET foo.route.test/", Some(0)),
                ("GET foo.route.test:80/", Some(0)),
                ("GET foo.route.test:123/", Some(1)),
                ("GET plain.test/", Some(3)),
                ("GET https://tls.test/", Some(4)),
                ("GET tls.test/", None),
            ],
        ),
        (
            "addresses",
            json!([{ "hosts": ["::1"] }, { "hosts": ["127.0.0.1"] }]),
            &[
                ("GET [::1]/", Some(0)),
                ("GET [::1]:8000/", Some(0)),
                ("GET 127.0.0.1:8000/", Some(1)),
            ],
        ),
        (
            "plain before wildcard, and more criteria before fewer",
            json!([
                { "hosts": ["*.route.test"], "paths": ["/path1"] },
                { "hosts": ["plain.route.test"] },
                { "hosts": ["plain.route.test"], "paths": ["/path2"] },
                { "hosts": ["*.route.test"], "paths": ["/path2"] },
                { "hosts": ["plain.route.test", "*.other.test"], "methods": ["GET"], "paths": ["/path3"] },
            ]),
            &[
                ("GET plain.route.test/", Some(1)),
                ("GET plain.route.test/path1", Some(0)),
                ("GET plain.route.test/path2", Some(2)),
                ("GET foo.route.test/path2", Some(3)),
                ("GET foo.other.test/path3", Some(4)),
                ("GET foo.route.test/path3", None),
            ],
        ),
    ]);
}

#[test]
fn paths_as_prefixes_and_expressions() {
    check(&[
        (
            "the longest prefix",
            json!([
                { "paths": ["/my-route"] },
                { "paths": ["/my-route/hello"] },
                { "paths": ["/my-route/hello"], "methods": ["POST"] },
                { "paths": ["/other", "/my-route/hello/world"] },
            ]),
            &[
                ("GET -/my-route", Some(0)),
                ("GET -/my-routes", Some(0)),
                ("GET -/my-route/hello", Some(1)),
                ("POST -/my-route/hello/world", Some(2)),
                ("GET -/my-route/hello/world/x", Some(3)),
                ("GET -/other", Some(3)),
                ("GET -/something/my-route", None),
            ],
        ),
        (
            "expressions before prefixes",
            json!([
                { "paths": ["/route/fixture"] },
                { "paths": [r"~/route/(fixture)$"] },
                { "paths": [r"~/users/\d+/profile"] },
                { "paths": ["/"] },
            ]),
            &[
                ("GET -/route/fixture", Some(1)),
                ("GET -/route/fixture/x", Some(0)),
                ("GET -/users/123/profile", Some(2)),
                ("GET -/users/123/profile/edit", Some(2)),
                ("GET -/users/foo/profile", Some(3)),
                ("GET -/x/users/123/profile", Some(3)),
            ],
        ),
        (
            "an expression's priority, and only an expression's",
            json!([
                { "paths": [r"~/users/\d+/.*"], "regex_priority": 1 },
                { "paths": [r"~/users/\d+/profile"], "regex_priority": 2 },
                { "paths": ["/users"], "regex_priority": 100 },
                { "paths": ["/users/1/settings-long"], "regex_priority": 0 },
                { "paths": ["/users/2"], "regex_priority": 0 },
            ]),
            &[
                ("GET -/users/1/profile", Some(1)),
                ("GET -/users/1/settings-long", Some(0)),
                ("GET -/users/2", Some(4)),
            ],
        ),
        (
            "the older of two that are equal",
            json!([
                { "paths": ["/same"], "created_at": 200 },
                { "paths": ["/same"], "created_at": 100 },
            ]),
            &[("GET -/same", Some(1))],
        ),
        (
            "requests are normalised, expressions see what was decoded",
            json!([
                { "paths": ["/plain/a.b%25c"] },
                { "paths": [r"~/reg%65x\d+"] },
                { "paths": ["/end/"] },
            ]),
            &[
                ("GET -/plain/a%2Eb%25c", Some(0)),
                ("GET -/x/..//plain/./a.b%25c", Some(0)),
                ("GET -/end/x/..", Some(2)),
                ("GET -/end", None),
            ],
        ),
        (
            "alternatives are within the expression",
            json!([{ "paths": ["~/a|/b"] }, { "paths": ["/"] }]),
            &[("GET -/a/x", Some(0)), ("GET -/b", Some(0)), ("GET -/c/b", Some(1))],
        ),
    ]);
}

#[test]
fn more_criteria_come_first_and_then_the_better_kind() {
    check(&[
        (
            "host before header before path before method",
            json!([
                { "methods": ["GET"] },
                { "paths": ["/a-long-path"] },
                { "headers": { "version": ["v1"] } },
                { "hosts": ["*.test"] },
            ]),
            &[
                ("GET foo.test/a-long-path version:v1", Some(3)),
                ("GET foo.org/a-long-path version:v1", Some(2)),
                ("GET foo.org/a-long-path", Some(1)),
                ("GET foo.org/", Some(0)),
            ],
        ),
        (
            "two kinds before one, three before two",
            json!([
                { "hosts": ["route.test"] },
                { "paths": ["/"], "methods": ["GET"] },
                { "paths": ["/"], "methods": ["GET"], "headers": { "a": ["1"] } },
            ]),
            &[
                ("GET route.test/", Some(1)),
                ("POST route.test/", Some(0)),
                ("GET route.test/ a:1", Some(2)),
            ],
        ),
        (
            "more headers before a longer path",
            json!([
                { "headers": { "a": ["1"] }, "paths": ["/very/long"] },
                { "headers": { "a": ["1"], "b": ["2"] }, "paths": ["/very"] },
            ]),
            &[("GET -/very/long a:1 b:2", Some(1)), ("GET -/very/long a:1", Some(0))],
        ),
        (
            "half a match is none",
            json!([
                { "hosts": ["host.test"], "paths": ["/v1"] },
                { "paths": ["/v1"] },
                { "hosts": ["host.test"], "methods": ["POST"] },
            ]),
            &[
                ("GET other.test/v1", Some(1)),
                ("GET host.test/v2", None),
                ("POST host.test/v2", Some(2)),
            ],
        ),
    ]);
}

#[test]
fn groups_of_an_expression_are_captured() {
    let router = router(&json!([
        { "paths": [r"~/users/(?P<id>\d+)/(?P<what>[a-z]+)?"] },
        { "paths": [r"~/plain/\d+"] },
    ]));
    let found = find(&router, "GET -/users/123/profile/x").unwrap();
    assert_eq!(found.prefix, Some("/users/123/profile".len()));
    let captures = format!("{:?}", found.captures.unwrap());
    assert!(captures.contains(r#"["123", "profile"]"#), "{captures}");
    assert!(captures.contains(r#"("id", "123"), ("what", "profile")"#), "{captures}");
    let found = find(&router, "GET -/plain/1").unwrap();
    assert_eq!(found.captures, None);
}

#[test]
fn what_is_no_expression_is_refused() {
    let broken = route(0, &json!({ "paths": ["~/a(b"] }));
    let error = Router::new(&[broken]).err().unwrap().to_string();
    assert!(error.contains("regular expression"), "{error}");
}

#[test]
fn among_ten_thousand_routes_each_is_found() {
    let routes: Vec<_> = (0..10_000)
        .map(|n| match n % 3 {
            0 => json!({ "hosts": [format!("host-{n}.test")], "paths": ["/"] }),
            1 => json!({ "paths": [format!("/service-{n}/v1")] }),
            _ => json!({ "paths": [format!(r"~/regex-{n}/\d+$")] }),
        })
        .collect();
    let router = router(&Value::from(routes));
    for n in 0..10_000 {
        let request = match n % 3 {
            0 => format!("GET host-{n}.test/x"),
            1 => format!("GET -/service-{n}/v1/x"),
            _ => format!("GET -/regex-{n}/7"),
        };
        assert_eq!(find(&router, &request).map(|found| found.route), Some(n), "{request}");
    }
}
