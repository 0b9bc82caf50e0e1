-- `resty.mlcache.ipc`: events that the VMs tell each other by a shared dictionary, in order.

local ngx, error, ipairs, min, now, pcall = ngx, error, ipairs, math.min, ngx.now, pcall
local find, setmetatable, sleep, sub, tostring, type =
  string.find, setmetatable, ngx.sleep, string.sub, tostring, type

local module = {}
local mt = { __index = module }

-- How many events there have been. The key of each is its number.
local INDEX = "lua-resty-ipc:index"

-- How long an event may take to come that has been announced, in seconds, and how soon it is looked for again.
local TIMEOUT, STEP, LONGEST = 0.3, 0.001, 0.1

-- No two VMs have tables at the same place.
local me = tostring({})

-- Events on `shm`, those of this VM among them if it is to `debug`.
function module.new(shm, debug)
  local dict = ngx.shared[shm]
  if not dict then
    return nil, "no such lua_shared_dict: " .. shm
  end
  local last = dict:get(INDEX) or 0
  return setmetatable({ dict = dict, me = debug and "" or me, idx = last, callbacks = {} }, mt)
end

local function check(value, name, wanted)
  if type(value) ~= wanted then
    error(name .. " must be a " .. wanted, 3)
  end
end

function module:subscribe(channel, callback)
  check(channel, "channel", "string")
  check(callback, "callback", "function")
  local callbacks = self.callbacks[channel] or {}
  callbacks[#callbacks + 1] = callback
  self.callbacks[channel] = callbacks
end

function module:broadcast(channel, data)
  check(channel, "channel", "string")
  check(data, "data", "string")
  local number, err = self.dict:incr(INDEX, 1, 0)
  if not number then
    return nil, "failed to increment index: " .. err
  end
  local ok
  ok, err = self.dict:set(number, ("%s %d:%s%s"):format(me, #channel, channel, data))
  if not ok then
    return nil, "failed to insert event in shm: " .. err
  end
  return true
end

local function hear(self, event)
  local _, last, from, length = find(event, "^(.-) (%d+):")
  if not last or from == self.me then
    return
  end
  local channel = sub(event, last + 1, last + length)
  for _, callback in ipairs(self.callbacks[channel] or {}) do
    local ok, err = pcall(callback, sub(event, last + length + 1))
    if not ok then
      ngx.log(ngx.ERR, "[ipc] callback for channel '", channel, "' threw a Lua error: ", tostring(err))
    end
  end
end

-- The event of a number, which may be on its way.
local function event_of(self, number, timeout)
  local step, began = STEP, now()
  while true do
    local event, err = self.dict:get(number)
    if event then
      return event
    elseif err then
      return nil, "failed to get event from shm: " .. err
    end
    local left = timeout - (now() - began)
    if left <= 0 then
      return nil, "timeout"
    end
    sleep(min(step, left))
    step = min(step * 2, LONGEST)
  end
end

-- Calls back for the events since the last time. One that does not come in `timeout` seconds is passed over
-- and told of.
function module:poll(timeout)
  timeout = timeout == nil and TIMEOUT or timeout
  check(timeout, "timeout", "number")
  local last, err = self.dict:get(INDEX)
  if err then
    return nil, "failed to get index: " .. err
  end
  last = last or 0
  if self.idx == 0 and last > 0 and not self.dict:get(1) then
    -- Older events are gone, and were for others.
    self.idx = last - 1
  end
  while self.idx < last do
    self.idx = self.idx + 1
    local event
    event, err = event_of(self, self.idx, timeout)
    if not event then
      return nil, err
    end
    hear(self, event)
  end
  return true
end

return module
