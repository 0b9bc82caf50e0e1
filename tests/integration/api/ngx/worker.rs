//! `ngx.worker`: a worker is a VM.

use super::assert_values;
use crate::support::App;

#[tokio::test]
async fn a_worker_has_the_number_of_its_vm() {
    assert_values(&[("ngx.worker.id(), ngx.worker.count()", "0, 1")]).await;
    let app = App::builder()
        .runtime(|runtime| runtime.vms(3))
        .access("kong.response.exit(200, tostring(ngx.worker.count()))")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "3");
}

#[tokio::test]
async fn all_workers_are_in_one_process() {
    let pid = std::process::id();
    let source = "ngx.worker.pid(), ngx.worker.pids(), ngx.worker.exiting()";
    assert_values(&[(source, &format!("{pid}, [{pid}], false"))]).await;
}
