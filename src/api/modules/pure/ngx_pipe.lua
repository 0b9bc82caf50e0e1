-- `ngx.pipe`: there are no processes for functions to start.

return {
  spawn = function()
    return nil, "functions start no processes"
  end,
}
