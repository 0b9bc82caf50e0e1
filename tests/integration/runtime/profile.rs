//! Where functions spend their time.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt};
use tower_lua::{Functions, PreFunctionLayer, Runtime};

use crate::support::echo;

#[tokio::test]
async fn a_profile_has_the_lines_that_functions_run_on_and_what_they_took() {
    let source =
        "local function spin()\n  for i = 1, 1e5 do\n    local _ = tostring(i)\n  end\nend\nspin()";
    let runtime = Runtime::builder().vms(1).build().unwrap();
    let layer = PreFunctionLayer::new(Functions::access("busy", source).unwrap()).runtime(&runtime);
    let service = ServiceBuilder::new().layer(layer).service(echo());
    let ask = async || {
        let request = Request::new(Full::<Bytes>::default());
        drop(service.clone().oneshot(request).await.unwrap());
    };
    ask().await;
    let (profile, other, ()) = tokio::join!(
        runtime.profile(Duration::from_millis(1)),
        runtime.profile(Duration::from_millis(1)),
        ask(),
    );
    assert_eq!(other, None, "one is made already");
    let profile = profile.unwrap();
    let stacks: Vec<_> = profile.stacks().collect();
    assert!(!stacks.is_empty());
    for (stack, time) in &stacks {
        let frames: Vec<_> = stack.split(';').collect();
        assert_eq!(frames[0], "busy: access[1]");
        assert_eq!(frames[1], "[string \"local function spin()...\"]:6", "{stack}");
        assert!(*time > Duration::ZERO);
    }
    assert!(
        stacks.iter().any(|(stack, _)| stack.contains(";spin [string") && stack.ends_with(":3"))
    );
    assert_eq!(profile.folded().lines().count(), stacks.len());
    // None is left for the next.
    let next = runtime.profile(Duration::from_millis(1)).await.unwrap();
    assert_eq!(next.stacks().count(), 0);
}
