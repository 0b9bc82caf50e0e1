//! `kong.cluster_events`: what functions of one node tell those of others.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower_lua::ClusterEvent;

use crate::support::App;

/// Subscribes to `news` when it is asked to, and says what it has heard.
const LISTENS: &str = "
    if kong.request.get_path() == '/subscribe' then
      local ok, err = kong.cluster_events:subscribe('news', function(data)
        ngx.sleep(0)
        ngx.shared.heard:rpush('all', ngx.get_phase() .. ': ' .. data)
      end)
      kong.response.exit(200, tostring(ok) .. tostring(err))
    end
    local all = {}
    for i = 1, ngx.shared.heard:llen('all') do all[i] = ngx.shared.heard:lpop('all') end
    kong.response.exit(200, table.concat(all, ', '))
";

async fn listening() -> App {
    App::builder()
        .runtime(|builder| builder.shared_dict("heard", 1 << 20))
        .access(LISTENS)
        .serve()
        .await
}

/// What has been heard, once anything has.
async fn heard(app: &App) -> String {
    for _ in 0..500 {
        let text = app.get("/").send().await.text();
        if !text.is_empty() {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    String::new()
}

#[tokio::test]
async fn who_has_subscribed_hears_of_the_events_of_its_channel() {
    let app = listening().await;
    assert_eq!(app.get("/subscribe").send().await.text(), "truenil");
    app.runtime.deliver(ClusterEvent::new("olds", "nobody listens"));
    app.runtime.deliver(ClusterEvent::new("news", "a\0b"));
    assert_eq!(heard(&app).await, "timer: a\0b");
    app.runtime.deliver(ClusterEvent::new("news", "again"));
    assert_eq!(heard(&app).await, "timer: again");
}

#[tokio::test]
async fn each_subscription_hears_for_itself() {
    let app = listening().await;
    for _ in 0..2 {
        app.get("/subscribe").send().await;
    }
    app.runtime.deliver(ClusterEvent::new("news", "twice"));
    let mut all = heard(&app).await;
    if !all.contains(", ") {
        all = format!("{all}, {}", heard(&app).await);
    }
    assert_eq!(all, "timer: twice, timer: twice");
}

#[tokio::test]
async fn what_is_broadcast_is_for_others() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let app = App::builder()
        .runtime(move |builder| {
            builder.broadcast(move |event| match &*event.channel {
                b"refused" => Err("not this one".to_owned()),
                _ => {
                    tell.lock().unwrap().push(event);
                    Ok(())
                }
            })
        })
        .access(
            "local events, said = kong.cluster_events, {}
             local function note(...) said[#said + 1] = tostring((...)) .. ' ' .. tostring((select(2, ...))) end
             note(events:broadcast('news', 'now'))
             note(events:broadcast('news', 'later', 1.5))
             note(events:broadcast('refused', ''))
             kong.response.exit(200, table.concat(said, ', '))",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "true nil, true nil, nil not this one");
    let told = told.lock().unwrap();
    let seen: Vec<_> =
        told.iter().map(|event| (&*event.channel, &*event.data, event.delay)).collect();
    let news: &[u8] = b"news";
    assert_eq!(
        seen,
        [(news, &b"now"[..], Duration::ZERO), (news, &b"later"[..], Duration::from_millis(1500))]
    );
}

#[tokio::test]
async fn without_others_nobody_is_told() {
    assert_eq!(App::eval("kong.cluster_events:broadcast('news', 'now')").await, "true");
}

#[tokio::test]
async fn wrong_arguments_are_named() {
    for (call, error) in [
        ("broadcast(1, 'x')", "channel must be a string"),
        ("broadcast('x', {})", "data must be a string"),
        ("broadcast('x', 'x', {})", "delay must be a number"),
        ("broadcast('x', 'x', -1)", "delay must be a time to come"),
        ("subscribe(nil, print)", "channel must be a string"),
        ("subscribe('x')", "callback must be a function"),
    ] {
        let text = App::eval(&format!("kong.cluster_events:{call}")).await;
        assert_eq!(text, format!("nil, {error}"), "{call}");
    }
}

#[tokio::test]
async fn subscriptions_are_bounded_as_timers_are() {
    let app = App::builder()
        .access(
            "local events, count, why = kong.cluster_events, 0
             repeat
               local ok, err = events:subscribe('news', function() end)
               count, why = count + (ok and 1 or 0), err
             until not ok
             kong.response.exit(200, count .. ' ' .. why)",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "1024 too many pending timers");
}
