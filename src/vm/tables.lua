local native = ...
local next, type = next, type

-- What OpenResty adds to LuaJIT's `table`.
table.new, table.clear = require("table.new"), require("table.clear")

-- What goes through a whole table in C, or makes one: the clock is looked at before.
if native.limits_time then
  for _, name in next, { "clear", "maxn", "new" } do
    local of, tick = table[name], native.tick
    table[name] = function(...)
      tick()
      return of(...)
    end
  end
  package.loaded["table.new"], package.loaded["table.clear"] = table.new, table.clear
end

local function check_table(t, name)
  if type(t) ~= "table" then
    native.fail("bad argument #1 to '" .. name .. "' (table expected, got " .. type(t) .. ")")
  end
end

function table.isempty(t)
  check_table(t, "isempty")
  return next(t) == nil
end

function table.isarray(t)
  check_table(t, "isarray")
  for key in next, t do
    if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then
      return false
    end
  end
  return true
end

function table.nkeys(t)
  check_table(t, "nkeys")
  local count = 0
  for _ in next, t do
    count = count + 1
  end
  return count
end

function table.clone(t)
  check_table(t, "clone")
  local clone = {}
  for key, value in next, t do
    clone[key] = value
  end
  return clone
end

for _, name in next, { "isempty", "isarray", "nkeys", "clone" } do
  package.loaded["table." .. name] = table[name]
end
