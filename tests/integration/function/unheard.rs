//! Failures in a process in which nobody has subscribed to `tracing`.

use std::process::Command;

use crate::support::App;

#[tokio::test]
#[ignore = "is run by the test below, in a process of its own"]
async fn two_requests_fail() {
    let app = App::access("error('on purpose')").await;
    for _ in 0..2 {
        assert_eq!(app.get("/").send().await.status, 500);
    }
}

#[test]
fn the_first_goes_to_standard_error_with_the_way_to_hear_of_the_others() {
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args(["--exact", "function::unheard::two_requests_fail", "--ignored", "--nocapture"]);
    let output = process.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches(": on purpose\n").count(), 1, "{said}");
    assert!(said.contains("call tracing_subscriber::fmt::init()"), "{said}");
}
