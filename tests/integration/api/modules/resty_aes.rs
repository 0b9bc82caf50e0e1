//! `resty.aes`.

use std::time::Duration;

use tower_lua::Budget;

use crate::api::ngx::{assert_errors, assert_values};
use crate::support::App;

/// What `statements` are worth, with `aes` and `hex` at hand.
async fn eval(statements: &str) -> String {
    App::eval(&format!(
        "(function()
           local aes, hex = require('resty.aes'), require('resty.string').to_hex
           local function bytes(count, step, first)
             local bytes = {{}}
             for i = 0, count - 1 do bytes[i + 1] = string.char((i * step + first) % 256) end
             return table.concat(bytes)
           end
           {statements}
         end)()"
    ))
    .await
}

// What lua-resty-string's own tests expect.
#[tokio::test]
async fn secrets_are_derived_as_by_openssl() {
    for (arguments, expected) in [
        ("'secret'", "7b47a4dbb11e2cddb2f3740c9e3a552b"),
        ("''", "6cb1a35bf9d66e92c9dec684fc329746"),
        ("'secret', 'WhatSalt'", "f72db89f8e19326d8da4928be106705c"),
        (
            "'secret', nil, aes.cipher(256, 'ecb'), aes.hash.sha1",
            "927148b31f0e89696a222489403f540d",
        ),
        (
            "'secret', nil, aes.cipher(256, 'ecb'), aes.hash.sha1, 5",
            "d1a9b6e59b8980e783df223889563bee",
        ),
    ] {
        let statements = format!(
            "local cipher = aes:new({arguments})
             local encrypted = cipher:encrypt('hello')
             return hex(encrypted), cipher:decrypt(encrypted)"
        );
        assert_eq!(eval(&statements).await, format!("{expected}, hello"), "{arguments}");
    }
}

// The MD5 of what Python's cryptography makes of 75 bytes, by OpenSSL.
const KNOWN: [(u16, &str, &str); 18] = [
    (128, "ecb", "9b45b50844d0ae7d7558ad60f961b325"),
    (128, "cbc", "773252c1c6aad8d71f115e2c56d565fc"),
    (128, "cfb8", "6c1a3da62416748ab1c8dd343aecf0a9"),
    (128, "cfb128", "0d34a79ed5585a604cb88413427c0622"),
    (128, "ofb", "7c6229a11d8292b5ab0cdb9894f5d862"),
    (128, "ctr", "173b81c25fb91e7bebf1a0715af15fb0"),
    (192, "ecb", "19fddd9d73e6a8466ffbabb6e5ed1638"),
    (192, "cbc", "4589a86078012e2b1780be9ab3c347e7"),
    (192, "cfb8", "60bdf5371a15e4d4aacff54c92cf19f3"),
    (192, "cfb128", "fe47c5054565e861cd452fac67f9bcbb"),
    (192, "ofb", "eed576a435d32d9e8002bf26f0519c42"),
    (192, "ctr", "d95064b145066656151d906dd7850a32"),
    (256, "ecb", "719e0cc38063234a3da1412665ef5373"),
    (256, "cbc", "82374bd7aa35eb6e966d9485aefc849c"),
    (256, "cfb8", "47deb6439953d53dec0cbf0bcd6dc9b6"),
    (256, "cfb128", "ae16f6479278c55c046690f16b6b8d9a"),
    (256, "ofb", "f94f9e24a4dcb2638f82b93f1b10d91f"),
    (256, "ctr", "60742f74a697c5f40fa87923f6392d73"),
];

#[tokio::test]
async fn texts_are_the_known_ones_in_every_mode() {
    for (size, mode, expected) in KNOWN {
        let statements = format!(
            "local text, iv = bytes(70, 1, 0) .. 'tower', bytes(16, 1, 200)
             local cipher = aes:new(bytes({size} / 8, 7, {size}), nil, aes.cipher({size}, '{mode}'), {{iv = iv}})
             local encrypted = cipher:encrypt(text)
             return ngx.md5(encrypted), cipher:decrypt(encrypted) == text"
        );
        assert_eq!(eval(&statements).await, format!("{expected}, true"), "{size} {mode}");
    }
}

// By the command `openssl enc -aes-128-cfb1`.
#[tokio::test]
async fn cfb1_goes_bit_by_bit() {
    let statements = "local cipher = aes:new(bytes(16, 1, 0), nil, aes.cipher(128, 'cfb1'), {iv = bytes(16, 1, 200)})
                      local encrypted = cipher:encrypt('tower')
                      return hex(encrypted), cipher:decrypt(encrypted)";
    assert_eq!(eval(statements).await, "3cff9e2307, tower");
}

// The same by GCM: vector, what is authenticated beside the text, MD5, tag.
const GCM: [(u16, u8, &str, &str, &str); 8] = [
    (128, 12, "", "cf920bfc0b1425d4189eea4fb5f433d4", "95e7b37f62892b7b5d0c7ec854bb0cc2"),
    (
        128,
        12,
        "header data that is longer",
        "cf920bfc0b1425d4189eea4fb5f433d4",
        "3a69e3a6f1815ff9a7bbf80c47c48c8a",
    ),
    (192, 16, "", "b36972e500d73a2c7efe41be078ed2e3", "b09689c5ada1c6ff478996694eb92383"),
    (
        192,
        16,
        "header data that is longer",
        "b36972e500d73a2c7efe41be078ed2e3",
        "f2a6d2e144214f1af3c73cebb80a5e0d",
    ),
    (256, 12, "", "8401372cb3a91c39b113afb2f4907814", "af4dae583712f67773289d1a6f306951"),
    (
        256,
        12,
        "header data that is longer",
        "8401372cb3a91c39b113afb2f4907814",
        "5368bb0f856eedfbadeb219b5df43a94",
    ),
    (256, 32, "", "8c94410e520f3b6741e4821d46a7ec43", "7766868efc64798d0869f6239d36a285"),
    (
        256,
        32,
        "header data that is longer",
        "8c94410e520f3b6741e4821d46a7ec43",
        "8b4393d94e186201d6aa4aa2aff2f140",
    ),
];

#[tokio::test]
async fn gcm_gives_a_text_and_its_tag() {
    for (size, iv, aad, text, tag) in GCM {
        let statements = format!(
            "local text = bytes(70, 1, 0) .. 'tower'
             local key, iv = bytes({size} / 8, 7, {size}), bytes({iv}, 3, 1)
             local cipher = aes:new(key, nil, aes.cipher({size}, 'gcm'), {{iv = iv}})
             local encrypted = cipher:encrypt(text, '{aad}')
             return ngx.md5(encrypted[1]), hex(encrypted[2]),
               cipher:decrypt(encrypted[1], encrypted[2], '{aad}') == text"
        );
        assert_eq!(eval(&statements).await, format!("{text}, {tag}, true"), "{size} {iv} {aad}");
    }
    // lua-resty-string's own tests expect these.
    let statements =
        "local cipher = aes:new('secret', nil, aes.cipher(256, 'gcm'), aes.hash.sha256, 1, 12)
                      local encrypted = cipher:encrypt('hello', 'aad')
                      return hex(encrypted[1]), hex(encrypted[2]), hex(cipher:encrypt('hello')[2])";
    let expected = "4acef84443, 46f4f3ca65395568407e15768b7526d9, bcecc29fb0d8b5c895e21f6ea89681a2";
    assert_eq!(eval(statements).await, expected);
}

#[tokio::test]
async fn gcm_gives_nothing_without_the_right_tag() {
    for arguments in
        ["e[1]", "e[1], ('0'):rep(16)", "e[1], 'short'", "e[1], e[2], 'aad'", "e[1] .. 'x', e[2]"]
    {
        let statements = format!(
            "local cipher = aes:new('secret', nil, aes.cipher(128, 'gcm'))
             local e = cipher:encrypt('hello') return cipher:decrypt({arguments})"
        );
        let expected = "nil, EVP_DecryptFinal_ex failed";
        assert_eq!(eval(&statements).await, expected, "{arguments}");
    }
}

#[tokio::test]
async fn padding_can_be_left_to_the_caller() {
    let new = "local cipher = aes:new(('k'):rep(32), nil, aes.cipher(256, 'cbc'), {iv = ('i'):rep(16)}, nil, nil, false)";
    let whole = format!(
        "{new} local encrypted = cipher:encrypt(('a'):rep(32))
         return #encrypted, cipher:decrypt(encrypted) == ('a'):rep(32)"
    );
    assert_eq!(eval(&whole).await, "32, true");
    let broken = format!("{new} return cipher:encrypt('hello')");
    assert_eq!(eval(&broken).await, "nil, EVP_EncryptFinal_ex failed");
}

#[tokio::test]
async fn what_was_not_encrypted_so_is_not_decrypted() {
    for text in ["('a'):rep(16)", "'short'", "''", "e .. e", "e:sub(1, -2)"] {
        let statements = format!(
            "local cipher = aes:new('secret') local e = cipher:encrypt('hello')
             return cipher:decrypt({text})"
        );
        assert_eq!(eval(&statements).await, "nil, EVP_DecryptFinal_ex failed", "{text}");
    }
}

#[tokio::test]
async fn a_key_can_be_given_or_made_by_a_function() {
    let made = "local cipher = aes:new('Xr4ilOzQ4PCOq3aQ0qbuaQ==', nil, aes.cipher(128, 'cbc'),
                  {iv = ngx.decode_base64('Jq5cyFTja2vfyjZoSN6muw=='), method = ngx.decode_base64})
                return hex(cipher:encrypt('hello'))";
    assert_eq!(eval(made).await, "7b47a4dbb11e2cddb2f3740c9e3a552b");
}

#[tokio::test]
async fn what_fits_no_cipher_is_refused() {
    for (arguments, message) in [
        ("'secret', 'Oversized!'", "salt must be 8 characters or nil"),
        ("'secret', 'abc'", "salt must be 8 characters or nil"),
        ("'secret', nil, nil, {}", "iv is needed"),
        ("'hel', nil, nil, {iv = ('i'):rep(16)}", "bad key length"),
        ("('k'):rep(16), nil, nil, {iv = ('i'):rep(17)}", "bad iv length"),
        ("('k'):rep(16), nil, nil, {iv = 'i', method = ngx.md5}", "bad key length"),
        ("'secret', nil, aes.cipher(128, 'gcm'), nil, 1, 0", "failed to set IV length"),
        ("'secret', nil, aes.cipher(128, 'gcm'), nil, 1, 1e9", "failed to set IV length"),
    ] {
        let statements = format!("return aes:new({arguments})");
        assert_eq!(eval(&statements).await, format!("nil, {message}"), "{arguments}");
    }
}

#[tokio::test]
async fn arguments_are_checked() {
    let new = "local a = require('resty.aes') local c = a:new('secret')";
    for (call, error) in [
        ("a.cipher(100)", "missing declaration for symbol 'EVP_aes_100_cbc'"),
        ("a.cipher(128, 'xyz')", "missing declaration for symbol 'EVP_aes_128_xyz'"),
        ("a:new()", "attempt to get length of local 'key' (a nil value)"),
        (
            "a:new('k', nil, nil, 'sha999')",
            "bad argument #2 to 'EVP_BytesToKey' (cannot convert 'string' to 'const struct \
             env_md_st *')",
        ),
        ("c:encrypt()", "attempt to get length of local 's' (a nil value)"),
        ("c:decrypt(5)", "attempt to get length of local 's' (a number value)"),
        ("c.encrypt('hello')", "bad argument #1 self: table expected, got string"),
        ("c.decrypt('hello')", "bad argument #1 self: table expected, got string"),
    ] {
        assert_errors(&[(&*format!("{new} {call}"), error)]).await;
    }
    assert_values(&[("(pcall(require('resty.aes').encrypt, {}, 'a'))", "false")]).await;
}

#[tokio::test]
async fn rounds_without_end_are_stopped_by_the_budget() {
    let app = App::builder()
        .budget(Budget::default().call_time(Duration::from_millis(50)))
        .access(
        "pcall(function() local a = require('resty.aes') a:new('k', nil, nil, a.hash.sha512, 4e9) end)
         kong.response.exit(200)",
    )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.status, 500);
    assert_eq!(app.get("/").send().await.status, 500);
}
