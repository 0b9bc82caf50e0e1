//! `resty.jwt`, `resty.jwt-validators`, `kong.plugins.jwt.jwt_parser`.

use super::resty_openssl::eval;
use crate::support::App;

/// What `statements` are worth, with both modules at hand.
async fn with_jwt(statements: &str) -> String {
    let modules = "local jwt, parser = require('resty.jwt'), require('kong.plugins.jwt.jwt_parser')
                   local validators = require('resty.jwt-validators') local f";
    eval(&format!("{modules} {statements}")).await
}

/// RFC 7515, A.3.
const ES256_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const ES256_TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

#[tokio::test]
async fn the_token_of_rfc_7515_is_verified_and_expired() {
    let statements = format!(
        "local key = (require('resty.openssl.pkey').new('{ES256_KEY}')):to_PEM()
         local object = jwt:verify(key, '{ES256_TOKEN}')
         local past = jwt:verify(key, '{ES256_TOKEN}', {{ exp = function() return true end }})
         local token = parser:new('{ES256_TOKEN}')
         local _, errors = token:verify_registered_claims({{ 'exp' }})
         return object.verified, object.reason, past.verified, token:verify_signature(key), errors.exp"
    );
    let expected =
        "false, 'exp' claim expired at Tue, 22 Mar 2011 18:43:00 GMT, true, true, token expired";
    assert_eq!(with_jwt(&statements).await, expected);
}

#[tokio::test]
async fn what_either_signs_both_verify() {
    let pairs = [
        ("HS256", None),
        ("HS512", None),
        ("RS256", Some(("rsa.pem", "rsa.pub.pem"))),
        ("PS384", Some(("rsa.pem", "rsa.pub.pem"))),
        ("ES256", Some(("ec-prime256v1.pem", "ec-prime256v1.pub.pem"))),
        ("ES512", Some(("ec-secp521r1.pem", "ec-secp521r1.pub.pem"))),
        ("EdDSA", Some(("ed25519.pem", "ed25519.pub.pem"))),
    ];
    for (algorithm, keys) in pairs {
        let (private, public) = match keys {
            Some((private, public)) => (format!("keys[{private:?}]"), format!("keys[{public:?}]")),
            None => ("'secret'".to_owned(), "'secret'".to_owned()),
        };
        let statements = format!(
            "local a = jwt:sign({private}, {{ header = {{ typ = 'JWT', alg = '{algorithm}' }}, payload = {{ sub = 'ada' }} }})
             local b = parser.encode({{ sub = 'ada' }}, {private}, '{algorithm}')
             local seen = {{}}
             for _, token in ipairs {{ a, b }} do
               local object = jwt:verify({public}, token)
               seen[#seen + 1] = tostring(object.verified) .. ' ' .. tostring(object.payload.sub)
               seen[#seen + 1] = tostring((parser:new(token)):verify_signature({public}))
             end
             local forged = a:gsub('%.[^.]+$', function(s) return '.' .. s:reverse() end)
             seen[#seen + 1] = tostring(jwt:verify({public}, forged).verified)
             return table.concat(seen, ', ')"
        );
        let expected = "true ada, true, true ada, true, false";
        assert_eq!(with_jwt(&statements).await, expected, "{algorithm}");
    }
}

#[tokio::test]
async fn tokens_are_refused_for_a_reason() {
    let cases = [
        ("return jwt:verify('s', 'x').reason", "invalid jwt string"),
        ("return jwt:load_jwt('x.y.z').reason", "invalid header: x"),
        (
            "jwt:set_alg_whitelist({ RS256 = 1 })
             return jwt:verify('s', parser.encode({}, 's')).reason",
            "whitelist unsupported alg: HS256",
        ),
        // A public key is no secret of HMAC's: the whitelist, or the key's kind, tells them apart.
        (
            r#"local token = parser.encode({ a = 1 }, keys["rsa.pem"], "RS256")
               return jwt:verify(keys["ec-prime256v1.pub.pem"], token).reason"#,
            "Verification failed: the key is none of RS256",
        ),
        (
            "local token = parser.encode({ iss = 'a', aud = { 'x' } }, 's')
             local function reason(spec) return jwt:verify('s', token, spec).reason end
             return reason({ iss = validators.equals('b') }) .. '; ' .. reason({ sub = validators.required() }) .. '; ' ..
               reason({ sub = validators.opt_equals('b'), aud = validators.contains_any_of({ 'x' }) })",
            "Claim 'iss' ('a') returned failure; Claim 'sub' is required.; everything is awesome~ :p",
        ),
        (
            "local token = parser.encode({ exp = ngx.time() - 5, iss = 'a' }, 's')
             return jwt:verify('s', token, { lifetime_grace_period = 60, valid_issuers = { 'a' } }).verified",
            "true",
        ),
        ("return pcall(jwt.sign, jwt, 's', { header = { alg = 'X' }, payload = {} })", "false, {\"reason\":\"unsupported alg: X\"}"),
        ("return parser:new('a.b.c')", "nil, invalid JSON"),
        ("return pcall(parser.new, parser, 1)", "false, Token must be a string, got 1"),
        ("return pcall(parser.encode, {}, 's', 'X')", "false, Algorithm not supported"),
    ];
    for (statements, expected) in cases {
        let seen = with_jwt(statements).await;
        assert!(
            seen == expected
                || seen
                    .ends_with(&format!(": {}", &expected["false, ".len().min(expected.len())..])),
            "{statements}: {seen}"
        );
    }
}

#[tokio::test]
async fn tokens_are_encrypted_for_who_has_the_key() {
    for encryption in ["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"] {
        let statements = format!(
            "local lengths = {{ ['A128CBC-HS256'] = 32, ['A256CBC-HS512'] = 64, A128GCM = 16, A256GCM = 32 }}
             local key = ('k'):rep(lengths['{encryption}'])
             local object = {{ header = {{ alg = 'dir', enc = '{encryption}' }}, payload = {{ sub = 'ada' }} }}
             local token = jwt:sign(key, object)
             local back = jwt:verify(key, token)
             local wrong = jwt:verify(key:gsub('k', 'l'), token)
             object.header.alg = 'RSA-OAEP-256'
             local by_rsa = jwt:verify(keys[\"rsa.pem\"], jwt:sign(keys[\"rsa.pub.pem\"], object))
             return back.verified, back.payload.sub, wrong.verified, by_rsa.payload.sub"
        );
        assert_eq!(with_jwt(&statements).await, "true, ada, false, ada", "{encryption}");
    }
}

#[tokio::test]
async fn an_encrypted_token_with_a_part_changed_is_refused() {
    let statements = "
        local key = ('k'):rep(32)
        local object = { header = { alg = 'dir', enc = ENC }, payload = { sub = 'ada' } }
        local parts = {}
        for part in (jwt:sign(key, object) .. '.'):gmatch('([^.]*)%.') do parts[#parts + 1] = part end
        local outcomes = {}
        for place = 1, #parts do
          local changed = { unpack(parts) }
          local part = changed[place]
          changed[place] = #part > 0 and (part:sub(1, 1) == 'A' and 'B' or 'A') .. part:sub(2) or 'AAAA'
          local back = jwt:verify(key, table.concat(changed, '.'))
          outcomes[place] = tostring(back.verified) .. type(back.reason)
        end
        outcomes[#outcomes + 1] = tostring(jwt:verify(nil, table.concat(parts, '.')).reason)
        return table.concat(outcomes, ' ')";
    for encryption in ["'A128CBC-HS256'", "'A256GCM'"] {
        let seen = with_jwt(&statements.replace("ENC", encryption)).await;
        // With a key of its own, the key that comes with the token is nothing.
        let expected = "falsestring truestring falsestring falsestring falsestring \
                        preshared key must not be null";
        assert_eq!(seen, expected, "{encryption}");
    }
}

#[tokio::test]
async fn each_validator_says_what_is_wrong_with_a_claim() {
    let right = "everything is awesome~ :p";
    let cases = [
        ("validators.equals(1)", "1", right),
        ("validators.equals(1)", "2", "Claim 'a' ('2') returned failure"),
        ("validators.matches('^x+$')", "'xx'", right),
        ("validators.matches('^x+$')", "'xy'", "Claim 'a' ('xy') returned failure"),
        ("validators.matches('x')", "7", "Claim 'a' is malformed.  Expected to be a string."),
        ("validators.greater_than(1)", "2", right),
        ("validators.greater_than(1)", "1", "Claim 'a' ('1') returned failure"),
        ("validators.greater_than_or_equal(1)", "1", right),
        ("validators.less_than(1)", "0", right),
        ("validators.less_than(1)", "'0'", "Claim 'a' is malformed.  Expected to be a number."),
        ("validators.less_than_or_equal(1)", "2", "Claim 'a' ('2') returned failure"),
        ("validators.equals_any_of({ 'x', 'y' })", "'y'", right),
        ("validators.equals_any_of({ 'x' })", "'z'", "Claim 'a' ('z') returned failure"),
        (
            "validators.equals_any_of({ 'x' })",
            "{}",
            "Claim 'a' is malformed.  Expected to be a string.",
        ),
        ("validators.matches_any_of({ '^x', '^y' })", "'yes'", right),
        ("validators.contains_any_of({ 'x' })", "{ 'w', 'x' }", right),
        (
            "validators.contains_any_of({ 'x' })",
            "{ 'w' }",
            "Claim 'a' ('[\"w\"]') returned failure",
        ),
        (
            "validators.contains_any_of({ 'x' })",
            "'x'",
            "Claim 'a' is malformed.  Expected to be a table.",
        ),
        ("validators.contains_any_matching_of({ '^x' })", "{ 'w', 'xy' }", right),
        ("validators.is_not_before()", "0", right),
        (
            "validators.is_not_before()",
            "4000000000",
            "'a' claim not valid until Tue, 02 Oct 2096 07:06:40 GMT",
        ),
        ("validators.is_not_expired()", "1", "'a' claim expired at Thu, 01 Jan 1970 00:00:01 GMT"),
        (
            "validators.is_not_expired()",
            "-1",
            "Claim 'a' is malformed.  Expected to be a positive numeric value.",
        ),
        ("validators.is_at()", "ngx.time()", right),
        ("validators.is_at()", "1", "'a' claim is only valid at Thu, 01 Jan 1970 00:00:01 GMT"),
        ("validators.required()", "nil", "Claim 'a' is required."),
        ("validators.opt_equals(1)", "nil", right),
        ("validators.opt_is_not_expired()", "nil", right),
        (
            "validators.chain(validators.required(), validators.equals(1))",
            "2",
            "Claim 'a' ('2') returned failure",
        ),
    ];
    for (validator, value, expected) in cases {
        let statements = format!(
            "local token = parser.encode({{ a = {value}, b = 1 }}, 's')
             return jwt:verify('s', token, {{ a = {validator} }}).reason"
        );
        assert_eq!(with_jwt(&statements).await, expected, "{validator} of {value}");
    }
    for (made, expected) in [
        ("validators.equals()", "Cannot create validator for nil check_val."),
        ("validators.matches(1)", "Cannot create validator for non-string check_val."),
        ("validators.equals_any_of({})", "Cannot create validator for empty table check_values."),
        ("validators.require_one_of('a')", "Cannot create validator for non-table claim_keys."),
        ("validators.chain(1)", "All chain functions must be functions"),
        ("validators.set_system_leeway(-1)", "'leeway' is expected to be a non-negative number"),
    ] {
        let statements = format!("return select(2, pcall(function() return {made} end))");
        assert_eq!(with_jwt(&statements).await, expected, "{made}");
    }
    let one_of = "local token = parser.encode({ b = 1 }, 's')
                  local spec = { __jwt = validators.require_one_of({ 'a', 'c' }) }
                  return jwt:verify('s', token, spec).reason";
    assert_eq!(with_jwt(one_of).await, "Missing one of claims - [ a, c ].");
}

#[tokio::test]
async fn a_certificate_that_comes_with_a_token_must_be_of_a_trusted_one() {
    let statements = r#"
        local x5c = { ngx.encode_base64(require("resty.openssl.x509").new(keys["leaf.pem"]):tostring("DER")) }
        local token = jwt:sign(keys["ec-prime256v1.pem"], { header = { alg = "ES256", x5c = x5c }, payload = { a = 1 } })
        local untrusted = jwt:verify(nil, token).reason
        jwt:set_trusted_certs(keys["ca.pem"])
        local trusted = jwt:verify(nil, token).reason
        jwt:set_trusted_certs(keys["leaf.pem"])
        return untrusted, trusted, jwt:verify(nil, token).verified"#;
    let expected = "No trusted certs loaded, everything is awesome~ :p, false";
    assert_eq!(with_jwt(statements).await, expected);
}

#[tokio::test]
async fn what_one_function_sets_in_the_validators_is_not_for_another() {
    let verified = format!(
        "local pkey, jwt = require('resty.openssl.pkey'), require('resty.jwt')
         local verified = jwt:verify((pkey.new('{ES256_KEY}')):to_PEM(), '{ES256_TOKEN}').verified
         require('recorder')(verified)"
    );
    let lenient = format!("require('resty.jwt-validators').set_system_leeway(1e10) {verified}");
    let app = App::builder().access(&lenient).access(&verified).serve().await;
    app.get("/").send().await;
    assert_eq!(app.recorder.entries(), ["true", "false"]);
}
