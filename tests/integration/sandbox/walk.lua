-- Gives `visit` each table that a function can reach, with how.
local ENDS = {
  exit = true, redirect = true, exec = true, eof = true, error = true, sleep = true, wait = true, yield = true,
  generate = true, connect = true, query = true, receiveuntil = true, receive = true, peek = true,
}
-- These make keys when they are told nothing.
local SLOW = { ["resty.openssl.pkey.new"] = true }
local PROBED = { "__index", "__newindex", "__metatable", "_M", "mt", "meta", "tracer", "parent" }

local function walker(visit)
  local seen, called = {}, {}
  local walk

  local function walk_all(path, depth, ...)
    for i = 1, select("#", ...) do
      walk((select(i, ...)), path, depth)
    end
  end

  local function call(f, path, depth, owner)
    local name = path:match("[%w_]+$") or ""
    if called[f] or ENDS[name] or SLOW[path] then return end
    called[f] = true
    for _, arguments in ipairs {
      { n = 0 }, { n = 1, owner }, { n = 2, owner, "a" }, { n = 2, owner, 1 }, { n = 2, owner, {} },
      { n = 1, "a" }, { n = 3, "a", "a", "a" }, { n = 2, 1, 1 }, { n = 1, {} }, { n = 1, "[[1]]" },
      { n = 1, "dict" }, { n = 3, "dict", 1, 1 },
    } do
      walk_all(path .. "()", depth + 1, pcall(f, unpack(arguments, 1, arguments.n)))
    end
  end

  function walk(value, path, depth, owner)
    if type(value) == "function" then
      if depth < 2 then call(value, path, depth, owner) end
      return
    end
    local meta = getmetatable and getmetatable(value)
    if type(meta) == "table" then walk(meta, path .. "<meta>", depth) end
    if type(value) ~= "table" or seen[value] then return end
    seen[value] = true
    visit(value, path)
    local ok, _, behind = pcall(pairs, value)
    if ok then
      walk(behind, path .. "<pairs>", depth)
      pcall(function()
        for name, field in pairs(value) do
          walk(name, path .. "<key>", depth)
          walk(field, path .. "." .. tostring(name), depth, value)
        end
      end)
    end
    for name, field in next, value do
      walk(field, path .. "." .. tostring(name), depth, value)
    end
    for _, name in ipairs(PROBED) do
      local ok, field = pcall(function() return value[name] end)
      if ok then walk(field, path .. "." .. name, depth, value) end
    end
  end
  return walk
end
