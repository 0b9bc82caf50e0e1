-- `resty.mlcache`: values of a callback, kept by each VM (level 1) and in a shared dictionary (level 2).

local serialized, stack = ...
local ngx, ceil, error, ipairs, min, next, now, setmetatable, tonumber, tostring, type, xpcall =
  ngx, math.ceil, error, ipairs, math.min, next, ngx.now, setmetatable, tonumber, tostring, type, xpcall
local find, sub = string.find, string.sub
local cjson = require("cjson.safe")
local lrucache = require("resty.lrucache")
local mlcache_ipc = require("resty.mlcache.ipc")
local resty_lock = require("resty.lock")

local module = { _VERSION = "2.7.0" }
local mt = { __index = module }

-- What stands for `nil` among the values of level 1.
local MISS = {}
-- The level that a stale value comes from.
local STALE = 4
-- The flags of such values in the dictionary.
local RESURRECTED = 1

-- Level 1 belongs to the VM: instances of the same name share it.
local levels = setmetatable({}, { __mode = "v" })

-- What is wrong with an option that has to be a number.
local function number_problem(opts, name, positive)
  local value = opts[name]
  if value == nil then
    return
  elseif type(value) ~= "number" then
    return "opts." .. name .. " must be a number"
  elseif value < 0 or positive and value < 1 then
    return "opts." .. name .. " must be " .. (positive and ">= 1" or ">= 0")
  end
end

local function type_problem(opts, name, wanted)
  local value = opts[name]
  if value ~= nil and type(value) ~= wanted then
    return "opts." .. name .. " must be a " .. wanted
  end
end

-- What is wrong with the options of one operation.
local function problem_of(opts)
  return number_problem(opts, "ttl")
    or number_problem(opts, "neg_ttl")
    or number_problem(opts, "resurrect_ttl")
    or number_problem(opts, "shm_set_tries", true)
    or type_problem(opts, "l1_serializer", "function")
    or type_problem(opts, "resty_lock_opts", "table")
end

-- What is wrong with those of an instance.
local function problem_of_new(opts)
  local problem = problem_of(opts)
    or number_problem(opts, "lru_size")
    or type_problem(opts, "shm_miss", "string")
    or type_problem(opts, "shm_locks", "string")
    or type_problem(opts, "ipc_shm", "string")
  if problem or opts.ipc == nil then
    return problem
  elseif opts.ipc_shm ~= nil then
    return "cannot specify both of opts.ipc_shm and opts.ipc"
  elseif type(opts.ipc) ~= "table" then
    return "opts.ipc must be a table"
  end
  for _, name in next, { "register_listeners", "broadcast", "poll" } do
    local value = opts.ipc[name]
    if type(value) ~= "function" and (value ~= nil or name ~= "poll") then
      return "opts.ipc." .. name .. " must be a function"
    end
  end
end

-- Has the instance tell others of changes, and hear of theirs.
local function listen(self, opts)
  local function handle(purpose, handler)
    return { channel = "mlcache:" .. purpose .. ":" .. self.name, handler = handler }
  end
  self.events = {
    invalidation = handle("invalidations", function(key)
      self.lru:delete(key)
    end),
    purge = handle("purge", function()
      self.lru:flush_all()
    end),
  }
  if opts.ipc then
    local ok, err = opts.ipc.register_listeners(self.events)
    if not ok and err ~= nil then
      return nil, "failed to initialize custom IPC (opts.ipc.register_listeners returned an error): " .. err
    end
    self.broadcast, self.poll = opts.ipc.broadcast, opts.ipc.poll
    return true
  end
  local ipc, err = mlcache_ipc.new(opts.ipc_shm, opts.debug)
  if not ipc then
    return nil, "failed to initialize mlcache IPC: " .. err
  end
  for _, event in next, self.events do
    ipc:subscribe(event.channel, event.handler)
  end
  self.ipc = ipc
  function self.broadcast(channel, data)
    return ipc:broadcast(channel, data)
  end
  function self.poll(timeout)
    return ipc:poll(timeout)
  end
  return true
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
  local problem = problem_of_new(opts)
  if problem then
    error(problem, 2)
  end
  local dict = ngx.shared[shm]
  if not dict then
    return nil, "no such lua_shared_dict: " .. shm
  end
  for _, option in next, { "shm_miss", "shm_locks", "ipc_shm" } do
    if opts[option] and not ngx.shared[opts[option]] then
      return nil, "no such lua_shared_dict for opts." .. option .. ": " .. opts[option]
    end
  end
  local self = setmetatable({
    name = name,
    shm = shm,
    dict = dict,
    dict_miss = opts.shm_miss and ngx.shared[opts.shm_miss] or dict,
    shm_locks = opts.shm_locks or shm,
    resty_lock_opts = opts.resty_lock_opts,
    ttl = opts.ttl or 30,
    neg_ttl = opts.neg_ttl or 5,
    resurrect_ttl = opts.resurrect_ttl,
    shm_set_tries = opts.shm_set_tries or 3,
    l1_serializer = opts.l1_serializer,
  }, mt)
  local level = name .. shm
  self.lru = opts.lru or levels[level] or lrucache.new(opts.lru_size or 100)
  if not opts.lru then
    levels[level] = self.lru
  end
  if opts.ipc or opts.ipc_shm then
    local ok, err = listen(self, opts)
    if not ok then
      return nil, err
    end
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

-- The least that a value lives, in seconds: with less it is as good as over.
local LEAST = 0.001

local function in_level_1(self, key, value, ttl)
  if value == nil then
    value = MISS
  end
  self.lru:set(key, value, ttl ~= 0 and ttl or nil)
end

-- What level 1 has of a key, and the level if it has anything.
local function of_level_1(self, key)
  local value = self.lru:get(key)
  if value == MISS then
    return nil, 1
  elseif value ~= nil then
    return value, 1
  end
end

local function full_key(self, key)
  return self.name .. key
end

local function in_level_2(self, key, value, ttl, tries, flags)
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
  for _ = 1, tries do
    local ok, problem = to:set(full_key(self, key), entry, ttl, flags)
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
    local value, flags, is_stale = dict:get_stale(full_key(self, key))
    if value ~= nil and (stale or not is_stale) then
      entry, err = decode(value)
      if not entry then
        return nil, err
      end
      entry.stale = is_stale and true or false
      entry.level = flags == RESURRECTED and STALE or 2
      return entry
    end
  end
end

-- The options of an operation, or what is wrong with them.
local function options_of(self, opts)
  if opts ~= nil and type(opts) ~= "table" then
    return nil, "opts must be a table"
  end
  opts = opts or {}
  local problem = problem_of(opts)
  if problem then
    return nil, problem
  end
  return {
    ttl = opts.ttl or self.ttl,
    neg_ttl = opts.neg_ttl or self.neg_ttl,
    resurrect_ttl = opts.resurrect_ttl or self.resurrect_ttl,
    serializer = opts.l1_serializer or self.l1_serializer,
    tries = opts.shm_set_tries or self.shm_set_tries,
    lock = opts.resty_lock_opts or self.resty_lock_opts,
  }
end

local function check_key(key)
  if type(key) ~= "string" then
    error("key must be a string", 3)
  end
end

-- Puts what level 2 has into level 1: the value, an error, and the level.
local function lift(self, key, entry, serializer)
  local value, err = serialized(entry.value, serializer)
  if err then
    return nil, err, entry.level
  end
  if entry.ttl == 0 or entry.remaining >= LEAST then
    in_level_1(self, key, value, entry.remaining)
  end
  return value, nil, entry.level
end

local function store(self, key, value, ttl, options, flags)
  local ok, err = in_level_2(self, key, value, ttl, options.tries, flags)
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

-- A stale value that lives on where there is no other. Whether there is one.
local function resurrected(self, key, options, stale, problem)
  if not stale or not options.resurrect_ttl then
    return false
  end
  ngx.log(ngx.WARN, "callback returned an error (", problem, ") but stale value found in shm, will resurrect")
  local value, err = store(self, key, stale.value, options.resurrect_ttl, options, RESURRECTED)
  return true, value, err, STALE
end

local function with_traceback(problem)
  if type(problem) ~= "string" then
    return tostring(problem)
  end
  return problem .. "\n" .. stack()
end

local function from_callback(self, key, options, stale, cb, ...)
  local ok, value, problem, ttl = xpcall(cb, with_traceback, ...)
  if not ok then
    return nil, "callback threw an error: " .. value
  elseif problem ~= nil then
    problem = tostring(problem)
    local found, old, err, level = resurrected(self, key, options, stale, problem)
    if found then
      return old, err, level
    end
    return value, problem
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

-- The value of a key that none of the levels has: its callback is called once for all who want it.
local function called_back(self, key, options, stale, cb, ...)
  local lock, err = resty_lock:new(self.shm_locks, options.lock)
  if not lock then
    return nil, "could not create lock: " .. err
  end
  local elapsed
  elapsed, err = lock:lock("lua-resty-mlcache:lock:" .. full_key(self, key))
  if not elapsed and err ~= "timeout" then
    return nil, "could not acquire callback lock: " .. err
  end
  local waited_in_vain = err == "timeout"
  -- Another request may have asked the callback meanwhile.
  local entry
  entry, err = of_level_2(self, key)
  if entry or err then
    lock:unlock()
    if not entry then
      return nil, err
    end
    return lift(self, key, entry, options.serializer)
  end
  if waited_in_vain then
    local problem = "could not acquire callback lock: timeout"
    local found, value
    found, value, err = resurrected(self, key, options, stale, problem)
    if found then
      return value, err, STALE
    end
    return nil, problem
  end
  local value, level
  value, err, level = from_callback(self, key, options, stale, cb, ...)
  lock:unlock()
  return value, err, level
end

-- What the levels have of a key: the value, an error, the level, and what is stale in the second.
local function found(self, key, options)
  local entry, err = of_level_2(self, key, true)
  if entry and not entry.stale then
    return lift(self, key, entry, options.serializer)
  elseif err then
    return nil, err
  end
  return nil, nil, nil, entry
end

-- The value of a key, and the level that it came from: that of the callback is 3.
function module:get(key, opts, cb, ...)
  check_key(key)
  if cb ~= nil and type(cb) ~= "function" then
    error("callback must be nil or a function", 2)
  end
  local value, level = of_level_1(self, key)
  if level then
    return value, nil, level
  end
  local options, problem = options_of(self, opts)
  if not options then
    error(problem, 2)
  end
  local err, stale
  value, err, level, stale = found(self, key, options)
  if err or level then
    return value, err, level
  elseif not cb then
    return nil, nil, -1
  end
  return called_back(self, key, options, stale, cb, ...)
end

function module:peek(key, stale)
  check_key(key)
  local entry, err = of_level_2(self, key, stale)
  if not entry then
    return nil, err
  end
  return entry.remaining, nil, entry.value, entry.stale or nil
end

-- Tells the other VMs of a change. What it is called stands in the error.
local function broadcast(self, change, event, data)
  local ok, err = self.broadcast(event.channel, data)
  if not ok then
    return nil, "could not broadcast " .. change .. ": " .. tostring(err)
  end
  return true
end

local function check_broadcasts(self, change)
  if not self.broadcast then
    error("no ipc to propagate " .. change .. ", specify opts.ipc_shm or opts.ipc", 3)
  end
end

function module:set(key, opts, value)
  check_broadcasts(self, "update")
  check_key(key)
  local options, problem = options_of(self, opts)
  if not options then
    error(problem, 2)
  end
  local ttl = value == nil and options.neg_ttl or options.ttl
  local ok, err = in_level_2(self, key, value, ttl, options.tries)
  if not ok then
    return nil, err
  end
  value, err = serialized(value, options.serializer)
  if err then
    return nil, err
  end
  in_level_1(self, key, value, ttl)
  return broadcast(self, "update", self.events.invalidation, key)
end

function module:delete(key)
  check_broadcasts(self, "deletion")
  check_key(key)
  self.dict:delete(full_key(self, key))
  self.dict_miss:delete(full_key(self, key))
  self.lru:delete(key)
  return broadcast(self, "deletion", self.events.invalidation, key)
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
  return broadcast(self, "purge", self.events.purge, "")
end

-- Drops from level 1 what other VMs have changed.
function module:update(timeout)
  if not self.poll then
    error("no polling configured, specify opts.ipc_shm or opts.ipc.poll", 2)
  end
  local ok, err = self.poll(timeout)
  if not ok then
    return nil, "could not poll ipc events: " .. tostring(err)
  end
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

-- How many callbacks run at a time where nothing is said.
local CONCURRENCY = 3

-- What the levels have of an operation, or what is to be called back for it.
local function begun(self, bulk, i)
  local place = i * 4
  local key, own, cb = bulk[place + 1], bulk[place + 2], bulk[place + 3]
  local function check(value, offset, what, wanted)
    if type(value) ~= wanted then
      local problem = ("%s at index %d must be a %s for operation %d (got %s)"):format(
        what, place + offset, wanted, i + 1, type(value))
      error(problem, 4)
    end
  end
  check(key, 1, "key", "string")
  check(cb, 3, "callback", "function")
  if own ~= nil then
    check(own, 2, "options", "table")
  end
  local options, problem = options_of(self, own)
  if not options then
    error(("options at index %d for operation %d are invalid: %s"):format(place + 2, i + 1, problem), 3)
  end
  local value, level = of_level_1(self, key)
  if level then
    return value, nil, level
  end
  local err, stale
  value, err, level, stale = found(self, key, options)
  if err or level then
    return value, err, level
  end
  return nil, nil, nil, { self, key, options, stale, cb, bulk[place + 4], place = i * 3 }
end

local function run(misses, results, first, last)
  for i = first, last do
    local miss = misses[i]
    local place = miss.place
    results[place + 1], results[place + 2], results[place + 3] =
      called_back(miss[1], miss[2], miss[3], miss[4], miss[5], miss[6])
  end
end

-- Runs callbacks, some at a time, in light threads.
local function run_all(misses, results, concurrency)
  local threads = min(#misses, concurrency)
  local each = ceil(#misses / threads)
  ngx.log(ngx.DEBUG, "spawning ", threads - 1, " threads to run ", #misses, " callbacks")
  local spawned, first = {}, 1
  for i = 1, threads - 1 do
    local last = min(first + each - 1, #misses)
    if first <= last then
      ngx.log(ngx.DEBUG, "thread ", i, " running callbacks ", first, " to ", last)
      spawned[i] = ngx.thread.spawn(run, misses, results, first, last)
    end
    first = last + 1
  end
  if first <= #misses then
    ngx.log(ngx.DEBUG, "main thread running callbacks ", first, " to ", #misses)
    run(misses, results, first, #misses)
  end
  for _, thread in ipairs(spawned) do
    local ok, err = ngx.thread.wait(thread)
    if not ok then
      return nil, "failed to wait for thread: " .. tostring(err)
    end
  end
  return results
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
  local concurrency = opts and opts.concurrency or CONCURRENCY
  if type(concurrency) ~= "number" then
    error("opts.concurrency must be a number", 2)
  elseif concurrency <= 0 then
    error("opts.concurrency must be > 0", 2)
  end
  local results, misses = { n = bulk.n * 3 }, {}
  for i = 0, bulk.n - 1 do
    results[i * 3 + 1], results[i * 3 + 2], results[i * 3 + 3], misses[#misses + 1] = begun(self, bulk, i)
  end
  if #misses == 0 then
    return results
  end
  return run_all(misses, results, concurrency)
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
