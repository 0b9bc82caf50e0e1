//! `kong.ip`: which proxies are trusted.

use crate::support::App;

async fn trusted_by(networks: &[&str], addresses: &[&str]) -> Vec<bool> {
    let tries = addresses
        .iter()
        .map(|ip| format!("require('recorder')(tostring(kong.ip.is_trusted({ip})))\n"));
    let app = App::builder()
        .runtime(|runtime| runtime.trusted_ips(networks))
        .access(&tries.collect::<String>())
        .serve()
        .await;
    app.get("/").send().await;
    app.recorder.entries().iter().map(|entry| entry == "true").collect()
}

#[tokio::test]
async fn addresses_in_the_trusted_blocks_are_trusted() {
    let networks = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"];
    for (address, expected) in [
        ("'10.255.0.1'", true),
        ("'11.0.0.1'", false),
        ("'192.0.2.7'", true),
        ("'192.0.2.8'", false),
        ("'2001:db8:1::1'", true),
        ("'2001:db9::1'", false),
        ("'::ffff:10.0.0.1'", true),
    ] {
        assert_eq!(trusted_by(&networks, &[address]).await, [expected], "{address}");
    }
}

#[tokio::test]
async fn all_or_none_can_be_trusted() {
    let addresses = ["'10.0.0.1'", "'2001:db8::1'"];
    assert_eq!(trusted_by(&["0.0.0.0/0", "::/0"], &addresses).await, [true, true]);
    assert_eq!(trusted_by(&["0.0.0.0/0"], &addresses).await, [true, false]);
    assert_eq!(trusted_by(&["::/0"], &addresses).await, [false, true]);
    assert_eq!(trusted_by(&[], &addresses).await, [false, false]);
}

#[tokio::test]
async fn what_is_no_address_is_not_trusted() {
    let addresses =
        ["''", "'localhost'", "'10.0.0.1:80'", "'10.0.0.0/8'", "nil", "1", "{}", "print"];
    let seen = trusted_by(&["0.0.0.0/0", "::/0"], &addresses).await;
    assert_eq!(seen, [false; 8]);
}
