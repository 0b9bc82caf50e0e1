//! `resty.md5`, `resty.sha1`, `resty.sha224`, `resty.sha256`, `resty.sha384`, `resty.sha512`.

use crate::api::ngx::{assert_errors, assert_values};
use crate::support::App;

const NAMES: [&str; 6] = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];

/// What `statements` make of a new object `d` of the module `name`, with `hex` at hand.
async fn eval(name: &str, statements: &str) -> String {
    App::eval(&format!(
        "(function()
           local d, hex = require('resty.{name}'):new(), require('resty.string').to_hex
           {statements}
         end)()"
    ))
    .await
}

// By Python's hashlib: of nothing, of `abc`, of a thousand times `a`.
const KNOWN: [(&str, [&str; 3]); 6] = [
    (
        "md5",
        [
            "d41d8cd98f00b204e9800998ecf8427e",
            "900150983cd24fb0d6963f7d28e17f72",
            "cabe45dcc9ae5b66ba86600cca6b8ba8",
        ],
    ),
    (
        "sha1",
        [
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "291e9a6c66994949b57ba5e650361e98fc36b1ba",
        ],
    ),
    (
        "sha224",
        [
            "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
            "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
            "4e8f0ce90b64661a2b5e84be6d93a7d9b76871062f1814433d04a03d",
        ],
    ),
    (
        "sha256",
        [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3",
        ],
    ),
    (
        "sha384",
        [
            "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            "f54480689c6b0b11d0303285d9a81b21a93bca6ba5a1b4472765dca4da45ee328082d469c650cd3b61b16d3266ab8ced",
        ],
    ),
    (
        "sha512",
        [
            "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "67ba5535a46e3f86dbfbed8cbbaf0125c76ed549ff8b0b9e03e0c88cf90fa634fa7b12b47d77b694de488ace8d9a65967dc96df599727d3292a8d9d447709c97",
        ],
    ),
];

#[tokio::test]
async fn digests_are_the_known_ones() {
    for (name, [nothing, abc, long]) in KNOWN {
        assert_eq!(eval(name, "return hex(d:final())").await, nothing, "{name}");
        let abc_in_parts = "return d:update('a'), d:update(''), d:update('bc'), hex(d:final())";
        assert_eq!(eval(name, abc_in_parts).await, format!("true, true, true, {abc}"), "{name}");
        let in_a_loop = "for _ = 1, 1000 do d:update('a') end return hex(d:final())";
        assert_eq!(eval(name, in_a_loop).await, long, "{name}");
    }
}

#[tokio::test]
async fn reset_begins_anew() {
    for (name, [_, abc, _]) in KNOWN {
        let statements =
            "d:update('x') local r = d:reset() d:update('abc') local first = hex(d:final())
                          d:reset() d:update('abc') return r, first == hex(d:final()), first";
        assert_eq!(eval(name, statements).await, format!("true, true, {abc}"), "{name}");
    }
}

#[tokio::test]
async fn objects_do_not_disturb_each_other() {
    let statements =
        "local e = require('resty.sha256'):new() d:update('a') e:update('abc') d:update('bc')
                      return hex(d:final()) == hex(e:final())";
    assert_eq!(eval("sha256", statements).await, "true");
}

#[tokio::test]
async fn a_final_object_has_no_more_to_say() {
    for name in NAMES {
        let statements = "d:final() return d:update('a'), d:final()";
        assert_eq!(eval(name, statements).await, "false, nil", "{name}");
    }
}

#[tokio::test]
async fn md5_takes_a_length() {
    let statements = "d:update('abcdef', 3) return hex(d:final())";
    assert_eq!(eval("md5", statements).await, KNOWN[0].1[1]);
    let statements = "d:update('abc', 300) return hex(d:final())";
    assert_eq!(eval("md5", statements).await, KNOWN[0].1[1]);
    let statements = "d:update('abc', -1) return hex(d:final())";
    assert_eq!(eval("md5", statements).await, KNOWN[0].1[0]);
}

#[tokio::test]
async fn arguments_are_checked() {
    for name in NAMES {
        let update = |argument| format!("require('resty.{name}'):new():update({argument})");
        assert_errors(&[
            (&*update(""), "attempt to get length of local 's' (a nil value)"),
            (&*update("5"), "attempt to get length of local 's' (a number value)"),
        ])
        .await;
    }
    assert_values(&[
        ("(pcall(require('resty.sha1').update, {}, 'a'))", "false"),
        ("(pcall(require('resty.sha1').final))", "false"),
        ("(pcall(require('resty.sha1').reset, {_ctx = 5}))", "false"),
    ])
    .await;
}
