-- What must be Lua because it runs between a function and LuaJIT: the coroutine that functions run
-- in, and guards around what of Lua's own could be used to catch, hang or crash what runs it.
--
-- A function runs in a coroutine of its own, the trampoline, and speaks to Rust by yielding a
-- number. It may make coroutines itself; what ends or suspends the function has to pass through
-- those, so their `create`, `resume`, `wrap` and `yield` are wrapped here.

local native = ...
local DONE, EXIT, WAIT, FAILED, SCHEDULE =
  native.DONE, native.EXIT, native.WAIT, native.FAILED, native.SCHEDULE
local PENDING, explain, on_error = native.PENDING, native.explain, native.on_error
local functions = native.functions

local pcall, xpcall, error, type, select, next = pcall, xpcall, error, type, select, next
local setmetatable, tostring = setmetatable, tostring
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local running, isyieldable = coroutine.running, coroutine.isyieldable
local find, sub = string.find, string.sub

-- Raised where a yield cannot reach the trampoline. The guards below raise it again.
local LEAVE = {}

-- The coroutines that functions made, and whether they wait for an operation: `true` if they do not,
-- `PENDING`, or "normal" if one that they have resumed does.
-- A running coroutine that is not here is a trampoline.
local own = setmetatable({}, { __mode = "k" })

-- Those beneath all that functions made which wait for an operation of one that they have resumed.
local carrying = setmetatable({}, { __mode = "k" })

-- How much of the thread's stack the C calls take that lie on it. LuaJIT does not count them;
-- without a limit, recursion through `gsub` or `resume` overflows the stack and ends the process.
-- `base` is what lies below the coroutine that runs, 0 in the trampoline; `depth` is its own share.
-- A coroutine may yield at one depth and go on at another, so what it remembers is its own share.
local base, depth = 0, 0
local MAX_DEPTH = 160

-- What runs the light threads of the function that runs, if it has any; and what one of them asks it
-- for.
local scheduler, request, argument

-- Ends the function from any depth. What it ends with stands in the transaction.
local function leave()
  if base == 0 and isyieldable() then
    yield(EXIT)
  end
  error(LEAVE, 0)
end

-- Suspends the light thread until its operation has ended, or its scheduler has seen to what it asks
-- for. What is carried out of a coroutine, in the state "normal", has asked already; whoever waits anew
-- does not ask for what another wanted that was stopped before its scheduler saw it.
local function wait(state, asked, about)
  if not isyieldable() then
    request = nil
    error("attempt to yield across C-call boundary", 0)
  end
  if state == nil then
    request, argument = asked, about
  end
  local co = running()
  if own[co] then
    own[co] = state or PENDING
    yield(PENDING)
    own[co] = true
  else
    carrying[co] = state
    scheduler = yield(request and SCHEDULE or WAIT)
    carrying[co] = nil
    base, depth = 0, 0
  end
end

-- What a function sees of an error that it caught: never a Rust value, no position in this file,
-- and nothing at all of an exit or an exhausted budget.
local function caught(err)
  if err == LEAVE then
    error(LEAVE, 0)
  end
  local kind = type(err)
  if kind == "userdata" then
    local fatal, message = explain(err)
    if fatal then
      error(err, 0)
    end
    err = message or err
  elseif kind == "string" then
    local _, position = find(err, "^tower%-lua:%d+: ")
    err = position and sub(err, position + 1) or err
  end
  if err == "not enough memory" then
    -- It may have taken long to find out.
    native.out_of_memory()
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
  if type(f) ~= "function" then
    native.fail("bad argument #1 to 'create' (Lua function expected)")
  end
  local co = create(f)
  own[co] = true
  return co
end

-- An operation that a coroutine waits for is carried out to the trampoline, level by level.
local function after_resume(own_base, own_depth, co, ok, ...)
  base, depth = own_base, own_depth
  if not ok then
    if (...) == "cannot resume running coroutine" and coroutine.status(co) == "normal" then
      -- LuaJIT has one message for both.
      return false, "cannot resume normal coroutine"
    end
    return false, caught((...))
  end
  if (...) == PENDING then
    wait("normal")
    local below = base + depth
    own_base, own_depth = base, depth
    base, depth = below + 1, 0
    return after_resume(own_base, own_depth, co, resume(co))
  end
  return true, ...
end

-- Trampolines can be had from `coroutine.running`, and what waits is for its own operation to
-- resume: neither is for functions to resume.
local function guarded_resume(co, ...)
  if own[co] ~= true and type(co) == "thread" then
    return false, "cannot resume " .. coroutine.status(co) .. " coroutine"
  end
  local own_base, own_depth = base, depth
  local below = own_base + own_depth
  if below >= MAX_DEPTH then
    return false, "C stack overflow"
  end
  if type(co) ~= "thread" then
    return resume(co)
  end
  base, depth = below + 1, 0
  return after_resume(own_base, own_depth, co, resume(co, ...))
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

-- A Rust function that may wait: called again, with the same arguments, when its operation is over.
local function waiting(f)
  local function settle(a, b, c, d, ...)
    if (...) == PENDING then
      wait()
      return settle(a, b, c, d, f(a, b, c, d))
    end
    return ...
  end
  return function(a, b, c, d)
    return settle(a, b, c, d, f(a, b, c, d))
  end
end

local answer = native.answer

local function awaited(...)
  if (...) == PENDING then
    wait()
    return answer()
  end
  return ...
end

-- A Rust function that may wait for a future: what that comes to is what the call returns.
local function awaiting(f)
  return function(...)
    return awaited(f(...))
  end
end

-- In the function's own coroutine there is nobody to yield to but the scheduler, as in OpenResty.
local take_turn = awaiting(native.take_turn)

local function guarded_yield(...)
  -- mlua's functions for futures yield an address that no Lua code has, and are called again at once.
  if type((...)) == "userdata" and native.is_async((...)) then
    native.fail("an asynchronous function of a Rust module is not ready: functions cannot wait for it")
  end
  if own[running()] then
    return yield(...)
  elseif scheduler then
    return wait(nil, "turn")
  end
  return take_turn()
end

local function left(saved, ...)
  depth = saved
  return ...
end

-- A callback of a C function, which takes `weight` of the stack as long as the callback runs.
local function counted(weight, f)
  return function(...)
    local saved = depth
    if base + saved + weight > MAX_DEPTH then
      error("C stack overflow", 0)
    end
    depth = saved + weight
    return left(saved, f(...))
  end
end

_G.pcall, _G.xpcall = guarded_pcall, guarded_xpcall
coroutine.create, coroutine.resume = guarded_create, guarded_resume
coroutine.wrap, coroutine.yield = guarded_wrap, guarded_yield

-- A module is loaded in time of its own, not in what is left to the function that is the first to
-- ask for it.
local loaded, loading, depth_of_loading = package.loaded, {}, 0
local load_module = counted(1, require)

local function after_require(name, ok, ...)
  loading[name] = nil
  depth_of_loading = depth_of_loading - 1
  if depth_of_loading == 0 then
    native.end_load(ok)
  end
  if ok then
    return ...
  end
  -- Lua leaves a mark there, which says for ever that there was an error.
  loaded[name] = nil
  error((...), 0)
end

function require(name)
  if type(name) ~= "string" or loading[name] then
    return load_module(name)
  end
  local module = loaded[name]
  if module then
    return module
  end
  if depth_of_loading == 0 then
    native.begin_load()
  end
  depth_of_loading = depth_of_loading + 1
  loading[name] = true
  return after_require(name, pcall(load_module, name))
end

-- `gsub` has a buffer of 8 KiB on the stack.
local GSUB, SORT = 2, 1

local gsub, sort = string.gsub, table.sort

function string.gsub(s, pattern, replacement, n)
  if type(replacement) == "function" then
    replacement = counted(GSUB, replacement)
  end
  return gsub(s, pattern, replacement, n)
end

local ascending = counted(SORT, function(a, b)
  return a < b
end)

-- LuaJIT sorts in C, out of reach of the budget's hook: a long table that is laid out for it takes
-- minutes. A comparison in Lua is within reach; and where there are metatables, it is one that the
-- count of C calls knows of.
local SORTED_IN_C = native.is_open and 0 or native.limits_time and 1000 or 1 / 0

-- How long a text may be that is compared in C.
local COMPARED_IN_C = native.limits_time and 256 or 1 / 0

local function is_for_c(t)
  local length = #t
  if length > SORTED_IN_C then
    return false
  end
  for i = 1, length do
    local value = t[i]
    if type(value) == "string" and #value > COMPARED_IN_C then
      return false
    end
  end
  return true
end

function table.sort(t, less)
  if type(less) == "function" then
    less = counted(SORT, less)
  elseif less == nil and type(t) == "table" and not is_for_c(t) then
    less = ascending
  end
  return sort(t, less)
end

if native.limits_time then
  native.bound_patterns(string, native)
  native.bound_libraries(string, table, os, native)
end

native.tables(native)

-- Below is what matters where functions see all of Lua. Bytecode could do anything to the process,
-- and so could C data: LuaJIT opens its FFI when it first compiles a 64-bit number, so here is one,
-- and buffers give pointers away.
local loadfile_of_any_kind, load_of_any_kind = loadfile, load

load_of_any_kind("return 0LL")()
package.loaded.ffi = nil
package.preload["string.buffer"] = nil

-- An error of what the chunk's pieces come from is returned, too.
local function after_load(chunk, err)
  if chunk then
    return chunk
  end
  return nil, caught(err)
end

function load(chunk, name, _, ...)
  if type(chunk) == "function" then
    chunk = counted(1, chunk)
  end
  return after_load(load_of_any_kind(chunk, name, "t", ...))
end

loadstring = load

function loadfile(path, _, ...)
  return loadfile_of_any_kind(path, "t", ...)
end

function dofile(path)
  local chunk, err = loadfile(path)
  if not chunk then
    error(err, 0)
  end
  return chunk()
end

-- The second of Lua's loaders, the one for files.
package.loaders[2] = function(name)
  local path, err = package.searchpath(name, package.path)
  if not path then
    return err
  end
  local chunk
  chunk, err = loadfile(path)
  if not chunk then
    error("error loading module '" .. name .. "' from file '" .. path .. "':\n\t" .. err, 0)
  end
  return chunk
end

if native.limits_time then
  jit.off()
  jit.flush()
end

-- Hooks are off in finalizers and in LuaJIT's own events, and JIT-compiled code knows none.
jit.on, jit.off, jit.flush, jit.attach, jit.security = nil, nil, nil, nil, nil
for _, name in next, { "jit.profile", "jit.opt", "jit.util" } do
  package.preload[name], package.loaded[name] = nil, nil
end
jit.opt, jit.profile, jit.util = nil, nil, nil
newproxy = nil
getmetatable(io.stdout).__metatable = false
getmetatable("").__metatable = false

if native.is_open then
  -- Functions may have metatables here, by which C code comes to call them.
  local bounded_gsub = string.gsub

  function string.gsub(s, pattern, replacement, n)
    if type(replacement) == "table" then
      local values = replacement
      replacement = function(key)
        return values[key]
      end
    end
    return bounded_gsub(s, pattern, replacement, n)
  end

  -- `tostring` of each argument beforehand needs no C call.
  local format = string.format

  local function text(value, ...)
    if type(value) == "table" then
      value = tostring(value)
    end
    if select("#", ...) == 0 then
      return value
    end
    return value, text(...)
  end

  function string.format(...)
    return format(text(...))
  end
end

local prelude = { waiting = waiting, awaiting = awaiting }

local function handler(err)
  if err == LEAVE then
    return err
  end
  return on_error(err)
end

-- Runs function after function: those of sets by their numbers, others as they are. LuaJIT cannot reset a coroutine that has failed
-- or yielded, so one that ends well is given the next function instead, and one that yields `EXIT`
-- is left to rot.
function prelude.trampoline(number)
  while true do
    base, depth, scheduler = 0, 0, nil
    local ok, err = xpcall(functions[number] or number, handler)
    if ok or err == LEAVE then
      number = yield(DONE)
    else
      number = yield(FAILED, err)
    end
  end
end

-- Makes `chunk` the function `number`, by Kong's two-stage rule: a chunk that returns a function is
-- run once, then that function takes its place. A chunk that ends the request the first time stays
-- what is run.
function prelude.add(number, chunk)
  functions[number] = function()
    functions[number] = chunk
    local result = chunk()
    if type(result) == "function" then
      functions[number] = result
      result()
    end
  end
end

-- A Rust function that may end the phase or the request. It returns `true` when it does, and
-- `false` when it does but was the last act of a function in the trampoline, as far as it could
-- tell: then there is nothing to leave.
function prelude.exiting(f)
  return function(...)
    local ends = f(...)
    if ends or ends == false and (base > 0 or scheduler) then
      leave()
    end
  end
end

-- How much of the error of the light thread that has just failed is a position.
local raised_at
local threads = native.threads(native, {
  wait = wait,
  own = own,
  carrying = carrying,
  create = create,
  resume = resume,
  yield = yield,
  xpcall = xpcall,
  enter = function(of_thread)
    base, depth, scheduler = 0, 0, of_thread
  end,
  current = function()
    return scheduler
  end,
  request = function()
    local asked, about = request, argument
    request, argument = nil, nil
    return asked, about
  end,
  handler = function(err)
    if err ~= LEAVE then
      on_error(err)
      raised_at = type(err) == "string" and native.raised_at(err) or nil
    end
    return err
  end,
  -- What is to become of an error of a light thread, what of it is for functions to see, and with what
  -- `error` was called, where it was that and has put a position before it.
  judge = function(err)
    local at = raised_at
    raised_at = nil
    if err == LEAVE then
      return "leave"
    elseif err == "not enough memory" then
      return "fatal"
    end
    local ok, seen = pcall(caught, err)
    if not ok or seen == "not enough memory" then
      return "fatal"
    end
    return "error", seen, at and sub(seen, at + 1)
  end,
})

coroutine.status = threads.status
prelude.schedule, prelude.threads = threads.schedule, threads.api

return prelude
