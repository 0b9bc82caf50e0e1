-- The global environment of each function: its own globals, over its own copies of what it may use.

local next, type, require = next, type, require
local rawget, rawset, setmetatable, getmetatable = rawget, rawset, setmetatable, getmetatable

-- A table that holds nothing itself but answers for the request, `ngx.header` for one. Each function
-- has one of its own: `table.insert` writes to it without asking its metatable.
local function is_proxy(value)
  local meta = getmetatable(value)
  return meta and meta.__shared
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
      value = is_proxy(value) and setmetatable({}, getmetatable(value)) or copy_of(value)
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

-- The `require` of one function.
local function gated(permitted, deny)
  local own = {}
  return function(name)
    local how = permitted[name]
    if not how then
      deny(name)
    elseif how == true then
      return require(name)
    end
    own[name] = own[name] or how()
    return own[name]
  end
end

local maker = {}

-- Makes environments that see all globals of `_G`.
function maker.open(globals)
  local meta = { __index = globals }
  return function()
    return setmetatable({}, meta)
  end
end

-- Makes environments that see copies of what is in `allowed`, and a `require` that gives what is
-- `permitted`.
function maker.closed(allowed, permitted, deny)
  return function()
    local env = copy_of(allowed)
    rawset(env, "_G", env)
    rawset(env, "require", gated(permitted, deny))
    return env
  end
end

return maker
