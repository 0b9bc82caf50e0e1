//! Every function of `kong` and `ngx`, called with whatever makes no sense, in every phase.
//!
//! A Lua function walks the tables, so that none is left out, and calls each with all argument lists
//! there are. What ends the request, or the function's budget, ends one round; the next goes on
//! behind it.

use tower_lua::Phase;

use crate::support::{App, patient};

/// Functions that do what they are told however long that takes, and are right to.
const PATIENT: &str = "ngx.sleep";

/// The function under test: calls everything, from where the last round left off.
fn caller(condition: &str) -> String {
    format!(
        r#"
        if not ({condition}) or done then return end
        local record = require("recorder")

        -- All functions, by their paths, in an order that is the same in each round.
        if not functions then
          functions = {{}}
          local seen = {{}}
          local function walk(path, t)
            if seen[t] then return end
            seen[t] = true
            for name, value in pairs(t) do
              local path = path .. "." .. tostring(name)
              if type(value) == "function" then
                if path ~= "{PATIENT}" then functions[#functions + 1] = {{path, value}} end
              elseif type(value) == "table" then
                walk(path, value)
              end
            end
          end
          walk("kong", kong)
          walk("ngx", ngx)
          table.sort(functions, function(a, b) return a[1] < b[1] end)
          record("functions " .. #functions)

          local knot = {{}}
          knot.knot, knot[1] = knot, knot
          local deep = {{}}
          for _ = 1, 5000 do deep = {{deep}} end
          values = {{
            true, false, 0, -1, 1.5, 200, 599, 600, 2 ^ 31, 2 ^ 53, -2 ^ 63, 0 / 0, 1 / 0, "", " ", "a",
            "200", "/", "text/plain", "application/json", "http", "\0", "\255\254", "a\r\nb: c", "%", "%zz",
            ("x"):rep(70000), {{}}, {{1, {{2}}}}, {{a = print}}, {{[true] = false}}, {{[1e6] = 1}}, knot,
            deep, print, coroutine.create(print), ngx.null, kong, setmetatable, ngx.shared.dict,
          }}
          calls = {{}}
          calls[1] = {{n = 0}}
          for i = 1, #values do
            calls[#calls + 1] = {{n = 1, values[i]}}
            calls[#calls + 1] = {{n = 2, nil, values[i]}}
            calls[#calls + 1] = {{n = 2, "a", values[i]}}
            calls[#calls + 1] = {{n = 2, values[i], values[i]}}
            calls[#calls + 1] = {{n = 2, values[i], "a"}}
            calls[#calls + 1] = {{n = 3, 200, "a", values[i]}}
            calls[#calls + 1] = {{n = 3, "a", 1, values[i]}}
            calls[#calls + 1] = {{n = 3, values[i], values[i], values[i]}}
            calls[#calls + 1] = {{n = 5, "a", "b", values[i], values[i], values[i]}}
          end
          place, call = 1, 1
        end

        local started = os.clock()
        while place <= #functions do
          local path, f = functions[place][1], functions[place][2]
          while call <= #calls do
            local arguments = calls[call]
            -- First, lest a call that ends the request is made again and again.
            call = call + 1
            current = path .. " with list " .. (call - 1)
            local ok, err = pcall(f, unpack(arguments, 1, arguments.n))
            if not ok then
              if type(err) ~= "string" then
                record("an error of type " .. type(err) .. " from " .. current)
              elseif err == "" or err:find("mlua") or err:find("tower%-lua:") or err:find("panicked")
                or err:find("userdata") and err:find("converting") then
                record("the error " .. err:sub(1, 200) .. " from " .. current)
              end
            end
            if os.clock() - started > 0.05 then return end
          end
          place, call = place + 1, 1
        end
        done = true
        record("done")
        "#
    )
}

/// Goes through all functions in `phase`: what was found, and how many there are.
async fn findings(phase: Phase, condition: &str) -> (Vec<String>, usize) {
    let app = App::builder()
        .budget(patient().memory(256 << 20))
        .runtime(|runtime| runtime.shared_dict("dict", 1 << 16))
        .function(phase, &caller(condition))
        .serve()
        .await;
    for _ in 0..20_000 {
        // Whatever the answer is: the next request is answered, too.
        let _ = app
            .post("/path?a=1&b")
            .header("content-type", "text/plain")
            .body("body")
            .try_send()
            .await;
        if app.recorder.entries().iter().any(|entry| entry == "done") {
            break;
        }
    }
    let entries = app.recorder.entries();
    assert_eq!(entries.last().map(String::as_str), Some("done"), "{phase}: {entries:?}");
    let count = entries.iter().find_map(|entry| entry.strip_prefix("functions ")?.parse().ok());
    let ours = |entry: &&String| **entry != "done" && !entry.starts_with("functions ");
    (entries.iter().filter(ours).cloned().collect(), count.unwrap())
}

async fn is_harmless(phase: Phase, condition: &str) {
    let (found, count) = findings(phase, condition).await;
    assert!(found.is_empty(), "{phase}: {found:#?}");
    assert!(count > 120, "{phase}: only {count} functions");
}

#[tokio::test]
async fn harms_nothing_in_rewrite() {
    is_harmless(Phase::Rewrite, "true").await;
}

#[tokio::test]
async fn harms_nothing_in_access() {
    is_harmless(Phase::Access, "true").await;
}

#[tokio::test]
async fn harms_nothing_in_header_filter() {
    is_harmless(Phase::HeaderFilter, "true").await;
}

#[tokio::test]
async fn harms_nothing_in_body_filter() {
    is_harmless(Phase::BodyFilter, "not ngx.arg[2]").await;
}

#[tokio::test]
async fn harms_nothing_in_log() {
    is_harmless(Phase::Log, "true").await;
}
