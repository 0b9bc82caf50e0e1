//! The commands of the documentation, as they are printed there.

use std::path::Path;
use std::process::Command;

use crate::support::gateway_path;

#[test]
fn every_command_of_the_documentation_is_answered_as_documented() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/gateway/documentation.sh");
    let output = Command::new("bash").arg(script).env("GATEWAY", gateway_path()).output().unwrap();
    let (printed, said) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}\n{said}");
    assert!(printed.contains("All as documented."), "{printed}");
    assert_eq!(printed.matches("\n$ curl").count(), 60, "{printed}");
}
