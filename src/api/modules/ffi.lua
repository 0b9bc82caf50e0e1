-- Stands in for LuaJIT's `ffi` where a library asks for it: buffers of bytes, and nothing of C. It
-- makes what uses `ffi` for speed alone run; a call of a C function says that there is none.

local error, setmetatable, tonumber, tostring, type = error, setmetatable, tonumber, tostring, type
local byte, char, concat, find, match = string.byte, string.char, table.concat, string.find, string.match
local sub, unpack = string.sub, unpack
local max, min = math.max, math.min

local function absent(what)
  error("ffi." .. what .. " is not there: functions have no C", 3)
end

-- An array of bytes, which counts from 0.
local array = {}

function array:__index(i)
  return type(i) == "number" and 0 or nil
end

local function is_bytes(kind)
  return type(kind) == "string" and find(kind, "^%s*u?n?s?i?g?n?e?d?%s*[%a_]*char%s*%[") ~= nil
    or type(kind) == "string" and find(kind, "^%s*u?int8_t%s*%[") ~= nil
end

local function is_numbers(kind)
  return type(kind) == "string" and find(kind, "^%s*[%a_][%w_ ]*%[") ~= nil and not find(kind, "*", 1, true)
end

local ffi = { os = jit.os, arch = jit.arch }

function ffi.cdef() end

function ffi.typeof(kind)
  if is_bytes(kind) or is_numbers(kind) then
    return setmetatable({ kind = kind }, {
      __call = function(self, ...)
        return ffi.new(self, ...)
      end,
    })
  end
  absent("typeof(" .. tostring(kind) .. ")")
end

function ffi.new(kind, length)
  kind = type(kind) == "table" and kind.kind or kind
  if not is_numbers(kind) then
    absent("new(" .. tostring(kind) .. ")")
  end
  return setmetatable({ size = tonumber(match(kind, "%[(%d+)%]")) or length }, array)
end

local PIECE = 4096

function ffi.string(bytes, length)
  if type(bytes) == "string" then
    return sub(bytes, 1, length)
  end
  length = length or bytes.size
  local pieces = {}
  for first = 0, length - 1, PIECE do
    local piece = {}
    for i = first, min(first + PIECE, length) - 1 do
      local value = bytes[i]
      piece[#piece + 1] = char((type(value) == "string" and byte(value) or value) % 256)
    end
    pieces[#pieces + 1] = concat(piece)
  end
  return concat(pieces)
end

function ffi.copy(to, from, length)
  for i = 0, (length or #from) - 1 do
    to[i] = type(from) == "string" and (byte(from, i + 1) or 0) or from[i]
  end
end

function ffi.fill(to, length, value)
  for i = 0, length - 1 do
    to[i] = value or 0
  end
end

function ffi.sizeof(value)
  return value.size
end

function ffi.gc(value)
  return value
end

function ffi.istype()
  return false
end

function ffi.abi(what)
  return what == "le" or what == "64bit"
end

for _, name in ipairs({ "cast", "load", "metatype", "offsetof", "addressof", "alignof", "errno" }) do
  ffi[name] = function()
    absent(name)
  end
end

ffi.C = setmetatable({}, {
  __index = function(_, name)
    absent("C." .. tostring(name))
  end,
})

return ffi
