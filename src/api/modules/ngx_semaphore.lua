-- `ngx.semaphore`: what lua-resty-core checks, around semaphores made in Rust.

local native = ...
local error, setmetatable, tonumber, type = error, setmetatable, tonumber, type

local Semaphore = { version = "0.1.31" }
local meta = { __index = Semaphore }

local function check(self)
  if type(self) ~= "table" or type(self.sem) ~= "userdata" then
    error("not a semaphore instance", 3)
  end
  return self.sem
end

function Semaphore.new(n)
  n = tonumber(n) or 0
  if n < 0 then
    error("no negative number", 2)
  end
  return setmetatable({ sem = native.new(n) }, meta)
end

function Semaphore.post(self, n)
  local sem = check(self)
  n = n and tonumber(n) or 1
  if n < 1 then
    error("positive number required", 2)
  end
  native.post(sem, n)
  return true
end

function Semaphore.wait(self, seconds)
  local sem = check(self)
  seconds = tonumber(seconds)
  if not seconds then
    error("attempt to perform arithmetic on a nil value", 2)
  elseif seconds < 0 then
    error("no negative number", 2)
  end
  return native.wait(sem, seconds)
end

function Semaphore.count(self)
  return native.count(check(self))
end

return Semaphore
