//! Work of Rust and C for a function: the clock is looked at while it goes on, and when it is done.

use std::time::{Duration, Instant};

use tower_lua::Budget;

use crate::support::{App, Events, patient};

/// Functions each of whose calls works long. Each is called again and again.
const LONG: &[&str] = &[
    "local s = ('a=b&'):rep(1e6) while true do ngx.decode_args(s, 0) end",
    "local t = {} for i = 1, 1e5 do t[i] = i end while true do kong.table.merge(t, t) end",
    "local t = {} for i = 1, 1e5 do t[i] = {i} end while true do kong.log.inspect(t) end",
    "local s = (' '):rep(1e7) while true do ngx.escape_uri(s) end",
    "local s = (\"'\"):rep(1e7) while true do ngx.quote_sql_str(s) end",
    "while true do os.date(('%c'):rep(1e6)) end",
    "local s = ('x'):rep(1e7) while true do s:upper() end",
    "local s = ('x'):rep(1e7) while true do s:lower() end",
    "local s = ('x'):rep(1e7) while true do s:reverse() end",
    "local t = {} for i = 1, 1e6 do t[i] = i + 0.5 end while true do table.concat(t, ' ') end",
    "while true do local s = ('x'):rep(2e7) end",
    "local s = ('x'):rep(1e7) while true do ('%s%s'):format(s, s) end",
    "local s = ('x'):rep(1e7) while true do local t = s .. 'y' end",
    "local t = {} for i = 1, 1e6 do t[i] = i end while true do table.insert(t, 1, 0) table.remove(t, 1) end",
    "local t = {} for i = 1, 7000 do t[i] = i end while true do unpack(t) end",
    "local s = ('x'):rep(1e6) while true do ngx.md5(s) end",
    "local s = ('x'):rep(1e6) while true do ngx.encode_base64(s) end",
    "local s = ('x'):rep(1e6) while true do ngx.crc32_long(s) end",
];

/// How long a function may run that may run for 50 ms, on the wall: with room for a machine that does
/// other things as well, and for a build without optimizations. None of these would ever end.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_function_whose_calls_work_long_is_stopped_and_the_next_request_is_served() {
    for source in LONG {
        let app = App::builder()
            .budget(patient().call_time(Duration::from_millis(50)))
            .access(&format!("if kong.request.get_query_arg('run') then {source} end"))
            .serve()
            .await;
        let began = Instant::now();
        assert_eq!(app.get("/?run=1").send().await.status, 500, "{source}");
        assert!(began.elapsed() < PATIENCE, "{:?}: {source}", began.elapsed());
        assert_eq!(app.get("/").send().await.status, 200, "after {source}");
    }
}

#[tokio::test]
async fn what_is_done_in_pieces_is_the_same_as_at_one_go() {
    let text = App::eval(
        "(('aB1'):rep(3e5):upper() == ('AB1'):rep(3e5)), (('aB1'):rep(3e5):lower() == ('ab1'):rep(3e5)),
         (('abc'):rep(3e5):reverse() == ('cba'):rep(3e5)),
         (function() local t = {} for i = 1, 9000 do t[i] = i end
           return table.concat(t, ',', 2, 8999) == table.concat(t, ',', 2, 4000) .. ','
             .. table.concat(t, ',', 4001, 8000) .. ',' .. table.concat(t, ',', 8001, 8999) end)(),
         (os.date(('%Y%%'):rep(1000), 0) == (os.date('%Y%%', 0)):rep(1000)),
         (os.date('!' .. ('%H'):rep(1000), 0) == ('00'):rep(1000))",
    )
    .await;
    assert_eq!(text, "true, true, true, true, true, true");
}

/// Where a function is said to have been that failed.
async fn place_of(budget: Budget, source: &str) -> (String, String) {
    let events = Events::capture();
    let app = App::builder().budget(budget).access(source).serve().await;
    assert_eq!(app.get("/").send().await.status, 500, "{source}");
    let event = events.all().into_iter().find(|event| event.target == "tower_lua::function");
    let event = event.unwrap_or_else(|| panic!("{:?}", events.messages()));
    (event.field("line").to_owned(), event.field("traceback").to_owned())
}

#[tokio::test]
async fn a_function_that_used_up_its_time_is_said_to_be_where_it_was() {
    for source in [
        "local x = 1\nwhile true do end",
        "local x = 1\nwhile true do pcall(error) end",
        "coroutine.wrap(function()\nwhile true do end\nend)()",
        "pcall(function()\npcall(function() while true do end end)\nend)",
        "local s = ('x'):rep(1e5)\nwhile true do ngx.md5(s) end",
        "local t = {3, 2, 1}\ntable.sort(t, function() while true do end end)",
    ] {
        let budget = patient().call_time(Duration::from_millis(30));
        let (line, traceback) = place_of(budget, source).await;
        assert_eq!(line, "2", "{source}");
        assert!(traceback.contains(":2:"), "{source}: {traceback}");
    }
}

#[tokio::test]
async fn a_function_that_ran_out_of_memory_is_said_to_be_where_it_was() {
    for source in [
        "local t = {}\nwhile true do t[#t + 1] = ('x'):rep(1000) .. #t end",
        "local t = {}\nfor i = 1, 1e9 do t[i] = i end",
    ] {
        let (line, _) = place_of(patient().memory(16 << 20), source).await;
        assert_eq!(line, "2", "{source}");
    }
}
