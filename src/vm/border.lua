-- Functions of Lua's own libraries whose work grows with what they are given. LuaJIT does it in C,
-- where no hook reaches: long work is done here in pieces, with a look at the clock between them.

local string, table, os, native = ...
local tick = native.tick
local select, tonumber, type = select, tonumber, type
local sub, find = string.sub, string.find
local concat, date = table.concat, os.date

-- How long a text may be that is worked on at one go.
local STRETCH = 262144

-- How long one has to be for Rust, which takes many bytes at a time, to be worth its call.
local SHORT = 512

-- Functions that make of each byte one other byte.
for _, name in next, { "lower", "upper" } do
  local of, of_long = string[name], native[name]
  string[name] = function(text)
    if type(text) ~= "string" or #text < SHORT then
      return of(text)
    elseif #text <= STRETCH then
      return of_long(text)
    end
    local pieces = {}
    for first = 1, #text, STRETCH do
      pieces[#pieces + 1] = of_long(sub(text, first, first + STRETCH - 1))
      tick()
    end
    return concat(pieces)
  end
end

local reverse = string.reverse

function string.reverse(text)
  if type(text) ~= "string" or #text <= STRETCH then
    return reverse(text)
  end
  local pieces = {}
  for last = #text, 1, -STRETCH do
    local first = last - STRETCH + 1
    pieces[#pieces + 1] = reverse(sub(text, first < 1 and 1 or first, last))
    tick()
  end
  return concat(pieces)
end

-- What makes a large text at one go, as fast as memory is: the clock is looked at afterwards.
local LARGE = 1048576

local function seen(text)
  if type(text) == "string" and #text > LARGE then
    tick()
  end
  return text
end

-- How many values are joined at one go.
local VALUES = 4096

function table.concat(list, separator, first, last)
  if type(list) ~= "table" or (first ~= nil and type(first) ~= "number")
    or (last ~= nil and type(last) ~= "number") then
    return seen(concat(list, separator, first, last))
  end
  local from, to = first or 1, last or #list
  if not (to - from >= VALUES) then
    return seen(concat(list, separator, first, last))
  end
  local pieces = {}
  for at = from, to, VALUES do
    local stop = at + VALUES - 1
    pieces[#pieces + 1] = concat(list, separator, at, stop < to and stop or to)
    tick()
  end
  return concat(pieces, separator)
end

-- How long a list may be that is moved at one go, and how often: an insertion that is not at the end
-- moves what is behind it. LuaJIT takes what is no 32-bit integer for the least, and moves two milliards
-- of places then; nor are there lists that begin so far below 1.
local MOVED = 4096
local insert = table.insert

function table.insert(list, ...)
  if select("#", ...) > 1 and type(list) == "table" then
    local position = tonumber((...))
    if position and not (position > -MOVED and position < 2147483648) then
      native.fail("bad argument #2 to 'insert' (position out of bounds)")
    elseif #list > MOVED then
      tick()
    end
  end
  return insert(list, ...)
end

-- How long a format may be that is worked on without a look at the clock.
local FORMAT = 256

function os.date(format, time)
  if type(format) ~= "string" or #format <= FORMAT then
    return date(format, time)
  end
  local utc = sub(format, 1, 1) == "!" and "!" or ""
  time = time or os.time()
  local pieces, at = {}, #utc + 1
  while at <= #format do
    local stop = at + FORMAT - 1
    -- A piece ends with a whole directive: after an even number of `%`.
    local run = 0
    while run <= stop - at and sub(format, stop - run, stop - run) == "%" do
      run = run + 1
    end
    stop = stop + run % 2
    if find(sub(format, stop - 1, stop), "^%%[EO]$") then
      stop = stop + 1
    end
    pieces[#pieces + 1] = date(utc .. sub(format, at, stop), time)
    at = stop + 1
    tick()
  end
  return concat(pieces)
end

local rep, format = string.rep, string.format

function string.rep(...)
  return seen(rep(...))
end

-- A directive may write hundreds of digits.
function string.format(...)
  local directives = ...
  if type(directives) == "string" and #directives > FORMAT then
    tick()
  end
  return seen(format(...))
end
