-- `string.buffer`: LuaJIT's buffers, without what hands pointers out or serializes.

local newproxy = ...
local concat, error, floor, format, ipairs, select = table.concat, error, math.floor, string.format, ipairs, select
local getmetatable, setmetatable, sub, tonumber, tostring = getmetatable, setmetatable, string.sub, tonumber, tostring
local type, unpack = type, unpack

local module, methods = {}, {}

-- What each buffer has: a text, the place in it of what comes next, and pieces that come after it.
local states = setmetatable({}, { __mode = "k" })

local prototype = newproxy(true)
local mt = getmetatable(prototype)

local function state_of(buffer, name)
  local state = states[buffer]
  if not state then
    error("bad argument #1 to '" .. name .. "' (buffer expected, got " .. type(buffer) .. ")", 3)
  end
  return state
end

-- The text of a buffer, all in one.
local function gather(state)
  if #state.pieces > 0 or state.first > 1 then
    local rest = sub(state.text, state.first)
    state.text, state.first = rest .. concat(state.pieces), 1
    state.pieces = {}
  end
  return state.text
end

local function clear(state)
  state.text, state.first, state.pieces, state.length = "", 1, {}, 0
end

local function add(state, text)
  state.pieces[#state.pieces + 1] = text
  state.length = state.length + #text
end

function module.new()
  local buffer = newproxy(prototype)
  local state = {}
  clear(state)
  states[buffer] = state
  return buffer
end

for _, name in ipairs({ "reset", "free" }) do
  methods[name] = function(buffer)
    clear(state_of(buffer, name))
    return buffer
  end
end

function methods.put(buffer, ...)
  local state = state_of(buffer, "put")
  for i = 1, select("#", ...) do
    local value = (select(i, ...))
    local kind = type(value)
    local has_text = kind == "string" or kind == "number" or states[value]
    if not has_text then
      local meta = getmetatable(value)
      has_text = type(meta) == "table" and meta.__tostring
    end
    if not has_text then
      error("bad argument #" .. i .. " to 'put' (string expected, got " .. kind .. ")", 2)
    end
    add(state, tostring(value))
  end
  return buffer
end

function methods.putf(buffer, ...)
  add(state_of(buffer, "putf"), format(...))
  return buffer
end

function methods.set(buffer, text)
  local state = state_of(buffer, "set")
  clear(state)
  add(state, tostring(text))
  return buffer
end

-- So many bytes of the beginning, which the buffer has no more; all of them without a number.
local function take(state, count)
  count = count and floor(tonumber(count)) or state.length
  if state.first - 1 + count > #state.text then
    gather(state)
  end
  local text = sub(state.text, state.first, state.first + count - 1)
  state.first = state.first + #text
  state.length = state.length - #text
  return text
end

function methods.get(buffer, ...)
  local state = state_of(buffer, "get")
  local count = select("#", ...)
  if count < 2 then
    return take(state, (...))
  end
  local texts = {}
  for i = 1, count do
    texts[i] = take(state, (select(i, ...)))
  end
  return unpack(texts, 1, count)
end

function methods.skip(buffer, count)
  take(state_of(buffer, "skip"), count)
  return buffer
end

function methods.tostring(buffer)
  return gather(state_of(buffer, "tostring"))
end

for _, name in ipairs({ "commit", "decode", "encode", "putcdata", "ref", "reserve" }) do
  methods[name] = function()
    error("string.buffer has no '" .. name .. "' here", 2)
  end
end

module.encode, module.decode = methods.encode, methods.decode

mt.__index = methods
mt.__tostring = methods.tostring
mt.__metatable = "buffer"

function mt.__len(buffer)
  return state_of(buffer, "len").length
end

function mt.__concat(one, other)
  return tostring(one) .. tostring(other)
end

return module
