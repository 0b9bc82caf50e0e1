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

-- A copy of a table of functions that fills itself as entries are asked for, so that a function
-- pays only for what it names. What is written to the copy stays in the copy. A metatable of the
-- original goes on answering for what is computed, `ngx.status` for one.
local function copy_of(original)
  local meta = getmetatable(original) or {}
  local copy = {}

  local function lookup(_, key)
    local value = rawget(original, key)
    if value == nil then
      local computed = meta.__index
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

  return setmetatable(copy, {
    __index = lookup,
    __newindex = meta.__newindex,
    __call = meta.__call,
    __pairs = function()
      for key in next, original do
        if rawget(copy, key) == nil then
          lookup(copy, key)
        end
      end
      return next, copy
    end,
  })
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
-- permitted of `modules`.
function maker.closed(allowed, modules)
  return function()
    local env, markers = copy_of(allowed), {}
    getmetatable(env)[MARKERS] = markers
    rawset(env, "_G", env)
    rawset(env, "require", gated(modules, markers))
    return env
  end
end

return maker
