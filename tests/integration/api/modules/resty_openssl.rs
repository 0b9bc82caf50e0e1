//! `resty.openssl.*`: against what the program `openssl` and the RFCs have.

use std::time::Duration;

use tower_lua::Budget;

use crate::support::App;

/// Files of `keys` as Lua's texts, in a table `keys`.
macro_rules! keys {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("keys/", $name)))),*]
    };
}

const KEYS: [(&str, &str); 20] = keys!(
    "ca.pem",
    "ec-prime256v1.pem",
    "ec-prime256v1.pub.pem",
    "ec-secp256k1.pem",
    "ec-secp256k1.pub.pem",
    "ec-secp384r1.pem",
    "ec-secp384r1.pub.pem",
    "ec-secp521r1.pem",
    "ec-secp521r1.pub.pem",
    "ed25519.pem",
    "ed25519.pub.pem",
    "leaf.pem",
    "rsa-encrypted.pem",
    "rsa-pkcs1.pem",
    "rsa.pem",
    "rsa.pub.pem",
    "signatures.txt",
    "x25519-peer.pub.pem",
    "x25519.pem",
    "x25519.secret"
);

/// What `statements` are worth, with the modules and the keys that they name at hand.
pub(super) async fn eval(statements: &str) -> String {
    let mut source = String::from("(function() local keys = {} ");
    for (name, text) in KEYS {
        if statements.contains(&format!("{name:?}")) || statements.contains("keys[f]") {
            source.push_str(&format!("keys[{name:?}] = [[\n{text}]] "));
        }
    }
    for module in ["bn", "cipher", "digest", "hmac", "kdf", "mac", "pkey", "rand", "x509"] {
        if statements.contains(&format!("{module}.")) {
            source.push_str(&format!("local {module} = require('resty.openssl.{module}') "));
        }
    }
    source.push_str("local hex = require('resty.string').to_hex local b64 = ngx.encode_base64 ");
    App::eval(&format!("{source}{statements} end)()")).await
}

async fn assert_all(cases: &[(&str, &str)]) {
    for (statements, expected) in cases {
        assert_eq!(eval(statements).await, *expected, "{statements}");
    }
}

#[tokio::test]
async fn signatures_of_openssl_are_verified() {
    for line in include_str!("keys/signatures.txt").lines() {
        let mut fields = line.split(' ');
        let mut next = || fields.next().expect("four fields");
        let (file, digest, padding, signature) = (next(), next(), next(), next());
        let digest = if digest == "nil" { "nil".to_owned() } else { format!("'{digest}'") };
        let statements = format!(
            "local key = assert(pkey.new(keys[{file:?}]))
             local signature = ngx.decode_base64('{signature}')
             return key:verify(signature, 'a message', {digest}, {padding}),
               (key:verify(signature, 'another', {digest}, {padding})),
               (key:verify('short', 'a message', {digest}, {padding}))"
        );
        assert_eq!(eval(&statements).await, "true, false, false", "{line}");
    }
}

#[tokio::test]
async fn what_is_signed_is_verified_by_the_public_half() {
    let pairs = [
        ("rsa.pem", "rsa.pub.pem", "'sha256', 1"),
        ("rsa-pkcs1.pem", "rsa.pub.pem", "'sha512', pkey.PADDINGS.RSA_PKCS1_PSS_PADDING"),
        ("ec-prime256v1.pem", "ec-prime256v1.pub.pem", "'sha256', nil, { ecdsa_use_raw = true }"),
        ("ec-secp384r1.pem", "ec-secp384r1.pub.pem", "'sha384'"),
        ("ec-secp521r1.pem", "ec-secp521r1.pub.pem", "'sha512', nil, { ecdsa_use_raw = true }"),
        ("ec-secp256k1.pem", "ec-secp256k1.pub.pem", "'sha256'"),
        ("ed25519.pem", "ed25519.pub.pem", "nil"),
    ];
    for (private, public, manner) in pairs {
        let statements = format!(
            "local private, public = assert(pkey.new(keys[{private:?}])), assert(pkey.new(keys[{public:?}]))
             local signature = assert(private:sign('a message', {manner}))
             return public:verify(signature, 'a message', {manner}),
               (public:verify(signature, 'a massage', {manner})),
               private:is_private(), public:is_private(),
               private:to_PEM('public') == public:to_PEM(), (public:sign('a message', {manner}))"
        );
        assert_eq!(eval(&statements).await, "true, false, true, false, true, nil", "{private}");
    }
}

#[tokio::test]
async fn keys_go_through_pem_der_and_json_and_back() {
    let files = [
        "rsa.pem",
        "ec-prime256v1.pem",
        "ec-secp384r1.pem",
        "ec-secp521r1.pem",
        "ec-secp256k1.pem",
        "ed25519.pem",
        "x25519.pem",
    ];
    for file in files {
        let statements = format!(
            "local key = assert(pkey.new(keys[{file:?}]))
             local same = {{}}
             for _, half in ipairs {{ 'private', 'public' }} do
               for _, format in ipairs {{ 'PEM', 'DER', 'JWK' }} do
                 local text = assert(key:tostring(half, format))
                 local again = assert(pkey.new(text, {{ format = format, type = half == 'private' and 'pr' or 'pu' }}))
                 same[#same + 1] = tostring(again:tostring(half, format) == text)
               end
             end
             return table.concat(same, ' ')"
        );
        assert_eq!(eval(&statements).await, "true true true true true true", "{file}");
    }
}

#[tokio::test]
async fn keys_are_read_as_openssl_reads_them() {
    assert_all(&[
        (
            r#"return (pkey.new(keys["rsa-encrypted.pem"], { passphrase = "secret" })):to_PEM("private")
                 == keys["rsa.pem"]"#,
            "true",
        ),
        (
            r#"return pkey.new(keys["rsa-encrypted.pem"], { passphrase_cb = function() return "wrong" end })"#,
            "nil, pkey.new:load_key: bad decrypt",
        ),
        (r#"return pkey.new(keys["rsa.pem"], { type = "pu" })"#, "nil, pkey.new:load_key: unsupported"),
        (r#"return pkey.new("nonsense")"#, "nil, pkey.new:load_key: unsupported"),
        ("return pkey.new(1)", "nil, pkey.new: unexpected type number at #1"),
        (
            r#"return pkey.new("", { format = "X" })"#,
            "nil, pkey.new:load_key: expecting 'DER', 'PEM', 'JWK' or '*' as \"format\"",
        ),
        (
            r#"return pkey.new('{"kty":"oct","k":"AA"}')"#,
            "nil, pkey.new:load_key: jwk:load_jwk: not yet supported jwk type \"oct\"",
        ),
        (
            r#"return pkey.new('{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}')"#,
            "nil, pkey.new:load_key: jwk:load_jwk: point is not on curve",
        ),
    ])
    .await;
}

#[tokio::test]
async fn new_keys_have_what_was_asked_of_them() {
    assert_all(&[
        (
            "local key = assert(pkey.new({ type = 'EC', curve = 'secp521r1' }))
             return key:get_parameters().group, key:is_private(), key:get_key_type().sn",
            "716, true, id-ecPublicKey",
        ),
        ("return (pkey.new({ type = 'Ed25519' })):get_size()", "64"),
        (
            "return pkey.new({ type = 'EC', curve = 'brainpoolP160r1' })",
            "nil, pkey.new:new_key: generate_param: unknown curve brainpoolP160r1",
        ),
        (
            "return pkey.new({ type = 'RSA', bits = 100000 })",
            "nil, pkey.new:new_key: bits out of range",
        ),
        ("return pkey.new({ type = 'RSA', exp = 4 })", "nil, pkey.new:new_key: bad e value"),
        ("return pkey.new({ type = 'DSA' })", "nil, pkey.new:new_key: unsupported type DSA"),
    ])
    .await;
}

#[tokio::test]
async fn parameters_make_the_key_again() {
    for (file, kind) in [("rsa.pem", "RSA"), ("ec-secp384r1.pem", "EC"), ("ed25519.pem", "Ed25519")]
    {
        let statements = format!(
            "local key = assert(pkey.new(keys[{file:?}]))
             local params = key:get_parameters()
             local again = assert(pkey.new({{ type = '{kind}', params = params }}))
             return again:to_PEM('private') == key:to_PEM('private')"
        );
        assert_eq!(eval(&statements).await, "true", "{file}");
    }
}

#[tokio::test]
async fn secrets_are_derived_with_the_public_half_of_a_peer() {
    let expected = include_str!("keys/x25519.secret").trim();
    assert_all(&[
        (
            r#"local own, peer = pkey.new(keys["x25519.pem"]), pkey.new(keys["x25519-peer.pub.pem"])
               return hex(own:derive(peer))"#,
            expected,
        ),
        (
            "local a, b = pkey.new({ type = 'EC', curve = 'P-256' }), pkey.new({ type = 'EC', curve = 'P-256' })
             return a:derive(b) == b:derive(a), #a:derive(b)",
            "true, 32",
        ),
        (
            r#"return (pkey.new(keys["x25519.pem"])):derive("x")"#,
            "nil, pkey:derive: expect a pkey instance at #1",
        ),
    ])
    .await;
}

#[tokio::test]
async fn rsa_encrypts_with_both_paddings() {
    let oaep = include_str!("keys/oaep-sha256.txt");
    let theirs = format!(
        "local key = pkey.new(keys[\"rsa.pem\"])
         return key:decrypt(ngx.decode_base64('{oaep}'), 4, {{ oaep_md = 'sha256', mgf1_md = 'sha256' }})"
    );
    assert_eq!(eval(&theirs).await, "a message");
    assert_all(&[
        (
            r#"local key = pkey.new(keys["rsa.pem"])
               return key:decrypt(key:encrypt("s")), key:decrypt(key:encrypt("s", 4), 4)"#,
            "s, s",
        ),
        (
            r#"local key = pkey.new(keys["rsa.pem"])
               return key:encrypt(("s"):rep(300))"#,
            "nil, pkey:asymmetric_routine EVP_PKEY_encrypt: data too large for key size",
        ),
        (
            r#"return (pkey.new(keys["ed25519.pem"])):encrypt("s")"#,
            "nil, pkey:asymmetric_routine EVP_PKEY_encrypt: operation not supported for this keytype",
        ),
    ])
    .await;
}

// RFC 8037, A.4: EdDSA signs without a number that could differ.
#[tokio::test]
async fn ed25519_signs_as_rfc_8037_has_it() {
    let statements = r#"
        local key = assert(pkey.new('{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'))
        return require("ngx.base64").encode_base64url(key:sign("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"))"#;
    let expected =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(eval(statements).await, expected);
}

#[tokio::test]
async fn digests_and_codes_are_the_known_ones() {
    let code = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_all(&[
        ("local d = digest.new('sha256') d:update('a', 'b') return hex(d:final('c'))",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("return hex((digest.new()):final('abc'))", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("return digest.new('whirl')", "nil, digest.new: invalid digest type \"whirl\""),
        ("local h = hmac.new('Jefe', 'sha256') h:update('what do ya want ', 'for nothing?') return hex(h:final())", code),
        ("return hex((mac.new('Jefe', 'HMAC', nil, 'sha256')):final('what do ya want for nothing?'))", code),
        ("return hmac.new('k', 'x')", "nil, hmac.new: invalid digest type \"x\""),
        ("local h = hmac.new('k', 'sha1') local a = h:final('m') h:reset() return a == h:final('m')", "true"),
        ("return #rand.bytes(12), rand.bytes(12) == rand.bytes(12), rand.bytes('x')",
         "12, false, nil, rand.bytes: expect a number at #1"),
    ])
    .await;
}

// By `openssl enc`, NIST's GCM test case 4 and RFC 5869, 6070, 7914.
#[tokio::test]
async fn ciphers_and_derivations_are_the_known_ones() {
    assert_all(&[
        ("local c = cipher.new('aes-128-cbc') return hex(c:encrypt(('k'):rep(16), ('i'):rep(16), 'a message'))",
         CBC),
        ("local c = cipher.new('aes-256-cbc') c:init(('k'):rep(32), ('i'):rep(16), { is_encrypt = true })
          local a = c:update(('x'):rep(20)) .. c:update(('x'):rep(20)) .. c:final()
          return #a, (cipher.new('aes-256-cbc')):decrypt(('k'):rep(32), ('i'):rep(16), a)",
         "48, xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        ("local c = cipher.new('aes-256-gcm')
          local text = c:encrypt(('k'):rep(32), ('i'):rep(12), 'a message', false, 'aad')
          local tag = c:get_aead_tag()
          local d = cipher.new('aes-256-gcm')
          return #tag, d:decrypt(('k'):rep(32), ('i'):rep(12), text, false, 'aad', tag),
            (d:decrypt(('k'):rep(32), ('i'):rep(12), text, false, 'bad', tag))",
         "16, a message, nil"),
        ("return cipher.new('aes-1')", "nil, cipher.new: invalid cipher type \"aes-1\""),
        ("return (cipher.new('aes-128-ctr')):encrypt('k', 'i', 's')",
         "nil, cipher:init: incorrect key size, expect 16"),
        ("return hex(kdf.derive({ type = kdf.PBKDF2, outlen = 20, pass = 'password', salt = 'salt', pbkdf2_iter = 2, md = 'sha1' }))",
         "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
        ("return hex(kdf.derive({ type = kdf.SCRYPT, outlen = 64, pass = 'password', salt = 'NaCl', scrypt_N = 1024, scrypt_r = 8, scrypt_p = 16 }))",
         "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"),
        ("return hex((kdf.new('HKDF')):derive(42, { digest = 'sha256', key = ('\\11'):rep(22),
            salt = '\\0\\1\\2\\3\\4\\5\\6\\7\\8\\9\\10\\11\\12', info = '\\240\\241\\242\\243\\244\\245\\246\\247\\248\\249' }))",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
        ("return kdf.derive({ type = kdf.HKDF, outlen = 16 })", "nil, kdf.derive: \"hkdf_key\" must be set"),
    ])
    .await;
}

#[tokio::test]
async fn numbers_are_calculated_with() {
    assert_all(&[
        ("return tostring(bn.new('12345678901234567890') * bn.new(10) + 5)", "123456789012345678905"),
        ("return (bn.new('FF', 16)):to_dec(), (bn.new(255)):to_hex(), hex((bn.new(258)):to_binary(4))",
         "255, FF, 00000102"),
        ("return tostring(bn.mod_exp(4, 13, 497)), tostring(bn.gcd(12, 18)), tostring(-bn.new(7) / 2)",
         "445, 6, -3"),
        ("return (bn.new('340282366920938463463374607431768211507')):is_prime(), (bn.new(9)):is_prime()",
         "true, false"),
        ("return bn.new(1) < bn.new(2), bn.new(3) == bn.new(3), (bn.new(0)):is_zero()", "true, true, true"),
        ("return pcall(bn.div, 1, 0)", "false, BN_div() failed"),
        ("return pcall(bn.exp, 2, 1e9)", "false, BN_exp() failed"),
        ("return bn.new({})", "nil, bn.new: set_bn: expect nil, a number or a string at #1"),
    ])
    .await;
}

#[tokio::test]
async fn certificates_say_what_is_in_them() {
    assert_all(&[
        (
            r#"local cert = assert(x509.new(keys["leaf.pem"]))
               return tostring(cert:get_subject_name()), tostring(cert:get_issuer_name()),
                 tostring(cert:get_serial_number()), cert:get_version(), cert:get_signature_name(),
                 cert:get_not_before() < ngx.time(), tostring(cert:get_subject_alt_name()),
                 cert:get_subject_name():find("CN").blob"#,
            "CN=leaf.example.com, C=DE/O=Example/CN=ca.example.com, 4711, 3, RSA-SHA256, true, \
             DNS=leaf.example.com/IP=127.0.0.1, leaf.example.com",
        ),
        (
            r#"local leaf, ca = x509.new(keys["leaf.pem"]), x509.new(keys["ca.pem"])
               return leaf:verify(ca:get_pubkey()), leaf:verify(leaf:get_pubkey()),
                 ca:verify(ca:get_pubkey()), leaf:to_PEM() == keys["leaf.pem"], hex(leaf:digest("sha256"))"#,
            "true, false, true, true, FINGERPRINT",
        ),
        (
            r#"local leaf, key = x509.new(keys["leaf.pem"]), pkey.new(keys["ec-prime256v1.pem"])
               return leaf:check_private_key(key), (leaf:check_private_key((pkey.new(keys["rsa.pem"]))))"#,
            "true, false",
        ),
        ("return x509.new('nonsense')", "nil, x509.new: failed to read a certificate"),
    ].map(|(statements, expected)| (statements, if expected.contains("FINGERPRINT") { FINGERPRINT } else { expected })))
    .await;
}

/// By `openssl x509 -fingerprint`.
const FINGERPRINT: &str =
    "true, false, true, true, 9827d384646abcdb35b6176ac47306bf74df4c4c4fae2b3186df9f2a11c58443";
/// By `openssl enc`.
const CBC: &str = "328209d2bba74349d0e2424478756afd";

/// What takes long is ended by the budget, or refused, and the next request is served.
#[tokio::test]
async fn what_takes_long_has_an_end() {
    const HOSTILE: [&str; 6] = [
        "while true do pkey.new({ bits = 1024 }) end",
        "kdf.derive({ type = kdf.PBKDF2, outlen = 64, pass = 'p', salt = 's', pbkdf2_iter = 1e15, md = 'sha512' })",
        "assert(kdf.derive({ type = kdf.PBKDF2, outlen = 1e15, pass = 'p', salt = 's', pbkdf2_iter = 1 }))",
        "assert(kdf.derive({ type = kdf.SCRYPT, outlen = 64, pass = 'p', salt = 's', scrypt_N = 2^40, scrypt_r = 8, scrypt_p = 1 }))",
        "local n = bn.new(2) while true do n = n * n end",
        "while true do bn.generate_prime(512) end",
    ];
    let budget = Budget::default().call_time(Duration::from_millis(100));
    for hostile in HOSTILE {
        let source = format!(
            r##"
            local pkey, kdf = require("resty.openssl.pkey"), require("resty.openssl.kdf")
            local bn = require("resty.openssl.bn")
            return function()
              if kong.request.get_path() == "/hostile" then {hostile} end
              return kong.response.exit(200, "fine")
            end
            "##
        );
        let app = App::builder().budget(budget.clone()).access(&source).serve().await;
        assert_eq!(app.get("/hostile").send().await.status, 500, "{hostile}");
        assert_eq!(app.get("/").send().await.text(), "fine", "{hostile}");
    }
}
