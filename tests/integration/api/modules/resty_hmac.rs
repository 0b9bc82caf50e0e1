//! `resty.hmac`.

use crate::api::ngx::{assert_errors, assert_values};
use crate::support::App;

/// What `statements` are worth, with `hmac` at hand.
async fn eval(statements: &str) -> String {
    App::eval(&format!("(function() local hmac = require('resty.hmac') {statements} end)()")).await
}

// By Python's hmac: of `what do ya want for nothing?` with the keys `Jefe` and 200 times `k`.
const KNOWN: [(&str, [&str; 2]); 5] = [
    ("MD5", ["750c783e6ab0b503eaa86e310a5db738", "7efd47c4741ddbd3a934b63153177d51"]),
    (
        "SHA1",
        ["effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", "4755d08a1125f27e54c109d72b97f1a5c011ca86"],
    ),
    (
        "SHA256",
        [
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            "a2bd1bf68ab6f90daa9cd982a1df2a8788ff6986b6e9569b3c053ebd26e1892e",
        ],
    ),
    (
        "SHA384",
        [
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            "300fcd39ac7318fd359b95873edaaa3ef861697e4656c618bde703dd11ca59823ee4628658e4db65e3d9a306c99ec957",
        ],
    ),
    (
        "SHA512",
        [
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            "eebf5aa85776a2e413a2377ebaca38b196315b356f17f266586a7cfc00aa891bc317b53e5bf89ce76c8e8f567a77ea7f0cf5ee590485db606197338b7d1745b6",
        ],
    ),
];

#[tokio::test]
async fn codes_are_the_known_ones() {
    for (name, [short, long]) in KNOWN {
        for (key, code) in [("'Jefe'", short), ("('k'):rep(200)", long)] {
            let statements = format!(
                "local h = hmac:new({key}, hmac.ALGOS.{name})
                 return h:update('what do ya want '), h:final('for nothing?', true)"
            );
            assert_eq!(eval(&statements).await, format!("true, {code}"), "{name}");
        }
    }
}

#[tokio::test]
async fn the_code_is_binary_unless_hex_is_asked_for() {
    let statements = "local h = hmac:new('k') h:update('m') local raw = h:final()
                      h:reset() h:update('m')
                      return #raw, require('resty.string').to_hex(raw) == h:final(nil, true)";
    assert_eq!(eval(statements).await, "16, true");
}

#[tokio::test]
async fn a_final_object_has_no_more_to_say_until_it_is_reset() {
    let statements = "local h = hmac:new('k', hmac.ALGOS.SHA256) local first = h:final('m', true)
                      local late, last = h:update('m'), h:final('m')
                      return late, last, h:reset(), h:final('m', true) == first";
    assert_eq!(eval(statements).await, "false, nil, true, true");
}

#[tokio::test]
async fn it_checks_a_token_as_functions_do() {
    let app = App::access(
        "local hmac, base64 = require('resty.hmac'), require('ngx.base64')
         local token = kong.request.get_header('authorization'):match('^Bearer (.+)$')
         local message, signature = token:match('^(.*)%.(.-)$')
         local expected = hmac:new('secret', hmac.ALGOS.SHA256):final(message)
         if base64.encode_base64url(expected) ~= signature then kong.response.exit(401) end",
    )
    .await;
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.UUtsUaeO3koQylSZ3wxP4lqVvgFw6mGsVzGNBNF_1sQ";
    let reply = app.get("/").header("authorization", format!("Bearer {token}")).send().await;
    assert_eq!(reply.status, 200);
    let reply = app.get("/").header("authorization", format!("Bearer {token}A")).send().await;
    assert_eq!(reply.status, 401);
}

#[tokio::test]
async fn arguments_are_checked() {
    let no_algorithm = |kind| {
        format!(
            "bad argument #4 to 'HMAC_Init_ex' (cannot convert '{kind}' to 'const struct evp_md_st \
             *')"
        )
    };
    assert_errors(&[
        ("require('resty.hmac'):new()", "attempt to get length of local 'key' (a nil value)"),
        ("require('resty.hmac'):new('k', 'sha999')", &*no_algorithm("string")),
        ("require('resty.hmac'):new('k', 5)", &*no_algorithm("number")),
        (
            "require('resty.hmac'):new('k'):update()",
            "attempt to get length of local 's' (a nil value)",
        ),
        (
            "require('resty.hmac'):new('k'):final(5)",
            "attempt to get length of local 's' (a number value)",
        ),
    ])
    .await;
    assert_values(&[("(pcall(require('resty.hmac').final, {}))", "false")]).await;
}
