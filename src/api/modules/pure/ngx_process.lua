-- `ngx.process`: what kind of process this is.

local ngx = ngx

local function refuse()
  return nil, "not allowed: functions have no process of their own"
end

return {
  type = function()
    return "worker"
  end,
  get_master_pid = function()
    return ngx.worker.pid()
  end,
  enable_privileged_agent = refuse,
  signal_graceful_exit = refuse,
}
