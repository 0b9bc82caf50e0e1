//! Work of Rust and C for a function: the clock is looked at while it goes on, and when it is done.

use std::time::Duration;

use cpu_time::ThreadTime;
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
    "local s = ('x'):rep(3e7) while true do local t = s .. 'y' end",
    "local a = ('x'):rep(3e7) local b, c = a .. 'b', a .. 'c' while true do local t = b < c end",
    "local s = ('x'):rep(3e7) while true do s:sub(2) end",
    "local s = ('1'):rep(3e7) while true do tonumber(s) end",
    "local s = ('x'):rep(65536) while true do s:gsub('x', 'y') end",
    "local s = ('x'):rep(1e6) while true do s:gsub('x', ('y'):rep(1000)) end",
    "local s, y = ('x'):rep(1e6), ('y'):rep(1000) while true do pcall(s.gsub, s, 'x', y) end",
    "local s = ('x'):rep(4e6) while true do s:gsub('.', { x = 'y' }) end",
    "local s = ('x'):rep(4e6) while true do s:gsub('.', '%0%0') end",
    "local s = ('x'):rep(4e6) while true do s:find('y') end",
    "local s = ('x'):rep(4e6) while true do s:match('y') end",
    "local s = ('x'):rep(4e6) while true do for _ in s:gmatch('y') do end end",
    "local s = ('x'):rep(1000) while true do s:find('x*y') end",
    "local s = ('x'):rep(70) while true do s:find('x*x*y') end",
    "local t = {} for i = 1, 7000 do t[i] = 1e308 end local f = ('%99.99f'):rep(7000) while true do f:format(unpack(t)) end",
    "local t = {} for i = 1, 7000 do t[i] = -0.1 end local f = ('%99.99g'):rep(7000) while true do pcall(f.format, f, unpack(t)) end",
    "local t, v = {}, ('x'):rep(1e6) for i = 1, 7000 do t[i] = v end local f = ('%s'):rep(7000) while true do pcall(f.format, f, unpack(t)) end",
    "local t, v = {}, ('x'):rep(1e6) for i = 1, 4000 do t[i] = v end while true do pcall(table.concat, t) end",
    "local t, v = {}, ('x'):rep(1e6) for i = 1, 50 do t[i] = v end while true do table.concat(t) end",
    "while true do pcall(string.rep, 'x', 1.2e8) end",
    "local s = ('x'):rep(7000) while true do s:byte(1, -1) end",
    "local t = {} for i = 1, 7000 do t[i] = 65 end while true do string.char(unpack(t)) end",
    "local t, p = {}, ('x'):rep(1e6) while true do for i = 1, 60 do t[i] = p .. (i * 7919 % 60) end table.sort(t) end",
    "local t = {} while true do for i = 1, 1000 do t[i] = i * 7919 % 1000 end table.sort(t) end",
    "local t = {} for i = 1, 1e6 do t[i] = i end while true do table.remove(t, 1) end",
    "while true do pcall(table.insert, {}, -2 ^ 31, 1) pcall(table.insert, {}, 1 / 0, 1) end",
    "local t = {} for i = 1, 1e6 do t[i] = i end while true do table.clone(t) end",
    "local t = {} for i = 1, 1e6 do t['k' .. i] = i end for k in pairs(t) do t[k] = nil end while true do next(t) end",
    "kong.service.request.set_raw_query(('a=b&'):rep(16000)) while true do kong.request.get_raw_query() end",
    "kong.service.request.set_raw_query(('a=b&'):rep(16000)) while true do kong.request.get_query_arg('c') end",
    "ngx.req.set_uri_args(('a=b&'):rep(16000)) while true do kong.request.get_query_arg('c') end",
    "local s = ('x'):rep(3e7) while true do kong.request.get_header(s) end",
    "local s = ('x'):rep(3e7) while true do pcall(kong.response.set_header, 'x', s) end",
    "local s = ('x'):rep(3e7) while true do pcall(kong.service.request.set_header, s, s) end",
    "local s = ('x'):rep(3e7) while true do kong.service.request.clear_header(s) end",
    "local s = ('a'):rep(1e6) while true do ngx.re.match(s, 'b', 'jo') end",
    "local s = ('a'):rep(1e6) while true do ngx.re.gsub(s, 'a', 'b', 'jo') end",
    "local s = ('a'):rep(1e6) while true do for _ in ngx.re.gmatch(s, 'a', 'jo') do end end",
    "local s = ('a'):rep(1e6) while true do ngx.re.gsub(s, 'a', function() return 'b' end, 'jo') end",
    "local s = ('x'):rep(1e6) while true do ngx.md5(s) end",
    "local s = ('x'):rep(1e6) while true do ngx.encode_base64(s) end",
    "local s = ('x'):rep(1e6) while true do ngx.crc32_long(s) end",
];

/// What each may run. None of them would ever end.
const BUDGET: Duration = Duration::from_millis(50);

/// By how much one may exceed it here, in CPU time of all that takes part in a request: what is Rust
/// is not optimized, and the texts of 30 MB are a fourth of what there is.
const MARGIN: Duration = Duration::from_millis(400);

#[tokio::test]
async fn a_function_whose_calls_work_long_is_stopped_and_the_next_request_is_served() {
    for source in LONG {
        let app = App::builder()
            .budget(patient().call_time(BUDGET))
            .access(&format!("if kong.request.get_query_arg('run') then {source} end"))
            .serve()
            .await;
        let began = ThreadTime::now();
        assert_eq!(app.get("/?run=1").send().await.status, 500, "{source}");
        let took = began.elapsed();
        assert!(took < BUDGET + MARGIN, "{took:?}: {source}");
        assert_eq!(app.get("/").send().await.status, 200, "after {source}");
    }
}

#[tokio::test]
async fn insertions_are_where_they_are_told_to_be() {
    let text = App::eval(
        "(function() local t = { 'b' } table.insert(t, 1, 'a') table.insert(t, 'c')
           table.insert(t, '2', 'x') table.insert(t, 9, 'z') return table.concat(t, '', 1, 4) .. t[9] end)(),
         (select(2, pcall(table.insert, {}, -2 ^ 31, 1))), (select(2, pcall(table.insert, {}, 0 / 0, 1)))",
    )
    .await;
    assert_eq!(
        text,
        "axbcz, bad argument #2 to 'insert' (position out of bounds), \
         bad argument #2 to 'insert' (position out of bounds)"
    );
}

#[tokio::test]
async fn replacements_in_a_long_text_are_those_in_a_short_one() {
    let text = App::eval(
        "(function()
           local long = ('k1=v;'):rep(20000)
           local function same(pattern, replacement, most)
             local whole, count = long:gsub(pattern, replacement, most)
             local part, of_part = ('k1=v;'):gsub(pattern, replacement)
             return whole == part:rep(20000), count == of_part * 20000
           end
           return { { same('k', 'x') }, { same('(k)(%d)', '%2%1') }, { same('k', { k = 'y' }) },
             { same('(%w)=', { ['1'] = 2 }) }, { same('%d', 7) }, { same('[=;]', '%%') } }
         end)()",
    );
    assert_eq!(
        text.await,
        "[[true,true],[true,true],[true,true],[true,true],[true,true],[true,true]]"
    );
}

#[tokio::test]
async fn letters_alone_change_their_case_however_long_the_text_is() {
    let text = App::eval(
        "(function()
           local bytes = {} for i = 0, 255 do bytes[i + 1] = string.char(i) end
           local all, upper, lower = table.concat(bytes), {}, {}
           for i = 0, 255 do
             upper[i + 1] = string.char(i >= 97 and i <= 122 and i - 32 or i)
             lower[i + 1] = string.char(i >= 65 and i <= 90 and i + 32 or i)
           end
           upper, lower = table.concat(upper), table.concat(lower)
           for _, times in ipairs { 1, 2, 3, 1100 } do
             assert(all:rep(times):upper() == upper:rep(times), times)
             assert(all:rep(times):lower() == lower:rep(times), times)
           end
           return string.upper(12) .. select('#', ('a'):rep(600):upper())
         end)()",
    )
    .await;
    assert_eq!(text, "121");
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
        assert_eq!(line, "2", "{source}: {traceback}");
        assert!(traceback.contains(":2:"), "{source}: {traceback}");
    }
}

#[tokio::test]
async fn a_handler_that_is_stopped_too_does_not_hide_where_the_function_was() {
    // Slow instructions have the hook called after each second one.
    let source =
        "local s = ('x'):rep(3e6)\nlocal function work() for i = 1, 30 do local _ = s .. i end
         while true do ngx.md5(s) end end work()";
    let (line, traceback) = place_of(patient().call_time(Duration::from_millis(300)), source).await;
    assert_eq!(line, "3", "{traceback}");
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
