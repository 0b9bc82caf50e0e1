//! `ngx.semaphore`.

use std::time::Duration;

use crate::support::App;

#[tokio::test]
async fn threads_wait_for_what_others_post() {
    let app = App::access(
        "local say, semaphore = require('recorder'), require('ngx.semaphore')
         local sem = semaphore.new()
         local t = ngx.thread.spawn(function() say('waits') say(sem:wait(10)) end)
         say(sem:count())
         sem:post()
         say('posted', sem:count())
         ngx.thread.wait(t)
         say(sem:wait(0))
         say(sem:wait(0.001))
         sem:post(3)
         say(sem:wait(0), sem:count())",
    )
    .await;
    assert_eq!(app.get("/").send().await.status, 200);
    let expected = ["waits", "-1", "posted 0", "true", "nil timeout", "false timeout", "true 2"];
    assert_eq!(app.recorder.entries(), expected);
}

#[tokio::test]
async fn those_who_wait_already_come_first() {
    let app = App::access(
        "local say, sem = require('recorder'), require('ngx.semaphore').new()
         for id = 1, 2 do
           ngx.thread.spawn(function() say(id, sem:wait(10)) end)
         end
         sem:post(2)
         say('main', sem:wait(0))
         say('main', sem:wait(0.01))
         sem:post()
         say('main', sem:wait(0))",
    )
    .await;
    assert_eq!(app.get("/").send().await.status, 200);
    let expected = ["main nil timeout", "1 true", "2 true", "main false timeout", "main true"];
    assert_eq!(app.recorder.entries(), expected);
}

#[tokio::test]
async fn one_request_posts_what_another_waits_for() {
    let app = App::access(
        "sem = sem or require('ngx.semaphore').new(0)
         if kong.request.get_path() == '/post' then
           sem:post()
           kong.response.exit(200, 'posted')
         end
         require('recorder')('waits')
         kong.response.exit(200, tostring(sem:wait(60)))",
    )
    .await;
    let waiting = tokio::spawn(app.get("/wait").send());
    app.recorder.wait_for(1).await;
    assert_eq!(app.get("/post").send().await.text(), "posted");
    assert_eq!(waiting.await.unwrap().text(), "true");
}

#[tokio::test]
async fn a_request_that_ends_while_it_waits_takes_nothing() {
    let app = App::access(
        "sem = sem or require('ngx.semaphore').new(0)
         if kong.request.get_path() == '/count' then kong.response.exit(200, tostring(sem:count())) end
         require('recorder')('waits')
         sem:wait(60)",
    )
    .await;
    let waiting = tokio::spawn(app.get("/wait").send());
    app.recorder.wait_for(1).await;
    assert_eq!(app.get("/count").send().await.text(), "-1");
    waiting.abort();
    while app.runtime.stats().suspended > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(app.get("/count").send().await.text(), "0");
}

#[tokio::test]
async fn misuse_is_an_error_in_lua_resty_cores_words() {
    let app = App::access(
        "local say, semaphore = require('recorder'), require('ngx.semaphore')
         local sem = semaphore.new(1)
         say(pcall(semaphore.new, -1))
         say(pcall(sem.post, sem, 0))
         say(pcall(sem.wait, sem, -1))
         say(pcall(sem.wait, {}, 1))
         say(pcall(sem.count))",
    )
    .await;
    assert_eq!(app.get("/").send().await.status, 200);
    let ends = [
        "no negative number",
        "positive number required",
        "no negative number",
        "not a semaphore instance",
        "not a semaphore instance",
    ];
    for (line, end) in app.recorder.entries().iter().zip(ends) {
        assert!(line.ends_with(end), "{line}");
    }
}
