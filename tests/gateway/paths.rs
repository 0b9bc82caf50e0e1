//! Paths as they are matched, and as services get them.

use crate::uri::{self, PathHandling};

/// Kong's table of how `service.path`, `route.path` and the request's path become one:
/// service path, route path, request, strip, handling, wanted.
#[test]
fn the_paths_of_service_and_request_are_joined() {
    let (v0, v1) = (PathHandling::V0, PathHandling::V1);
    for (service, route, request, strip, handling, wanted) in [
        ("/", "/", "/", true, v0, "/"),
        ("/", "/", "/foo/bar", true, v0, "/foo/bar"),
        ("/", "/foo", "/foo", true, v0, "/"),
        ("/", "/foo", "/foo/", true, v0, "/"),
        ("/", "/foo", "/foo/bar", true, v0, "/bar"),
        ("/", "/foo", "/foobar", true, v0, "/bar"),
        ("/", "/foo", "/foobar", false, v0, "/foobar"),
        ("/fee/bor", "/", "/", true, v0, "/fee/bor"),
        ("/fee/bor", "/", "/foo/bar", true, v0, "/fee/bor/foo/bar"),
        ("/fee/bor", "/foo", "/foo", true, v0, "/fee/bor"),
        ("/fee/bor", "/foo", "/foo/", true, v0, "/fee/bor/"),
        ("/fee/bor", "/foo", "/foobar", true, v0, "/fee/bor/bar"),
        ("/fee/bor", "/foo", "/foo/bar", true, v0, "/fee/bor/bar"),
        ("/fee/bor", "/foo", "/foo/bar", false, v0, "/fee/bor/foo/bar"),
        ("/fee/bor", "/", "/", false, v0, "/fee/bor"),
        ("/fee/bor/", "/foo", "/foo", true, v0, "/fee/bor"),
        ("/fee/bor/", "/foo", "/foo/", true, v0, "/fee/bor/"),
        ("/fee/bor/", "/foo", "/foobar", true, v0, "/fee/bor/bar"),
        ("/fee/bor/", "/foo", "/foo/bar", false, v0, "/fee/bor/foo/bar"),
        ("/fee/bor", "/foo", "/foobar", true, v1, "/fee/borbar"),
        ("/fee/bor", "/foo", "/foo/bar", true, v1, "/fee/bor/bar"),
        ("/fee/bor/", "/foo", "/foo/bar", true, v1, "/fee/bor/bar"),
        ("/fee/bor", "/foo", "/foo/bar", false, v1, "/fee/borfoo/bar"),
        ("/fee/bor/", "/foo", "/foo/bar", false, v1, "/fee/bor/foo/bar"),
        ("/", "/end/", "/end/../secret", true, v0, "/secret"),
        ("/", "/a%20b", "/a%20b/c%20d", true, v0, "/c%20d"),
        ("/", "/", "/caf%C3%A9%2Fx", true, v0, "/caf%C3%A9%2Fx"),
    ] {
        let (path, prefix) = (uri::normalize(request), uri::normalize(route));
        let prefix = path.starts_with(&prefix).then_some(prefix.len());
        let joined = uri::upstream_path(handling, strip, Some(service), &path, prefix);
        let joined = String::from_utf8(joined).unwrap();
        let case = format!("{service} {route} {request} strip={strip} {handling:?}");
        assert_eq!(joined, wanted, "{case}");
    }
}

#[test]
fn a_dot_left_over_does_not_lead_out_of_the_service() {
    for (request, wanted) in [("/foo.", "/base"), ("/foo../x", "/base/x"), ("/foo./x", "/base/x")] {
        let path = request.as_bytes();
        let joined = uri::upstream_path(PathHandling::V0, true, Some("/base/"), path, Some(4));
        let joined = String::from_utf8(joined).unwrap();
        assert_eq!(joined, wanted, "{request}");
    }
}

#[test]
fn paths_are_normalised() {
    for (path, wanted) in [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a//b", "/a/b"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/../../a", "/a"),
        ("/a/..", "/"),
        ("/a/b/.", "/a/b/"),
        ("/%61%2fb", "/a%2Fb"),
        ("/%2e%2e/a", "/a"),
        ("/a%", "/a%"),
        ("/a%zz", "/a%zz"),
        ("/.hidden", "/.hidden"),
        ("/a.b/c..d", "/a.b/c..d"),
    ] {
        assert_eq!(String::from_utf8_lossy(&uri::normalize(path)), wanted, "{path}");
    }
}
