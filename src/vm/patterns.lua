-- `find`, `match`, `gmatch` and `gsub` within a CPU budget.
--
-- LuaJIT matches in C, where no hook reaches, by trying all that there is to try: the usual pattern
-- for trimming a text takes minutes for a megabyte of spaces. So LuaJIT is given what it is done
-- with in milliseconds whatever the text is, and the rest is matched in Rust, with a look at the
-- clock.

local string, native = ...
local search, fail, tick, STEPS = native.search, native.fail, native.tick, native.STEPS

local find, match, gmatch, gsub = string.find, string.match, string.gmatch, string.gsub
local byte, sub, concat = string.byte, string.sub, table.concat
local type, select, tonumber = type, select, tonumber

-- How long a text may be for LuaJIT to match it with a pattern, as far as known already.
local reach = {}
local remembered = 0

local function reach_of(pattern)
  if type(pattern) == "number" then
    pattern = pattern .. ""
  elseif type(pattern) ~= "string" then
    return 1 / 0 -- LuaJIT has the words for it.
  end
  local length = native.reach(pattern)
  if #pattern <= 64 then
    if remembered == 500 then
      reach, remembered = {}, 0
    end
    reach[pattern] = length
    remembered = remembered + 1
  end
  return length
end

-- How long a text may be for the clock not to be looked at.
local SHORT = 256

-- Whether a text is too long for LuaJIT.
local function is_long(text, pattern)
  if type(text) ~= "string" then
    return false
  elseif #text > SHORT then
    tick()
  end
  return #text > (reach[pattern] or reach_of(pattern))
end

-- The kinds of search: a `^` in front is an anchor, or a character like any other; or the pattern
-- is plain text.
local PATTERN, FLOATING, PLAIN = 0, 1, 2

-- An optional number, as `luaL_optint` takes it.
local function integer(value, default, position, name)
  if value == nil then
    return default
  end
  local number = tonumber(value)
  if type(value) ~= "number" and type(value) ~= "string" or not number then
    fail("bad argument #" .. position .. " to '" .. name .. "' (number expected, got " .. type(value) .. ")")
  end
  return number - number % 1
end

-- Where a search begins, from 0.
local function offset(text, init, name)
  init = integer(init, 1, 3, name)
  init = init < 0 and init + #text or init - 1
  return init < 0 and 0 or init
end

function string.find(text, pattern, init, plain)
  if plain and type(text) == "string" and type(pattern) == "string" then
    if #text > SHORT then
      tick()
    end
    if #text * #pattern > STEPS then
      return search(text, pattern, offset(text, init, "find"), PLAIN)
    end
  elseif is_long(text, pattern) then
    return search(text, pattern, offset(text, init, "find"), PATTERN)
  end
  return find(text, pattern, init, plain)
end

-- The captures of a match, or the whole of it when the pattern has none.
local function captures(text, first, last, ...)
  if not first then
    return nil
  end
  if select("#", ...) == 0 then
    return sub(text, first, last)
  end
  return ...
end

function string.match(text, pattern, init)
  if is_long(text, pattern) then
    return captures(text, search(text, pattern, offset(text, init, "match"), PATTERN))
  end
  return match(text, pattern, init)
end

function string.gmatch(text, pattern)
  if not is_long(text, pattern) then
    return gmatch(text, pattern)
  end
  local at = 0
  local function advance(first, last, ...)
    at = not first and #text + 1 or last < first and first or last
    return captures(text, first, last, ...)
  end
  return function()
    if at <= #text then
      return advance(search(text, pattern, at, FLOATING))
    end
  end
end

-- The text that stands for a match, by `gsub`'s rules.
local function replaced(replacement, text, first, last, ...)
  local whole = sub(text, first, last)
  local value
  if type(replacement) == "function" then
    value = replacement(captures(text, first, last, ...))
  elseif type(replacement) == "table" then
    value = replacement[(captures(text, first, last, ...))]
  elseif find(replacement, "%", 1, true) then
    local found, count = { ... }, select("#", ...)
    value = gsub(replacement, "%%(.?)", function(what)
      if what == "0" then
        return whole
      end
      local number = find(what, "%d") and tonumber(what)
      if not number then
        return what == "" and "\0" or what
      end
      if number == 1 and count == 0 then
        return whole
      end
      return number <= count and found[number] or fail("invalid capture index")
    end)
  else
    value = replacement
  end
  if not value then
    return whole
  end
  if type(value) ~= "string" and type(value) ~= "number" then
    fail("invalid replacement value (a " .. type(value) .. ")")
  end
  return value
end

local function gsub_by_search(text, pattern, replacement, most)
  most = integer(most, #text + 1, 4, "gsub")
  local anchored = byte(pattern) == 94
  local parts, size, count = {}, 0, 0
  local at, copied = 0, 0 -- From where to search, and up to where the result is done.

  local function add(first, last, ...)
    if not first then
      return false
    end
    parts[size + 1] = sub(text, copied + 1, first - 1)
    parts[size + 2] = replaced(replacement, text, first, last, ...)
    size, count, copied = size + 2, count + 1, last
    at = last < first and first or last
    return not anchored
  end

  while count < most and at <= #text and add(search(text, pattern, at, PATTERN)) do
  end
  parts[size + 1] = sub(text, copied + 1)
  return concat(parts), count
end

local REPLACEMENTS = { string = true, number = true, table = true, ["function"] = true }

-- How long a text may be in which LuaJIT replaces by itself.
local REPLACED_IN_C = 65536

-- A replacement as a function: its instructions are counted.
local function called(replacement)
  if type(replacement) == "table" then
    return function(key)
      return replacement[key]
    end
  end
  replacement = replacement .. ""
  return function()
    return replacement
  end
end

function string.gsub(text, pattern, replacement, most)
  local kind = type(replacement)
  local is_replaced = REPLACEMENTS[kind]
  if is_replaced and is_long(text, pattern) then
    return gsub_by_search(text, pattern .. "", replacement, most)
  elseif kind ~= "function" and is_replaced and type(pattern) == "string"
    and type(text) == "string" and #text > REPLACED_IN_C then
    if kind == "string" and find(replacement, "%", 1, true) then
      return gsub_by_search(text, pattern .. "", replacement, most)
    end
    return gsub(text, pattern, called(replacement), most)
  end
  return gsub(text, pattern, replacement, most)
end
