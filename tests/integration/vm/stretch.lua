-- Calls each function of `roots` with large arguments, from where the last request left off, be it in
-- another VM. `step(what, place, at, used)` says what is called next and where that is, and gives the
-- milliseconds of CPU that the last took.

local roots, large, step, place, at, used = ...

local SKIPPED = {
  -- What waits, and is right to.
  sleep = true, wait = true, lock = true, receive = true, receiveany = true, connect = true, query = true,
  request_uri = true, setkeepalive = true,
}

local function functions_of()
  local functions, seen = {}, {}
  local function walk(value, path, owner, depth)
    if seen[value] then return end
    if type(value) == "function" then
      seen[value] = true
      if not SKIPPED[path:match("[%w_]+$")] then
        functions[#functions + 1] = { path = path, f = value, owner = owner }
      end
    elseif type(value) == "table" and depth < 4 then
      seen[value] = true
      for name, field in pairs(value) do
        walk(field, path .. "." .. tostring(name), value, depth + 1)
      end
    end
  end
  for _, root in ipairs(roots) do
    local ok, value = pcall(root.make)
    if ok and value ~= nil then
      walk(value, root.name, nil, 0)
    end
  end
  table.sort(functions, function(a, b) return a.path < b.path end)
  return functions
end

local function lists_of(owner)
  local lists = {}
  local function add(...)
    lists[#lists + 1] = { n = select("#", ...), ... }
  end
  for _, v in ipairs(large) do
    add(v) add(owner, v) add(v, v) add(v, "a") add("a", v) add(v, 1e9) add(owner, "a", v) add(v, v, v)
    add(owner, v, v) add(v, "a", v) add("a", "a", v)
  end
  add(unpack(large.many, 1, 7000))
  add("a", unpack(large.many, 1, 7000))
  add(large.format, unpack(large.many, 1, 7000))
  add("a", 1e9) add(1e9) add(1, 1e9) add(1, 1e9, 1) add({}, 1e9) add(large.list, 1, 0) add(large.list, 1)
  add(large.list, 1, 2e5, 2)
  return lists
end

functions = functions or functions_of()

-- How long one function is tried, in milliseconds.
local ENOUGH = 120

while functions[place] do
  local what = functions[place]
  local lists = lists_of(what.owner)
  while lists[at + 1] and used < ENOUGH do
    at = at + 1
    local list = lists[at]
    -- It may be that this does not come back.
    used = used + 20
    step(what.path .. " with list " .. at, place, at, used)
    local ok = pcall(what.f, unpack(list, 1, list.n))
    local took = step("", place, at, used)
    used = used - 20 + took
    if ok and took > 0.3 then
      used = used + 20
      step(what.path .. " again and again with list " .. at, place, at, used)
      for _ = 1, 1e9 do
        pcall(what.f, unpack(list, 1, list.n))
      end
    end
  end
  place, at, used = place + 1, 0, 0
end
step("", 0, 0, 0)
