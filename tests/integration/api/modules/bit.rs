//! `bit`.

use crate::api::ngx::assert_values;
use crate::support::App;

#[tokio::test]
async fn it_is_the_global_of_that_name() {
    assert_values(&[
        ("require('bit').band(0xff, 0x0f), require('bit').tohex(255)", "15, 000000ff"),
        ("require('bit').bor == bit.bor", "true"),
    ])
    .await;
}

#[tokio::test]
async fn what_a_function_does_to_its_module_no_other_sees() {
    let app = App::builder()
        .access("local bit = require('bit') bit.band, bit.mine = nil, 1 kong.ctx.shared.a = require('bit').mine")
        .access(
            "local bit = require('bit')
             kong.response.exit(200, kong.ctx.shared.a .. bit.band(3, 1) .. tostring(bit.mine))",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "11nil");
}
