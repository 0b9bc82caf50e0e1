//! `kong.vault`: secrets by reference.

use crate::support::App;
use crate::support::Events;

/// Variables that cargo sets for tests: setting others takes `unsafe`.
const NAMES: [&str; 3] = ["CARGO_PKG_NAME", "CARGO_PKG_VERSION", "CARGO_PKG_DESCRIPTION_NOT"];

async fn answer(source: &str) -> String {
    let app = App::builder()
        .runtime(|runtime| runtime.environment(NAMES))
        .access(&format!(
            "local vault, values = kong.vault, {{}}
             local function collect(...)
               for i = 1, select('#', ...) do values[i] = tostring((select(i, ...))) end
             end
             collect((function() return {source} end)())
             kong.response.exit(200, table.concat(values, ', '))"
        ))
        .serve()
        .await;
    app.get("/").send().await.text()
}

#[tokio::test]
async fn a_reference_looks_like_one() {
    for (value, expected) in [
        ("'{vault://env/key}'", "true"),
        ("'{vault://}'", "true"),
        ("'not a reference'", "false"),
        ("'{vault:/env/key}'", "false"),
        ("'{vault://env/key'", "false"),
        ("'vault://env/key}'", "false"),
        ("''", "false"),
        ("nil", "false"),
        ("1", "false"),
        ("{}", "false"),
    ] {
        assert_eq!(answer(&format!("vault.is_reference({value})")).await, expected, "{value}");
    }
}

#[tokio::test]
async fn a_reference_has_parts() {
    for (reference, expected) in [
        ("{vault://env/cert/key?prefix=SSL_#1}", "env, cert, key, SSL_, 1"),
        ("{vault://env/cert}", "env, cert, nil, nil, nil"),
        ("{vault://env/a/b/c}", "env, a/b, c, nil, nil"),
        ("{vault://env/a/b/}", "env, a/b, nil, nil, nil"),
        ("{vault://env//a}", "env, a, nil, nil, nil"),
        ("{vault://my-vault/a%20b/c%2Fd}", "my-vault, a b, c/d, nil, nil"),
        ("{vault://user@host:80/a?}", "host, a, nil, nil, nil"),
    ] {
        let source = format!(
            "(function()
               local ref = vault.parse_reference('{reference}')
               return ref.name, ref.resource, ref.key, ref.config and ref.config.prefix, ref.version
             end)()"
        );
        assert_eq!(answer(&source).await, expected, "{reference}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_reference_is_said() {
    for (reference, message) in [
        ("'secret'", "not a reference [secret]"),
        ("nil", "not a reference [nil]"),
        ("7", "not a reference [7]"),
        ("'{vault://}'", "reference url is missing host [{vault://}]"),
        ("'{vault:///a}'", "reference url is missing host [{vault:///a}]"),
        ("'{vault://env}'", "reference url is missing path [{vault://env}]"),
        ("'{vault://env/}'", "reference url has empty path [{vault://env/}]"),
        ("'{vault://env//}'", "reference url has invalid path [{vault://env//}]"),
        ("'{vault://env/a#b}'", "reference url has invalid version [{vault://env/a#b}]"),
    ] {
        for function in ["parse_reference", "get"] {
            let seen = answer(&format!("vault.{function}({reference})")).await;
            assert_eq!(seen, format!("nil, {message}"), "{function}({reference})");
        }
    }
}

#[tokio::test]
async fn the_env_vault_has_the_variables_that_were_granted() {
    for (reference, expected) in [
        ("env/cargo-pkg-name", "tower-lua"),
        ("env/CARGO_PKG_NAME", "tower-lua"),
        ("env/name?prefix=cargo_pkg_", "tower-lua"),
        ("env/Cargo-Pkg-Version#1", env!("CARGO_PKG_VERSION")),
    ] {
        assert_eq!(answer(&format!("vault.get('{{vault://{reference}}}')")).await, expected);
    }
}

#[tokio::test]
async fn nothing_else_is_to_be_had() {
    let nothing = "nil, could not get value from external vault (no value found)";
    for (reference, expected) in [
        // Granted, but not there.
        ("env/cargo-pkg-description-not", nothing),
        // There, but not granted.
        ("env/path", nothing),
        ("env/cargo-manifest-dir", nothing),
        ("env/cargo-pkg-name#2", nothing),
        ("hcv/cargo-pkg-name", "nil, could not find vault (hcv)"),
    ] {
        assert_eq!(answer(&format!("vault.get('{{vault://{reference}}}')")).await, expected);
    }
    let ungranted = "select(2, kong.vault.get('{vault://env/cargo-pkg-name}'))";
    assert_eq!(App::eval(ungranted).await, nothing.trim_start_matches("nil, "));
}

#[tokio::test]
async fn a_secret_that_is_no_object_has_no_fields_and_stays_secret() {
    let seen = answer("vault.get('{vault://env/cargo-pkg-name/key}')").await;
    assert_eq!(
        seen,
        "nil, could not get value from external vault (could not get subfield value: unable to json \
         decode value (nil): no JSON at line 1 column 2)"
    );
}

#[tokio::test]
async fn the_prefix_can_be_configured() {
    let app = App::builder()
        .runtime(|runtime| {
            let configuration = serde_json::json!({ "vault_env_prefix": "CARGO_PKG_" });
            runtime.environment(NAMES).configuration(configuration)
        })
        .access("kong.response.exit(200, kong.vault.get('{vault://env/name}'))")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "tower-lua");
}

#[tokio::test]
async fn update_puts_secrets_in_the_place_of_references() {
    let source = "(function()
        local options = {
          plain = 'plain', name = '', list = { '', '' },
          nested = { name = 'old', ['$refs'] = { name = '{vault://env/cargo-pkg-name}' } },
          ['$refs'] = {
            name = '{vault://env/cargo-pkg-name}',
            list = { '{vault://env/cargo-pkg-name}', '{vault://env/path}' },
          },
        }
        local same = vault.update(options)
        return same == options, options.plain, options.name, options.list[1], '[' .. options.list[2] .. ']',
               options.nested.name
      end)()";
    let expected = "true, plain, tower-lua, tower-lua, [], tower-lua";
    assert_eq!(answer(source).await, expected);
    assert_eq!(
        answer("vault.update('a'), vault.update(nil), vault.update({}) ~= nil").await,
        "a, nil, true"
    );
}

#[tokio::test]
async fn try_calls_once_more_when_the_first_call_gives_nothing() {
    for (callback, options, expected) in [
        ("return o.name", "name = 'old', ['$refs'] = refs", "tower-lua, 1"),
        ("return n > 1 and o.name", "['$refs'] = refs", "tower-lua, 2"),
        ("return nil", "['$refs'] = refs", "nil, 2"),
        ("return o.name", "name = 'old'", "old, 1"),
        ("return nil", "name = 'old'", "nil, 1"),
        ("return o.deep.name", "deep = { ['$refs'] = refs }", "tower-lua, 1"),
    ] {
        let source = format!(
            "(function()
               local n, refs = 0, {{ name = '{{vault://env/cargo-pkg-name}}' }}
               local result = vault.try(function(o) n = n + 1 {callback} end, {{ {options} }})
               return tostring(result), n
             end)()"
        );
        assert_eq!(answer(&source).await, expected, "{callback} {options}");
    }
}

#[tokio::test]
async fn a_reference_that_leads_nowhere_is_logged_without_a_secret() {
    let events = Events::capture();
    answer("vault.update({ ['$refs'] = { a = '{vault://env/cargo-pkg-name/key}' } })").await;
    let messages = events.messages();
    let warned =
        messages.iter().find(|message| message.contains("error updating secret reference"));
    let warned = warned.expect("a warning");
    assert!(warned.contains("{vault://env/cargo-pkg-name/key}: could not get value"), "{warned}");
    assert!(!messages.iter().any(|message| message.contains("tower-lua,")), "{messages:?}");
}

#[tokio::test]
async fn tables_that_hold_themselves_end_with_an_error() {
    let source = "(function()
        local t = {} t.t = t
        local ok, err = pcall(vault.update, t)
        return ok, tostring(err):find('stack overflow', 1, true) ~= nil
      end)()";
    assert_eq!(answer(source).await, "false, true");
}
