-- What must be Lua because it runs between a function and LuaJIT: the coroutine that functions run
-- in, the guards that no function can catch its way past, and the environments.
--
-- A function runs in a coroutine of its own, the trampoline, and speaks to Rust by yielding a
-- number. It may make coroutines itself; what ends or suspends the function has to pass through
-- those, so their `create`, `resume`, `wrap` and `yield` are wrapped here.

local native = ...
local DONE, EXIT, WAIT, FAILED = native.DONE, native.EXIT, native.WAIT, native.FAILED
local PENDING, explain, on_error, take_turn = native.PENDING, native.explain, native.on_error, native.take_turn

local pcall, xpcall, error, type, select = pcall, xpcall, error, type, select
local setmetatable, getmetatable = setmetatable, getmetatable
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local running, isyieldable = coroutine.running, coroutine.isyieldable
local gsub, sort = string.gsub, table.sort

-- Raised where a yield cannot reach the trampoline. The guards below raise it again.
local LEAVE = {}

-- The coroutines that functions made. A running coroutine that is not here is a trampoline.
local own = setmetatable({}, { __mode = "k" })

-- How many C calls lie on the stack. LuaJIT does not count them; without a limit, recursion through
-- `gsub` or `resume` overflows the thread's stack and ends the process.
local depth = 0
local MAX_DEPTH = 160

-- Ends the function from any depth. What it ends with stands in the transaction.
local function leave()
  if not own[running()] and isyieldable() then
    yield(EXIT)
  end
  error(LEAVE, 0)
end

-- Suspends the function until its operation has ended.
local function wait()
  if own[running()] then
    yield(PENDING)
  else
    yield(WAIT)
    depth = 0
  end
end

-- What a function sees of an error that it caught: never a Rust value, and nothing at all of an
-- exit or an exhausted budget.
local function caught(err)
  if err == LEAVE then
    error(LEAVE, 0)
  end
  if type(err) == "userdata" then
    local fatal, message = explain(err)
    if fatal then
      error(err, 0)
    end
    return message
  end
  return err
end

local function after_pcall(saved, ok, ...)
  depth = saved
  if ok then
    return true, ...
  end
  return false, caught((...))
end

local function guarded_pcall(f, ...)
  return after_pcall(depth, pcall(f, ...))
end

-- The handler runs after the stack is unwound: LuaJIT runs handlers with hooks off, where no budget
-- reaches. Without `debug` no handler can tell the difference.
local function after_xpcall(saved, handler, ok, ...)
  depth = saved
  if ok then
    return true, ...
  end
  return false, select(2, guarded_pcall(handler, caught((...))))
end

local function guarded_xpcall(f, handler, ...)
  return after_xpcall(depth, handler, pcall(f, ...))
end

local function guarded_create(f)
  local co = create(f)
  own[co] = true
  return co
end

-- An operation that a coroutine waits for is carried out to the trampoline, level by level.
local function carry(co, saved, ok, first, ...)
  if ok and first == PENDING then
    depth = saved
    wait()
    depth = saved + 1
    return carry(co, saved, resume(co))
  end
  depth = saved
  if ok then
    return true, first, ...
  end
  return false, caught(first)
end

local function guarded_resume(co, ...)
  local saved = depth
  if saved >= MAX_DEPTH then
    return false, "C stack overflow"
  end
  depth = saved + 1
  return carry(co, saved, resume(co, ...))
end

local function unwrap(ok, ...)
  if ok then
    return ...
  end
  error((...), 0)
end

local function guarded_wrap(f)
  local co = guarded_create(f)
  return function(...)
    return unwrap(guarded_resume(co, ...))
  end
end

-- In the function's own coroutine there is nobody to yield to but the scheduler, as in OpenResty.
local function guarded_yield(...)
  if own[running()] then
    return yield(...)
  end
  take_turn()
  wait()
end

local function enter()
  if depth >= MAX_DEPTH then
    error("C stack overflow", 3)
  end
  depth = depth + 1
end

local function left(saved, ...)
  depth = saved
  return ...
end

local function guarded_gsub(s, pattern, replacement, n)
  if type(replacement) ~= "function" then
    return gsub(s, pattern, replacement, n)
  end
  local saved = depth
  enter()
  return left(saved, gsub(s, pattern, replacement, n))
end

local function guarded_sort(t, less)
  local saved = depth
  enter()
  return left(saved, sort(t, less))
end

_G.pcall, _G.xpcall = guarded_pcall, guarded_xpcall
coroutine.create, coroutine.resume = guarded_create, guarded_resume
coroutine.wrap, coroutine.yield = guarded_wrap, guarded_yield
string.gsub, table.sort = guarded_gsub, guarded_sort
getmetatable("").__metatable = false

local prelude = {}

local function handler(err)
  if err == LEAVE then
    return err
  end
  return on_error(err)
end

-- Runs function after function. LuaJIT cannot reset a coroutine that has failed or yielded, so one
-- that ends well is given the next function instead, and one that yields `EXIT` is left to rot.
function prelude.trampoline(f)
  while true do
    depth = 0
    local ok, err = xpcall(f, handler)
    if ok or err == LEAVE then
      f = yield(DONE)
    else
      f = yield(FAILED, err)
    end
  end
end

-- Kong's two-stage rule: a chunk that returns a function is run once, then that function takes its
-- place. A chunk that ends the request the first time stays what is run.
function prelude.staged(chunk)
  local current
  local function first()
    current = chunk
    local result = chunk()
    if type(result) == "function" then
      current = result
      result()
    end
  end
  current = first
  return function()
    current()
  end
end

-- A Rust function that may wait: called again, with the same arguments, when its operation is over.
function prelude.waiting(f)
  local function settle(a, b, c, d, first, ...)
    if first == PENDING then
      wait()
      return settle(a, b, c, d, f(a, b, c, d))
    end
    return first, ...
  end
  return function(a, b, c, d)
    return settle(a, b, c, d, f(a, b, c, d))
  end
end

-- A Rust function that may end the phase or the request: it says so by returning true.
function prelude.exiting(f)
  return function(...)
    if f(...) then
      leave()
    end
  end
end

return prelude
