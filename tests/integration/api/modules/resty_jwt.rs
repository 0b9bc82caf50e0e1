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
