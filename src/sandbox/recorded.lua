-- Notes what a function calls: what it sees of `kong`, `ngx` and modules stands before what there is.
-- Whatever these call among themselves passes by here.

local native = ...
local note, note_read, note_write = native.call, native.read, native.write
local returned, caught, count = native.returned, native.caught, native.count
-- Whether a value has methods: a socket, a client of `resty.http`.
local is_object = native.is_object
local type, next, pairs, select, tostring = type, next, pairs, select, tostring
local setmetatable, rawset = setmetatable, rawset

-- Tables whose fields are the API: to read or to set one is to call it.
local ACCESSED = { ["ngx.var"] = true, ["ngx.header"] = true, ["ngx.arg"] = true }

-- The fields of `ngx` that are computed.
local COMPUTED = { status = true, headers_sent = true, is_subrequest = true }

-- Tables of functions' own.
local PASSED = { ["kong.ctx"] = true, ["kong.configuration"] = true, ["ngx.ctx"] = true }

-- What stands before what, and the other way round.
local originals = setmetatable({}, { __mode = "k" })
local stand_ins = setmetatable({}, { __mode = "kv" })

-- How many arguments are looked through at most for what stands before something.
local MOST = 8

-- Arguments as the API is to see them.
local function plain(...)
  local many = select("#", ...)
  if many == 0 or many > MOST then
    return ...
  end
  local first = ...
  first = originals[first] or first
  if many == 1 then
    return first
  end
  return first, plain(select(2, ...))
end

local function has_functions(t)
  for _, value in pairs(t) do
    if type(value) == "function" then
      return true
    end
  end
  return false
end

local stand_in

local function finish(class, id, ...)
  if id ~= 0 then
    returned(id, ...)
  end
  if is_object((...)) then
    return stand_in(class, (...)), select(2, ...)
  end
  return ...
end

-- What objects are called that a function of this name makes.
local function class_of(prefix, key)
  return key == "new" and prefix or prefix .. "." .. key
end

local function noted(before, prefix, key, f)
  local name, method = prefix .. "." .. key, prefix .. ":" .. key
  local class = class_of(prefix, key)
  return function(...)
    local id
    if (...) == before then
      id = note(method, plain(select(2, ...)))
    else
      id = note(name, plain(...))
    end
    return finish(class, id, f(plain(...)))
  end
end

local function is_api(prefix)
  return prefix == "kong" or prefix == "ngx" or prefix:sub(1, 5) == "kong." or prefix:sub(1, 4) == "ngx."
end

-- What of the table `before` stands for the value of one of its fields.
local function field(before, prefix, functions, key, value)
  local kind = type(value)
  if type(key) ~= "string" then
    return value
  elseif kind == "function" then
    local known = functions[value]
    if not known then
      known = noted(before, prefix, key, value)
      functions[value] = known
    end
    return known
  elseif kind == "table" then
    local name = prefix .. "." .. key
    if not PASSED[name] and (is_api(prefix) or has_functions(value)) then
      return stand_in(name, value)
    end
  end
  return value
end

local function place(prefix, key)
  return type(key) == "number" and prefix .. "[" .. key .. "]" or prefix .. "." .. tostring(key)
end

function stand_in(prefix, original)
  if stand_ins[original] then
    return stand_ins[original]
  end
  local before, functions = {}, {}
  local is_accessed = ACCESSED[prefix]

  local function value_of(key, value)
    return field(before, prefix, functions, key, value)
  end

  setmetatable(before, {
    __metatable = false,
    __index = function(_, key)
      if is_accessed or prefix == "ngx" and COMPUTED[key] then
        return finish(prefix, note_read(place(prefix, key)), original[key])
      end
      return value_of(key, original[key])
    end,
    __newindex = function(_, key, value)
      value = plain(value)
      local id = is_api(prefix) and note_write(place(prefix, key) .. " =", value) or 0
      original[key] = value
      if id ~= 0 then
        returned(id)
      end
    end,
    __call = function(_, ...)
      return finish(prefix, note(prefix, plain(...)), original(plain(...)))
    end,
    __len = function()
      return #original
    end,
    __pairs = function()
      local iterate, state, start = pairs(original)
      return function(_, last)
        local key, value = iterate(state, last)
        if key ~= nil then
          return key, value_of(key, value)
        end
      end, before, start
    end,
  })
  originals[before], stand_ins[original] = original, before
  return before
end

local function settled(before, ok, ...)
  if not ok then
    caught(before, (...))
  end
  return ok, ...
end

local function module(name, id, value, ...)
  if id ~= 0 then
    returned(id)
  end
  if type(value) == "table" and has_functions(value) then
    value = stand_in(name, value)
  elseif type(value) == "function" then
    local f = value
    value = function(...)
      return finish(name, note(name, plain(...)), f(plain(...)))
    end
  end
  return value, ...
end

-- Has what a function calls in the environment `env` noted.
return function(env)
  local require, pcall, xpcall = env.require, env.pcall, env.xpcall
  local modules = {}
  rawset(env, "kong", stand_in("kong", env.kong))
  rawset(env, "ngx", stand_in("ngx", env.ngx))
  rawset(env, "pcall", function(...)
    return settled(count(), pcall(...))
  end)
  rawset(env, "xpcall", function(...)
    return settled(count(), xpcall(...))
  end)
  rawset(env, "require", function(name, ...)
    local known = modules[name]
    if known == nil then
      known = module(tostring(name), note("require", name), require(name, ...))
      if name ~= nil then
        modules[name] = known
      end
    end
    return known
  end)
  return env
end
