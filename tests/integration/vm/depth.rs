//! Recursion through C code ends with an error, not with the thread's stack.

use tower_lua::{Budget, Sandbox, UntrustedLua};

use crate::support::App;

/// Recursion without end, with nothing but the sandbox.
const BOTTOMLESS: &[&str] = &[
    "local function f() return f() + 1 end f()",
    "local function f() ('a'):gsub('a', f) end f()",
    "local function f() table.sort({2, 1}, f) end f()",
    "local function f() pcall(f) end f()",
    "local function f() xpcall(f, f) end f()",
    "local function f() coroutine.wrap(f)() end f()",
    "local function f() coroutine.resume(coroutine.create(f)) end f()",
    "local function f() coroutine.wrap(function() ('a'):gsub('a', f) end)() end f()",
];

/// The same where functions see all of Lua.
const OPEN: &[&str] = &[
    "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end return t.x",
    "local t = setmetatable({}, {}) getmetatable(t).__tostring = function(t) return tostring(t) end return tostring(t)",
    "local function f() return load(f) end f()",
    "local t = setmetatable({}, {}) getmetatable(t).__lt = function(a, b) return a < b end return t < t",
];

async fn survives(sources: &[&str], mode: UntrustedLua, budget: Budget) {
    let mut builder = App::builder();
    for (place, source) in sources.iter().enumerate() {
        builder = builder.access(&format!(
            "if kong.request.get_query_arg('place') ~= '{place}' then return end {source}"
        ));
    }
    let app =
        builder.budget(budget).runtime(|runtime| runtime.sandbox(Sandbox::new(mode))).serve().await;
    for (place, source) in sources.iter().enumerate() {
        let reply = app.get(&format!("/?place={place}")).send().await;
        // Some end in an error that they catch themselves.
        assert!([200, 500].contains(&reply.status.as_u16()), "{source}");
        assert_eq!(app.get("/").send().await.status, 200, "after {source}");
    }
}

#[tokio::test]
async fn of_sandboxed_functions() {
    survives(BOTTOMLESS, UntrustedLua::Sandbox, Budget::default()).await;
}

#[tokio::test]
async fn of_functions_that_see_all_of_lua() {
    survives(BOTTOMLESS, UntrustedLua::On, Budget::default()).await;
    survives(OPEN, UntrustedLua::On, Budget::default()).await;
}

#[tokio::test]
async fn the_error_names_the_c_stack_and_can_be_caught() {
    let text = App::eval(
        "select(2, pcall(function() local function f() ('a'):gsub('a', f) end f() end)):match('C stack overflow')",
    )
    .await;
    assert_eq!(text, "C stack overflow");
}

#[tokio::test]
async fn callbacks_nested_as_deeply_as_people_nest_them_work() {
    let text = App::eval(
        "(function()
            local depth = 0
            local function f(n) if n > 0 then ('a'):gsub('a', function() depth = n f(n - 1) end) end end
            f(40)
            return depth
          end)()",
    )
    .await;
    assert_eq!(text, "1");
}
