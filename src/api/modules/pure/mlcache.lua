-- `resty.mlcache`: values of a callback, kept by each VM (level 1) and in a shared dictionary (level 2).

local serialized = ...
local ngx, error, next, now, pcall, setmetatable, tonumber, tostring, type =
  ngx, error, next, ngx.now, pcall, setmetatable, tonumber, tostring, type
local find, match, sub = string.find, string.match, string.sub
local cjson = require("cjson.safe")
local lrucache = require("resty.lrucache")
local resty_lock = require("resty.lock")

local module = { _VERSION = "2.7.0" }
local mt = { __index = module }

-- What stands for `nil` among the values of level 1.
local MISS = {}
-- The level that a stale value comes from.
local STALE = 4

-- Level 1 belongs to the VM: instances of the same name share it.
local levels = setmetatable({}, { __mode = "v" })

local function check_number(opts, name, positive)
  local value = opts[name]
  if value == nil then
    return
  elseif type(value) ~= "number" then
    error("opts." .. name .. " must be a number", 3)
  elseif value < 0 or positive and value < 1 then
    error("opts." .. name .. " must be " .. (positive and ">= 1" or ">= 0"), 3)
  end
end

function module.new(name, shm, opts)
  if type(name) ~= "string" then
    error("name must be a string", 2)
  elseif type(shm) ~= "string" then
    error("shm must be a string", 2)
  elseif opts ~= nil and type(opts) ~= "table" then
    error("opts must be a table", 2)
  end
  opts = opts or {}
  check_number(opts, "ttl")
  check_number(opts, "neg_ttl")
  check_number(opts, "resurrect_ttl")
  check_number(opts, "lru_size")
  check_number(opts, "shm_set_tries", true)
  if opts.l1_serializer ~= nil and type(opts.l1_serializer) ~= "function" then
    error("opts.l1_serializer must be a function", 2)
  elseif opts.ipc ~= nil and type(opts.ipc) ~= "table" then
    error("opts.ipc must be a table", 2)
  end
  local dict = ngx.shared[shm]
  if not dict then
    return nil, "no such lua_shared_dict: " .. shm
  end
  local dicts = {}
  for _, option in next, { "shm_miss", "shm_locks", "ipc_shm" } do
    if opts[option] then
      dicts[option] = ngx.shared[opts[option]]
      if not dicts[option] then
        return nil, "no such lua_shared_dict for opts." .. option .. ": " .. opts[option]
      end
    end
  end
  local self = setmetatable({
    name = name,
    shm = shm,
    dict = dict,
    dict_miss = dicts.shm_miss or dict,
    locks = opts.shm_locks or shm,
    lock_opts = opts.resty_lock_opts,
    ttl = opts.ttl or 30,
    neg_ttl = opts.neg_ttl or 5,
    resurrect_ttl = opts.resurrect_ttl,
    tries = opts.shm_set_tries or 3,
    l1_serializer = opts.l1_serializer,
    broadcasts = dicts.ipc_shm ~= nil or opts.ipc ~= nil,
    -- Events are numbers of a shared dictionary that `update` looks at.
    events = dicts.ipc_shm or dict,
    ipc = opts.ipc,
    seen = 0,
  }, mt)
  local level = name .. shm
  self.lru = opts.lru or levels[level] or lrucache.new(opts.lru_size or 100)
  if not opts.lru then
    levels[level] = self.lru
  end
  if self.broadcasts and not opts.ipc then
    self.seen = self.events:get(name .. ":events") or 0
  end
  if opts.ipc then
    opts.ipc.register_listeners({
      invalidation = { channel = "mlcache:invalidations:" .. name, handler = function(key)
        self.lru:delete(key)
      end },
      purge = { channel = "mlcache:purge:" .. name, handler = function()
        self.lru:flush_all()
      end },
    })
  end
  return self
end

-- Level 2 has texts: when a value was set, how long it lives, and its kind before it.
local function encode(value, ttl)
  local kind, text = "s", value
  if value == nil then
    kind, text = "n", ""
  elseif type(value) == "number" then
    kind, text = "d", ("%.17g"):format(value)
  elseif type(value) == "boolean" then
    kind, text = "b", value and "1" or "0"
  elseif type(value) == "table" then
    local err
    kind = "t"
    text, err = cjson.encode(value)
    if not text then
      return nil, "could not encode table value: " .. err
    end
  elseif type(value) ~= "string" then
    error("cannot cache value of type " .. type(value))
  end
  return ("%s %.3f %.3f "):format(kind, now(), ttl) .. text
end

local function decode(entry)
  local _, last, kind, at, ttl = find(entry, "^(%l) (%S+) (%S+) ")
  if not last then
    return nil, "the shared dictionary has entries of others"
  end
  local text = sub(entry, last + 1)
  local value, err = text, nil
  if kind == "n" then
    value = nil
  elseif kind == "d" then
    value = tonumber(text)
  elseif kind == "b" then
    value = text == "1"
  elseif kind == "t" then
    value, err = cjson.decode(text)
    if err then
      return nil, "could not decode table value: " .. err
    end
  end
  ttl = tonumber(ttl)
  return { value = value, ttl = ttl, remaining = ttl == 0 and 0 or ttl - (now() - tonumber(at)) }
end

local function in_level_1(self, key, value, ttl)
  if value == nil then
    value = MISS
  end
  self.lru:set(key, value, ttl ~= 0 and ttl or nil)
end

local function full_key(self, key)
  return self.name .. key
end

local function in_level_2(self, key, value, ttl)
  local entry, err = encode(value, ttl)
  if not entry then
    return nil, err
  end
  local to, other = self.dict, self.dict_miss
  if value == nil then
    to, other = other, to
  end
  if to ~= other then
    other:delete(full_key(self, key))
  end
  for _ = 1, self.tries do
    local ok, problem = to:set(full_key(self, key), entry, ttl)
    if ok then
      return true
    end
    err = problem
    if problem ~= "no memory" then
      break
    end
  end
  return nil, "could not write to lua_shared_dict '" .. self.shm .. "': " .. tostring(err)
end

-- What level 2 has of a key; also if its time is over, as long as nothing else has taken its place.
local function of_level_2(self, key, stale)
  local entry, err
  for _, dict in next, { self.dict, self.dict_miss } do
    local value, _, is_stale
    value, _, is_stale = dict:get_stale(full_key(self, key))
    if value ~= nil and (stale or not is_stale) then
      entry, err = decode(value)
      if not entry then
        return nil, err
      end
      entry.stale = is_stale and true or false
      return entry
    end
  end
end

local function options_of(self, opts)
  if opts ~= nil and type(opts) ~= "table" then
    error("opts must be a table", 3)
  end
  opts = opts or {}
  check_number(opts, "ttl")
  check_number(opts, "neg_ttl")
  check_number(opts, "resurrect_ttl")
  return {
    ttl = opts.ttl or self.ttl,
    neg_ttl = opts.neg_ttl or self.neg_ttl,
    resurrect_ttl = opts.resurrect_ttl or self.resurrect_ttl,
    serializer = opts.l1_serializer or self.l1_serializer,
  }
end

local function check_key(key)
  if type(key) ~= "string" then
    error("key must be a string", 3)
  end
end

-- Puts what level 2 has into level 1.
local function lift(self, key, entry, serializer)
  local value, err = serialized(entry.value, serializer)
  if err then
    return nil, err
  end
  in_level_1(self, key, value, entry.remaining)
  return value
end

local function store(self, key, value, ttl, options)
  local ok, err = in_level_2(self, key, value, ttl)
  if not ok then
    ngx.log(ngx.WARN, err)
  end
  value, err = serialized(value, options.serializer)
  if err then
    return nil, err
  end
  in_level_1(self, key, value, ttl)
  return value
end

local function resurrected(self, key, options, problem)
  local entry = options.resurrect_ttl and of_level_2(self, key, true)
  if not entry then
    return nil
  end
  ngx.log(ngx.WARN, "callback returned an error (", tostring(problem), ") but stale value found in shm, will resurrect")
  local value, err = store(self, key, entry.value, options.resurrect_ttl, options)
  return true, value, err
end

local function from_callback(self, key, options, cb, ...)
  local ok, value, problem, ttl = pcall(cb, ...)
  if not ok then
    value, problem = nil, "callback threw an error: " .. tostring(value)
  end
  if problem then
    local found, stale, err = resurrected(self, key, options, problem)
    if found then
      return stale, err, STALE
    end
    return nil, problem
  end
  local lives = value == nil and options.neg_ttl or options.ttl
  ttl = tonumber(ttl)
  if ttl and ttl >= 0 then
    lives = ttl
  elseif ttl then
    -- Less than nothing: the value is not kept.
    return value, nil, 3
  end
  local err
  value, err = store(self, key, value, lives, options)
  return value, err, 3
end

-- The value of a key, and the level that it came from: that of the callback is 3.
function module:get(key, opts, cb, ...)
  check_key(key)
  if cb ~= nil and type(cb) ~= "function" then
    error("callback must be nil or a function", 2)
  end
  local value = self.lru:get(key)
  if value == MISS then
    return nil, nil, 1
  elseif value ~= nil then
    return value, nil, 1
  end
  local options = options_of(self, opts)
  local entry, err = of_level_2(self, key)
  if entry then
    value, err = lift(self, key, entry, options.serializer)
    return value, err, 2
  elseif err then
    return nil, err
  elseif not cb then
    return nil, nil, -1
  end

  local lock
  lock, err = resty_lock:new(self.locks, self.lock_opts)
  if not lock then
    return nil, "could not create lock: " .. err
  end
  local elapsed
  elapsed, err = lock:lock("mlcache:" .. full_key(self, key))
  if not elapsed and err ~= "timeout" then
    return nil, "could not acquire callback lock: " .. err
  end
  local waited_in_vain = err == "timeout"
  -- Another request may have asked the callback meanwhile.
  entry, err = of_level_2(self, key)
  if entry or err then
    lock:unlock()
    if not entry then
      return nil, err
    end
    value, err = lift(self, key, entry, options.serializer)
    return value, err, 2
  end
  if waited_in_vain then
    local found, stale, problem = resurrected(self, key, options, "timeout")
    if found then
      return stale, problem, STALE
    end
    return nil, "could not acquire callback lock: timeout"
  end
  local level
  value, err, level = from_callback(self, key, options, cb, ...)
  lock:unlock()
  return value, err, level
end

function module:peek(key, stale)
  check_key(key)
  local entry, err = of_level_2(self, key, stale)
  if not entry then
    return nil, err
  end
  return entry.remaining, nil, entry.value, entry.stale or nil
end

local function announced(self, key)
  if self.ipc then
    local channel = key and "mlcache:invalidations:" or "mlcache:purge:"
    return self.ipc.broadcast(channel .. self.name, key or "")
  end
  local number, err = self.events:incr(self.name .. ":events", 1, 0)
  if not number then
    return nil, err
  end
  return self.events:set(self.name .. ":event:" .. number, key and "k" .. key or "p", 60)
end

-- Tells the other VMs of a change, of all keys if none is named. What it is called stands in the error.
local function broadcast(self, change, key)
  local ok, err = announced(self, key)
  if not ok then
    return nil, "could not broadcast " .. change .. ": " .. tostring(err)
  end
  return true
end

local function check_broadcasts(self, change)
  if not self.broadcasts then
    error("no ipc to propagate " .. change .. ", specify opts.ipc_shm or opts.ipc", 3)
  end
end

function module:set(key, opts, value)
  check_broadcasts(self, "update")
  check_key(key)
  local options = options_of(self, opts)
  local ttl = value == nil and options.neg_ttl or options.ttl
  local ok, err = in_level_2(self, key, value, ttl)
  if not ok then
    return nil, err
  end
  value, err = serialized(value, options.serializer)
  if err then
    return nil, err
  end
  in_level_1(self, key, value, ttl)
  return broadcast(self, "update", key)
end

function module:delete(key)
  check_broadcasts(self, "deletion")
  check_key(key)
  self.dict:delete(full_key(self, key))
  self.dict_miss:delete(full_key(self, key))
  self.lru:delete(key)
  return broadcast(self, "deletion", key)
end

function module:purge(flush_expired)
  check_broadcasts(self, "purge")
  self.lru:flush_all()
  for _, dict in next, { self.dict, self.dict_miss } do
    dict:flush_all()
    if flush_expired then
      dict:flush_expired()
    end
  end
  return broadcast(self, "purge")
end

-- Drops from level 1 what other VMs have changed.
function module:update()
  if not self.broadcasts then
    error("no polling configured, specify opts.ipc_shm or opts.ipc.poll", 2)
  elseif self.ipc then
    return self.ipc.poll()
  end
  local last = self.events:get(self.name .. ":events") or 0
  for number = self.seen + 1, last do
    local event = self.events:get(self.name .. ":event:" .. number)
    local key = event and match(event, "^k(.*)$")
    if key then
      self.lru:delete(key)
    else
      -- A purge; or an event that is too old to be known.
      self.lru:flush_all()
    end
  end
  self.seen = last
  return true
end

local bulk_mt = {}
bulk_mt.__index = bulk_mt

function bulk_mt:add(key, opts, cb, arg)
  local place = self.n * 4
  self[place + 1], self[place + 2], self[place + 3], self[place + 4] = key, opts, cb, arg
  self.n = self.n + 1
end

function module.new_bulk()
  return setmetatable({ n = 0 }, bulk_mt)
end

-- For each key its value, error and level.
function module:get_bulk(bulk, opts)
  if type(bulk) ~= "table" then
    error("bulk must be a table", 2)
  elseif type(bulk.n) ~= "number" then
    error("bulk must have n field", 2)
  elseif opts ~= nil and type(opts) ~= "table" then
    error("opts must be a table", 2)
  end
  local results = { n = bulk.n * 3 }
  for i = 0, bulk.n - 1 do
    local key, own, cb, arg = bulk[i * 4 + 1], bulk[i * 4 + 2], bulk[i * 4 + 3], bulk[i * 4 + 4]
    if type(key) ~= "string" then
      error("key at index " .. i * 4 + 1 .. " must be a string for operation " .. i + 1 .. " (got " .. type(key) .. ")", 2)
    elseif cb ~= nil and type(cb) ~= "function" then
      error("callback at index " .. i * 4 + 3 .. " must be a function for operation " .. i + 1 .. " (got " .. type(cb) .. ")", 2)
    end
    results[i * 3 + 1], results[i * 3 + 2], results[i * 3 + 3] = self:get(key, own, cb, arg)
  end
  return results
end

local function next_result(results, i)
  local place = i * 3
  if place + 1 <= results.n then
    return i + 1, results[place + 1], results[place + 2], results[place + 3]
  end
end

function module.each_bulk_res(results)
  if not results.n then
    error("res must have res.n field; is this a get_bulk() result?", 2)
  end
  return next_result, results, 0
end

return module
