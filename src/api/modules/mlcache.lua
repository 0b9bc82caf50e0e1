-- What of `kong.resty.mlcache` goes with `kong.cache:get_bulk`.

local error, setmetatable = error, setmetatable

local bulk_mt = {}
bulk_mt.__index = bulk_mt

function bulk_mt:add(key, opts, cb, arg)
  local place = self.n * 4
  self[place + 1], self[place + 2], self[place + 3], self[place + 4] = key, opts, cb, arg
  self.n = self.n + 1
end

local function next_result(results, i)
  local place = i * 3
  if place + 1 <= results.n then
    return i + 1, results[place + 1], results[place + 2], results[place + 3]
  end
end

return {
  new_bulk = function()
    return setmetatable({ n = 0 }, bulk_mt)
  end,
  each_bulk_res = function(results)
    if not results.n then
      error("res must have res.n field; is this a get_bulk() result?", 2)
    end
    return next_result, results, 0
  end,
}
