-- `kong.tools.time`.

local ngx = ngx

local function updated()
  ngx.update_time()
  return ngx.now()
end

return {
  time_ns = function()
    return updated() * 1e9
  end,
  get_updated_now = updated,
  get_now_ms = function()
    return ngx.now() * 1000
  end,
  get_updated_now_ms = function()
    return updated() * 1000
  end,
  get_updated_monotonic_ms = function()
    return updated() * 1000
  end,
  get_start_time_ms = function()
    return ngx.req.start_time() * 1000
  end,
}
