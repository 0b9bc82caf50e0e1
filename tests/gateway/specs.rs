//! `gateway test`: specs of functions, in Lua.

use crate::support::Start;

/// What is said of a spec, with which exit status.
fn said_of(spec: &str, arguments: &[&str]) -> (i32, String) {
    with_files(&[("functions_spec.lua", spec)], arguments)
}

fn with_files(files: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
    let start = Start::new();
    for (name, text) in files {
        start.file(name, text);
    }
    let start = start.arg("test").arg(".");
    let (code, said) = arguments.iter().fold(start, Start::arg).ending();
    assert!(!said.contains("panicked"), "{said}");
    (code, said)
}

/// Asserts that all tests of a spec pass.
fn assert_passes(spec: &str) {
    let (code, said) = said_of(spec, &[]);
    assert!(code == 0 && said.contains(" 0 failed"), "{said}");
    assert!(!said.contains("0 passed"), "{said}");
}

#[test]
fn a_request_goes_through_the_functions_to_the_service_and_back() {
    assert_passes(
        r#"
        describe("a greeting", function()
          functions {
            access = [[
              kong.service.request.set_header("x-user", kong.request.get_header("x-name"):lower())
              kong.service.set_target("greetings.internal", 8080)
            ]],
            header_filter = {
              [[kong.response.clear_header("content-length")]],
              [[kong.response.set_header("x-seen", kong.response.get_status())]],
            },
            body_filter = [[ngx.arg[1] = (ngx.arg[1] or ""):upper()]],
            log = [[kong.log.warn("sent ", ngx.status)]],
          }

          it("is made", function()
            upstream(function(req)
              assert.equal("POST", req.method)
              assert.equal("who?", req.body)
              return { status = 201, headers = { ["Content-Type"] = "text/plain" }, body = "hello " .. req.headers.x_user }
            end)
            local response, forwarded, logs = request {
              method = "POST", path = "/greet?loud=1", headers = { ["X-Name"] = "Ada" }, body = "who?",
            }
            assert.equal(201, response.status)
            assert.equal("HELLO ADA", response.body)
            assert.equal("201", response.headers["X-Seen"])
            assert.equal("/greet", forwarded.path)
            assert.equal("loud=1", forwarded.query)
            assert.same({ "greetings.internal", 8080 }, { forwarded.host, forwarded.port })
            assert.equal(1, #logs)
            assert.equal("warn", logs[1].level)
            assert.matches("sent 201$", logs[1].message)
          end)

          it("is not made", function()
            local response, forwarded, logs = request {}
            assert.equal(500, response.status)
            assert.is_nil(forwarded)
            assert.equal("err", logs[1].level)
            assert.matches("attempt to index a nil value", logs[1].message)
          end)
        end)
        "#,
    );
}

#[test]
fn others_are_answered_for_without_a_network() {
    assert_passes(
        r#"
        functions {
          access = [[
            local http = require "resty.http"
            local answer, err = http.new():request_uri("https://idp.internal/tokens?audience=shop", {
              method = "POST", body = "token=" .. (kong.request.get_header("authorization") or ""),
            })
            if not answer then return kong.response.exit(503, err) end
            if answer.status ~= 200 then return kong.response.exit(answer.status, answer.body) end
            local user = require("cjson").decode(answer.body)
            local client = http.new()
            assert(client:connect { scheme = "http", host = "users.internal", port = 8080 })
            local more = assert(client:request { path = "/users/" .. user.sub })
            kong.service.request.set_header("x-name", more:read_body())
          ]],
        }
        before_each(function()
          http("http://users.internal:8080/users/*", function(req)
            return { body = req.path == "/users/7" and "Ada" or "nobody" }
          end)
        end)

        it("lets in whom the server knows", function()
          http("https://idp.internal/tokens", function(req)
            assert.equal("audience=shop", req.query)
            assert.equal("token=abc", req.body)
            return { body = { sub = "7" } }
          end)
          local _, forwarded = request { headers = { Authorization = "abc" } }
          assert.equal("Ada", forwarded.headers["x-name"])
        end)

        it("refuses others", function()
          http("https://idp.internal/tokens", { status = 401, body = "who?" })
          local response = request {}
          assert.same({ 401, "who?" }, { response.status, response.body })
        end)

        it("says what nobody has answered", function()
          local response = request {}
          assert.equal(502, response.status)
          assert.matches("no answer for https://idp.internal/tokens", response.body)
        end)
        "#,
    );
}

#[test]
fn time_is_the_specs() {
    assert_passes(
        r#"
        shared_dict("counters")
        functions {
          access = [[
            local count = ngx.shared.counters:incr("all", 1, 0, 60)
            local cached = kong.cache:get("key", { ttl = 60 }, function() return ngx.time() end)
            ngx.sleep(30)
            kong.response.exit(200, { count = count, cached = cached, now = ngx.time(), started = ngx.req.start_time() })
          ]],
          log = [[ngx.sleep(5) kong.log.warn("late")]],
        }
        it("stands still, and goes on to what is waited for", function()
          clock("Sun, 09 Sep 2001 01:46:40 GMT")
          local response, _, logs = request()
          assert.same({ count = 1, cached = 1000000000, now = 1000000030, started = 1000000000 }, response.json())
          assert.matches("late", logs[1].message)
          clock(1000000000)
          assert.equal(2, request().json().count)
          advance(61)
          assert.equal(1, request().json().count)
        end)
        it("is another in each test", function()
          clock(2000000000)
          assert.equal(2000000000, request().json().cached)
        end)
        "#,
    );
}

#[test]
fn dictionaries_caches_and_variables_are_the_specs() {
    assert_passes(
        r#"
        shared_dict("flags", 65536)
        environment { SIGNING_SECRET = "s3cret" }
        functions {
          access = [[
            kong.response.exit(200, {
              flag = ngx.shared.flags:get("dark"), cached = kong.cache:get("key"),
              secret = kong.vault.get("{vault://env/signing-secret}"), home = tostring(os.getenv("HOME")),
            })
          ]],
        }
        it("has what it was given", function()
          prepare [[ngx.shared.flags:set("dark", true) kong.cache:safe_set("key", "value")]]
          assert.same({ flag = true, cached = "value", secret = "s3cret", home = "nil" }, request().json())
        end)
        it("has nothing of another test", function()
          assert.is_nil(request().json().flag)
        end)
        it("fails where what is prepared fails", function()
          assert.has_error(function() prepare [[nothing.there = 1]] end)
        end)
        "#,
    );
}

#[test]
fn functions_are_taken_from_files() {
    let plugin = "name: pre-function\nconfig:\n  access:\n    - |\n      kong.response.exit(204)\n";
    let spec = r#"
        it("of Lua", function()
          functions { access = "functions/teapot.lua" }
          assert.equal(418, request().status)
        end)
        it("of a declarative file", function()
          functions "kong.yml"
          assert.equal(204, request().status)
        end)
        it("that there are not", function()
          assert.has_error(function() functions { access = "nowhere.lua" } end)
          assert.has_error(function() functions { acess = "return" } end)
        end)
    "#;
    let start = Start::new();
    std::fs::create_dir(start.directory().join("functions")).unwrap();
    start.file("functions/teapot.lua", "kong.response.exit(418)\n");
    start.file("kong.yml", plugin);
    let spec = start.file("files_spec.lua", spec);
    let (code, said) = start.arg("test").arg(spec).ending();
    assert!(code == 0 && said.contains("3 passed, 0 failed"), "{said}");
}

#[test]
fn assertions_are_busteds() {
    assert_passes(
        r#"
        it("hold", function()
          assert(true)
          assert.equal(1, 1) assert.equals("a", "a") assert.are.equal(nil, nil)
          assert.same({ 1, { a = "b" } }, { 1, { a = "b" } }) assert.are.same({}, {})
          assert.is_true(true) assert.is_false(false) assert.is_nil(nil) assert.is_not_nil(1)
          assert.truthy(0) assert.falsy(nil) assert.is_truthy("") assert.is.falsy(false)
          assert.matches("^%d+$", "123") assert.has_error(function() error("no") end)
          assert.has_error(function() error("no") end, "no")
          assert.has_error(function() error({ code = 1 }) end, { code = 1 })
          assert.has_no.errors(function() end)
          assert.not_equal(1, "1") assert.is_not.equal(1, 2) assert.are_not.same({ 1 }, { 2 })
          assert.is_not_true(1) assert.is_not.matches("a", "b") assert.is_table({}) assert.is_string("")
        end)
        "#,
    );
    for (assertion, said) in [
        ("assert.equal(1, 2)", "expected 2 to be equal to 1"),
        (
            "assert.same({ a = 1 }, { a = { 2 } })",
            "expected { a = { 2 } } to be the same as { a = 1 }",
        ),
        ("assert.is_not_nil(nil)", "expected nil not to be nil"),
        ("assert.is_true('yes')", "expected \"yes\" to be true"),
        ("assert.matches('a', 'b')", "expected \"b\" to be matched by \"a\""),
        ("assert.has_error(function() end)", "expected a call to be an error"),
        ("assert(false, 'told')", "told"),
        ("assert(nil)", "assertion failed!"),
        ("assert.is_wrong(1)", "there is no assertion assert.is_wrong"),
    ] {
        let (code, output) = said_of(&format!("it('fails', function()\n  {assertion}\nend)"), &[]);
        assert_eq!(code, 1, "{assertion}: {output}");
        let expected = format!("functions_spec.lua:2: {said}");
        assert!(output.contains(&expected), "{assertion}: {output}");
    }
}

#[test]
fn a_test_that_fails_says_what_functions_have_failed_with() {
    let spec = "local function ask(name)
          functions { access = 'local user = nil\\nkong.log.warn(\"asked\") return user.' .. name }
          assert.equal(200, request().status)
        end
        it('fails', function() ask('name') end)
        it('fails for itself', function() assert.equal(1, 2) end)";
    let (code, said) = said_of(spec, &[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("expected 500 to be equal to 200"), "{said}");
    assert!(
        said.contains("the log: ") && said.contains("attempt to index local 'user' (a nil value)"),
        "{said}"
    );
    assert_eq!(said.matches("the log: ").count(), 1, "{said}");
}

#[test]
fn blocks_are_gone_through_in_order() {
    let (code, said) = said_of(
        r#"
        local steps = {}
        local function step(name) return function() steps[#steps + 1] = name end end
        describe("outer", function()
          setup(step("setup")) teardown(step("teardown"))
          before_each(step("before")) after_each(step("after"))
          it("first", step("first"))
          describe("inner", function()
            before_each(step("inner before")) after_each(step("inner after"))
            it("second", step("second"))
          end)
          pending("third")
        end)
        it("has come after", function()
          assert.equal("setup before first after before inner before second inner after after teardown",
            table.concat(steps, " "))
        end)
        "#,
        &[],
    );
    assert_eq!(code, 0, "{said}");
    let lines = [
        "./functions_spec.lua",
        "  outer",
        "    ✓ first",
        "    inner",
        "      ✓ second",
        "    - third",
        "  ✓ has come after",
        "3 passed, 0 failed, 1 pending",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn what_is_said_in_a_block_or_a_test_ends_with_it() {
    assert_passes(
        r#"
        functions { access = [[kong.response.exit(200, "outer")]] }
        describe("inner", function()
          functions { access = [[kong.response.exit(200, "inner")]] }
          it("has its own", function() assert.equal("inner", request().body) end)
          it("may have another", function()
            functions { access = [[kong.response.exit(200, "own")]] }
            assert.equal("own", request().body)
          end)
          it("has its own again", function() assert.equal("inner", request().body) end)
        end)
        it("has the outer ones", function() assert.equal("outer", request().body) end)
        "#,
    );
}

#[test]
fn results_are_said_as_tap() {
    let spec = "describe('a #', function() it('passes', function() end) it('fails', function() error('no') end) \
                pending('waits') end)";
    let (code, said) = said_of(spec, &["--format", "tap"]);
    assert_eq!(code, 1, "{said}");
    let lines: Vec<_> = said.lines().filter(|line| !line.starts_with("# ")).collect();
    assert_eq!(
        lines,
        [
            "TAP version 13",
            "ok 1 - a \\# passes",
            "not ok 2 - a \\# fails",
            "ok 3 - a \\# waits # SKIP pending",
            "1..3",
        ]
    );
    assert!(said.contains("functions_spec.lua:1: no"), "{said}");
}

#[test]
fn what_cannot_be_run_is_told_of() {
    for (spec, expected) in [
        ("this is not lua", "functions_spec.lua: syntax error"),
        ("error('at once')", "at once"),
        (
            "it('a', function() functions { access = 'this is not lua' } request() end)",
            "'=' expected",
        ),
        ("it('a', function() request { path = 'a b' } end)", "request: "),
        ("it('a', function() request { ip = 'here' } end)", "'here' is no address"),
        ("it('a', function() clock('noon') end)", "clock: expected seconds since 1970"),
        ("it('a', function() upstream(function() error('mine') end) request() end)", "mine"),
    ] {
        let (code, said) = said_of(spec, &[]);
        assert_eq!(code, 1, "{spec}: {said}");
        assert!(said.contains(expected), "{spec}: {said}");
    }
    let (code, said) = with_files(&[("readme.md", "no spec")], &[]);
    assert!(code == 1 && said.contains("gateway: there is no spec"), "{said}");
    let (code, said) = Start::new().arg("test").arg("nowhere_spec.lua").ending();
    assert!(code == 1 && said.contains("gateway: nowhere_spec.lua: No such file"), "{said}");
}

#[test]
fn the_example_does_what_its_spec_says() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/specs");
    let (code, said) = Start::new().arg("test").arg(folder).ending();
    assert!(code == 0 && said.ends_with("4 passed, 0 failed, 0 pending"), "{said}");
}

#[test]
fn statements_that_have_run_are_told_from_those_that_have_not() {
    let function = "local key = kong.request.get_header(
  'x-key'
)
if not key then
  return kong.response.exit(401)
end
local function named(name)
  return name
end
kong.service.request.set_header('x-name', named(key))
";
    let plugin = "name: pre-function\nconfig:\n  log:\n    - |\n      if ngx.status == 404 then\n        \
                  kong.log.warn('nothing')\n      end\n    - kong.log.info('done')\n";
    let spec = "it('a', function()
        functions { access = 'auth.lua' } request { headers = { ['X-Key'] = 'a' } }
        functions 'kong.yml' request()
      end)";
    let start = Start::new();
    let auth = start.file("auth.lua", function);
    let kong = start.file("kong.yml", plugin);
    start.file("a_spec.lua", spec);
    let of = |file: &std::path::Path, lines: &str| {
        let file = std::fs::canonicalize(file).unwrap();
        format!("TN:\nSF:{}\n{lines}end_of_record\n", file.display())
    };
    let expected = of(&auth, "DA:1,1\nDA:4,1\nDA:5,0\nDA:8,1\nDA:10,1\nLF:5\nLH:4\n")
        + &of(&kong, "DA:5,1\nDA:6,0\nDA:8,1\nLF:3\nLH:2\n");
    let elsewhere = Start::new();
    let lcov = elsewhere.directory().join("lcov.info");
    let (code, said) = start.arg("test").arg(".").arg("--coverage").arg(&lcov).ending();
    assert_eq!(code, 0, "{said}");
    assert_eq!(std::fs::read_to_string(lcov).unwrap(), expected);
}

#[test]
fn functions_are_stopped_as_anywhere() {
    assert_passes(
        r#"
        it("ends", function()
          functions { access = [[while true do end]] }
          local response, _, logs = request()
          assert.equal(500, response.status)
          assert.matches("CPU budget exhausted", logs[1].message)
        end)
        it("has a sandbox", function()
          functions { access = [[kong.response.exit(200, { tostring(io.open), tostring(load) })]] }
          assert.same({ "nil", "nil" }, request().json())
        end)
        "#,
    );
}
