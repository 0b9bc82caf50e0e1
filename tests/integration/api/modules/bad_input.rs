//! Every function of every module, called with what makes no sense.

use crate::support::App;

/// Calls all functions of the module `name`, and all methods of the object that `object` makes, with
/// what makes no sense. Gives the messages that no Lua function would have.
async fn findings(name: &str, object: &str) -> Vec<String> {
    let source = format!(
        r##"
          local module, found = require("{name}"), {{}}
          local object = {object}
          -- So many rounds of hashing would take until the budget ends.
          local is_patient = "{name}" == "resty.aes"
          local values = {{
            true, false, 0, -1, 1.5, -2 ^ 63, 0 / 0, is_patient and 3 or 2 ^ 31, is_patient and 4 or 1 / 0, "", "a", "\0\255", ("x"):rep(700),
            {{}}, {{a = print}}, {{iv = 5}}, {{size = 128}}, {{_ctx = true}}, {{n = 3}}, print,
            coroutine.create(print), ngx.null, kong, object,
          }}
          local function try(f, ...)
            local ok, err = pcall(f, ...)
            if not ok and (type(err) ~= "string" or err == "" or err:find("mlua") or err:find("tower%-lua:")
              or err:find("userdata to ") or err:find("converting")) then
              found[#found + 1] = tostring(err)
            end
          end
          local function try_all(f, ...)
            try(f, ...)
            for _, value in ipairs(values) do
              local arguments = {{...}}
              local n = select("#", ...)
              for i = 1, 4 do
                arguments[n + i] = value
                try(f, unpack(arguments, 1, n + i))
              end
              try(f, value)
              try(f, nil, value, value)
            end
          end
          for _, f in pairs(module) do
            if type(f) == "function" then
              try_all(f)
              try_all(f, object)
              try_all(f, object, "a", "a")
            end
          end
          require("recorder")(#found, table.concat(found, "; "):sub(1, 500))
        "##
    );
    let app = App::access(&source).await;
    // With all the headers that were added, it may be too much for the client.
    let _ = app.get("/").try_send().await;
    app.recorder.entries()
}

#[tokio::test]
async fn no_module_says_what_lua_would_not() {
    for (name, object) in [
        ("bit", "nil"),
        ("kong.resty.mlcache", "module.new_bulk(2)"),
        ("ngx.base64", "nil"),
        ("ngx.errlog", "nil"),
        ("ngx.re", "nil"),
        ("ngx.req", "nil"),
        ("ngx.resp", "nil"),
        ("resty.aes", "module:new('secret')"),
        ("resty.hmac", "module:new('k')"),
        ("resty.md5", "module:new()"),
        ("resty.random", "nil"),
        ("resty.sha1", "module:new()"),
        ("resty.sha224", "module:new()"),
        ("resty.sha256", "module:new()"),
        ("resty.sha384", "module:new()"),
        ("resty.sha512", "module:new()"),
        ("resty.string", "nil"),
    ] {
        assert_eq!(findings(name, object).await, ["0 "], "{name}");
    }
}
