-- What of LuaSocket's `socket` functions use: the time, and to wait.

local ngx = ...

return {
  _VERSION = "LuaSocket 3.0.0",
  gettime = function()
    ngx.update_time()
    return ngx.now()
  end,
  sleep = function(seconds)
    ngx.sleep(seconds)
  end,
}
