-- Light threads: `ngx.thread`. A function that spawns one is handed to a scheduler, which runs its
-- threads in lua-nginx-module's order: a thread that was spawned runs until it waits, then those
-- that are posted, first come, first served.

local native, prelude = ...
local DONE, EXIT, WAIT, FAILED, SCHEDULE =
  native.DONE, native.EXIT, native.WAIT, native.FAILED, native.SCHEDULE
local depart, arrive, cancel = native.depart, native.arrive, native.cancel
local wait, enter, current = prelude.wait, prelude.enter, prelude.current
local own, carrying = prelude.own, prelude.carrying

-- Lua's own, without the guards for what functions make of them.
local create, resume, yield, xpcall = prelude.create, prelude.resume, prelude.yield, prelude.xpcall
local running, native_status = coroutine.running, coroutine.status
local error, next, select, setmetatable, tostring = error, next, select, setmetatable, tostring
local type, unpack = type, unpack

-- How many light threads of a function may be alive at once.
local MAX_ALIVE = 1024

-- What is known of light threads, and of functions that have them, by their coroutines.
local threads = setmetatable({}, { __mode = "k" })

local function is_alive(co)
  local thread = threads[co]
  if thread then
    return thread.status == "running"
  end
  return native_status(co) ~= "dead"
end

-- One that has ended is a zombie until its parent asks for it, or ends.
local function status_of(thread)
  if thread.status == "zombie" and not is_alive(thread.parent) then
    thread.status, thread.results = "dead", nil
  end
  return thread.status
end

local function post(scheduler, co)
  local last = scheduler.last + 1
  scheduler.last, scheduler.posted[last] = last, co
end

local function next_posted(scheduler)
  while scheduler.first <= scheduler.last do
    local first = scheduler.first
    local co = scheduler.posted[first]
    scheduler.posted[first], scheduler.first = nil, first + 1
    -- It may have been killed meanwhile.
    if threads[co].status == "running" then
      return co
    end
  end
end

-- A thread has ended. Who is to run at once: whoever waits for it.
local function finish(scheduler, co)
  local thread = threads[co]
  scheduler.alive = scheduler.alive - 1
  thread.status = "dead"
  if not thread.parent then
    return nil
  end
  local join = thread.join
  if join then
    join.ended = thread
    return join.top
  end
  thread.status = "zombie"
  status_of(thread)
end

-- Sees to what a thread has asked for. Who is to run at once.
local function serve(scheduler, co, request, argument)
  if request == "spawn" then
    post(scheduler, co)
    scheduler.alive = scheduler.alive + 1
    return argument
  elseif request == "turn" then
    if scheduler.first > scheduler.last then
      return co
    end
    post(scheduler, co)
  end
  -- "join": whoever ends wakes it.
end

-- The thread whose operation has ended.
local function awaken(scheduler)
  while true do
    local ticket = arrive()
    if ticket then
      local co = scheduler.waiting[ticket]
      scheduler.waiting[ticket] = nil
      threads[co].ticket = nil
      return co
    elseif next(scheduler.waiting) == nil then
      error("light threads wait for each other", 0)
    end
    yield(WAIT)
  end
end

local function outcome(ok, code, err)
  if not ok or code == FAILED then
    error(not ok and code or err, 0)
  end
  return code
end

-- Runs the threads of a function, the first of which is the function itself, until all have ended.
-- To what runs it, it is the function. It ends as a function does that cannot be used again.
local function schedule(entry)
  local scheduler = { posted = {}, first = 1, last = 0, waiting = {}, alive = 1 }
  threads[entry] = { co = entry, status = "running" }
  local co, code = entry, SCHEDULE
  while true do
    local following
    if code == EXIT then
      return EXIT
    elseif code == DONE then
      following = finish(scheduler, co)
    elseif code == SCHEDULE then
      following = serve(scheduler, co, prelude.request())
    else
      local ticket = depart()
      scheduler.waiting[ticket], threads[co].ticket = co, ticket
    end
    if scheduler.alive == 0 then
      return EXIT
    end
    co = following or next_posted(scheduler) or awaken(scheduler)
    scheduler.running = co
    code = outcome(resume(co, scheduler))
  end
end

local function ended(thread, ok, ...)
  if ok then
    thread.results, thread.count = { true, ... }, select("#", ...) + 1
    return DONE
  end
  local kind, err, raised = prelude.judge((...))
  if kind == "leave" then
    return EXIT
  elseif kind == "fatal" then
    return FAILED, (...)
  end
  local is_text = type(err) == "string" or type(err) == "number"
  native.aborted(is_text and tostring(err) or "unknown reason")
  if raised then
    -- lua-nginx-module hands over all that lies on the stack of the thread.
    thread.results, thread.count = { false, raised, err }, 3
  else
    thread.results, thread.count = { false, err }, 2
  end
  return DONE
end

local function check_thread(co, place, name)
  if type(co) ~= "thread" then
    native.fail("bad argument #" .. place .. " to '" .. name .. "' (lua thread expected)")
  end
end

local api = {}

function api.spawn(f, ...)
  if type(f) ~= "function" or native.is_c(f) then
    native.fail("bad argument #1 to 'spawn' (Lua function expected)")
  end
  local scheduler = current()
  if scheduler and scheduler.alive > MAX_ALIVE then
    native.fail("too many light threads")
  end
  local thread = { status = "running", parent = running() }
  local arguments, count = { ... }, select("#", ...)
  local co = create(function(own_scheduler)
    enter(own_scheduler)
    return ended(thread, xpcall(f, prelude.handler, unpack(arguments, 1, count)))
  end)
  threads[co] = thread
  wait(nil, "spawn", co)
  return co
end

local function results(thread)
  thread.status = "dead"
  return unpack(thread.results, 1, thread.count)
end

function api.wait(...)
  local count = select("#", ...)
  if count == 0 then
    native.fail("at least one coroutine should be specified")
  end
  local me, join = running(), {}
  for place = 1, count do
    local co = select(place, ...)
    check_thread(co, place, "wait")
    local thread = threads[co]
    if not (thread and thread.parent) then
      native.fail("attempt to wait on a coroutine that is not a user thread")
    elseif thread.parent ~= me then
      native.fail("only the parent coroutine can wait on the thread")
    elseif thread.status == "zombie" then
      return results(thread)
    elseif thread.status == "running" then
      join[#join + 1] = thread
    elseif place == count then
      return nil, "already waited or killed"
    end
  end
  for place = 1, #join do
    join[place].join = join
  end
  join.top = current().running
  wait(nil, "join")
  for place = 1, #join do
    join[place].join = nil
  end
  return results(join.ended)
end

function api.kill(co)
  check_thread(co, 1, "kill")
  local thread = threads[co]
  if not (thread and thread.parent) then
    return nil, "not user thread"
  elseif thread.parent ~= running() then
    return nil, "killer not parent"
  elseif thread.status == "dead" then
    return nil, "already waited or killed"
  elseif thread.status == "zombie" then
    thread.status, thread.results = "dead", nil
    return nil, "already terminated"
  end
  local scheduler = current()
  thread.status = "dead"
  scheduler.alive = scheduler.alive - 1
  if thread.ticket then
    cancel(thread.ticket)
    scheduler.waiting[thread.ticket] = nil
  end
  return 1
end

-- A coroutine that waits, itself or in one that it has resumed, is no less "running" or "normal" for
-- it.
local function status(co)
  if type(co) ~= "thread" then
    native.fail("bad argument #1 to 'status' (coroutine expected)")
  end
  local now = native_status(co)
  local thread = threads[co]
  if thread then
    local is_running = status_of(thread) == "running"
    return is_running and (now == "normal" or carrying[co]) and "normal" or thread.status
  end
  local waits = own[co]
  if waits == true or waits == nil or now ~= "suspended" then
    return now
  end
  return waits == "normal" and "normal" or "running"
end

return { api = api, schedule = schedule, status = status }
