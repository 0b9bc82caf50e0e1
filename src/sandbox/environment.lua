-- The global environment of each function: its own globals, over its own copies of what it may use.

local MARKERS = ...
local _G, next, type, require = _G, next, type, require
local rawget, rawset, setmetatable, getmetatable = rawget, rawset, setmetatable, getmetatable

local function shallow(original)
  local copy = {}
  for key, value in next, original do
    copy[key] = value
  end
  return copy
end

-- A table that holds nothing itself but answers for the request, `ngx.header` for one, has this in
-- its metatable. Each function has one of its own, with all that it shows: `table.insert` writes to
-- tables without asking their metatables, and `pairs` may give one away.
local function proxy_of(meta)
  local own = shallow(meta)
  own.__metatable = false
  if type(own.__index) == "table" then
    local methods = shallow(own.__index)
    own.__index = methods
    own.__pairs = function()
      return next, methods
    end
  end
  return own
end

local meta_of

-- A copy of a table of functions that fills itself as entries are asked for, so that a function
-- pays only for what it names. What is written to the copy stays in the copy.
local function copy_of(original)
  return setmetatable({}, meta_of(original))
end

-- What is at `key` of a copy of `original`, from now on. The metatable of the original goes on answering for what
-- is computed, `ngx.status` for one.
local function fill(copy, key, original, meta)
  local value = rawget(original, key)
  if value == nil then
    local computed = meta and meta.__index
    return computed and computed(copy, key)
  end
  if type(value) == "table" then
    local of_value = getmetatable(value)
    if of_value and of_value.__shared then
      value = setmetatable(shallow(value), proxy_of(of_value))
    else
      value = copy_of(value)
    end
  end
  rawset(copy, key, value)
  return value
end

local function fill_all(copy, original, meta)
  for key in next, original do
    if rawget(copy, key) == nil then
      fill(copy, key, original, meta)
    end
  end
  return next, copy
end

local metas = {}

-- The metatable of all copies of a table: thousands of functions have some. None of them gets to see it, for what
-- one changed would be changed for all.
function meta_of(original)
  local known = metas[original]
  if not known then
    local meta = getmetatable(original)
    known = {
      __metatable = false,
      __index = function(copy, key)
        return fill(copy, key, original, meta)
      end,
      __newindex = meta and meta.__newindex,
      __call = meta and meta.__call,
      __pairs = function(copy)
        return fill_all(copy, original, meta)
      end,
    }
    metas[original] = known
  end
  return known
end

-- The `require` of one function. What is made for it, and what that is made of, is the function's own.
local function gated(modules, markers)
  local permitted, offered, deny = modules.permitted, modules.offered, modules.deny
  local own, globals = {}, nil
  local required

  -- Those of the VM, but for dictionaries, which modules may hand out.
  local function globals_of_modules()
    local ngx = setmetatable({ shared = copy_of(_G.ngx.shared) }, { __index = _G.ngx, __newindex = _G.ngx })
    return setmetatable({ require = required, ngx = ngx }, { __index = _G, [MARKERS] = markers })
  end

  local function made(name, how)
    if own[name] == nil then
      globals = globals or globals_of_modules()
      local module = how(name, globals)
      own[name] = module == nil or module
    end
    return own[name]
  end

  -- What the crate's own modules require.
  function required(name)
    local how = offered[name]
    return how and made(name, how) or require(name)
  end

  return function(name)
    local how = permitted[name]
    if not how then
      deny(name)
    elseif how == true then
      return require(name)
    end
    return made(name, how)
  end
end

local maker = {}

-- Makes environments that see all globals of `_G`.
function maker.open(globals, markers)
  local meta = { __index = globals, [MARKERS] = markers }
  return function()
    return setmetatable({}, meta)
  end
end

-- Makes environments that see copies of what is in `allowed`, and a `require` that gives what is
-- permitted of `modules`. That is made when it is asked for, as all else is.
function maker.closed(allowed, modules)
  local function lookup(env, key)
    if key ~= "require" then
      return fill(env, key, allowed)
    end
    local required = gated(modules, getmetatable(env)[MARKERS])
    rawset(env, key, required)
    return required
  end

  local function all(env)
    if rawget(env, "require") == nil then
      lookup(env, "require")
    end
    return fill_all(env, allowed)
  end

  return function()
    local env = {}
    env._G = env
    return setmetatable(env, { __index = lookup, __pairs = all, [MARKERS] = {} })
  end
end

return maker
