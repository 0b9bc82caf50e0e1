-- The words that specs are written in: busted's, and those for what is around functions.

local host = ...
local words = {}

-- Blocks.

local function block(name, parent)
  return { name = name, parent = parent, children = {}, before = {}, after = {}, setup = {}, teardown = {} }
end

local root = block()
local current = root

function words.describe(name, define)
  local outer = current
  current = block(name, outer)
  outer.children[#outer.children + 1] = current
  local plan = host.snapshot()
  define()
  host.restore(plan)
  current = outer
end

function words.it(name, run)
  local children = current.children
  children[#children + 1] = { name = name, run = run, plan = host.snapshot() }
end

function words.pending(name)
  words.it(name)
end

for word, list in pairs { before_each = "before", after_each = "after", setup = "setup", teardown = "teardown" } do
  words[word] = function(f)
    local functions = current[list]
    functions[#functions + 1] = f
  end
end
words.context, words.test, words.spec = words.describe, words.it, words.it
words.lazy_setup, words.strict_setup = words.setup, words.setup
words.lazy_teardown, words.strict_teardown = words.teardown, words.teardown

-- Values as texts.

local function shown(value, depth, seen)
  if type(value) == "string" then
    return ("%q"):format(value):gsub("\\\n", "\\n")
  elseif type(value) ~= "table" then
    return tostring(value)
  elseif seen[value] or depth > 6 then
    return "{…}"
  end
  seen[value] = true
  local parts, names = {}, {}
  for i, element in ipairs(value) do
    parts[i] = shown(element, depth + 1, seen)
  end
  for name in pairs(value) do
    if type(name) ~= "number" or name < 1 or name > #parts or name % 1 ~= 0 then
      names[#names + 1] = name
    end
  end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for _, name in ipairs(names) do
    local key = type(name) == "string" and name:match("^[%a_][%w_]*$") or "[" .. shown(name, depth + 1, seen) .. "]"
    parts[#parts + 1] = key .. " = " .. shown(value[name], depth + 1, seen)
  end
  seen[value] = nil
  return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }"
end

local function show(value)
  return (shown(value, 0, {}))
end

local function same(one, other)
  if type(one) ~= "table" or type(other) ~= "table" then
    return one == other
  end
  for name, value in pairs(one) do
    if not same(value, other[name]) then return false end
  end
  for name in pairs(other) do
    if one[name] == nil then return false end
  end
  return true
end

-- Assertions. Each gives whether it holds, and what was expected.

-- Before the message of an assertion: all else that is raised was not expected, and has a traceback.
local MARK = "\1"

-- Raises where the spec calls an assertion.
local function fail(message)
  error(MARK .. message, 3)
end

local checks = {}

function checks.equal(expected, actual)
  return expected == actual, show(actual), "equal to " .. show(expected)
end

function checks.same(expected, actual)
  return same(expected, actual), show(actual), "the same as " .. show(expected)
end

function checks.matches(pattern, actual)
  return type(actual) == "string" and actual:find(pattern) ~= nil, show(actual), "matched by " .. show(pattern)
end

function checks.error(f, expected)
  local ok, err = pcall(f)
  if ok then return false, "a call", "an error" end
  if expected == nil then return true, "an error, " .. show(err), "raised" end
  local text = type(err) == "string" and err:gsub("^[^:]+:%d+: ", "") or err
  return same(expected, err) or same(expected, text), "an error, " .. show(err), "equal to " .. show(expected)
end

checks["true"] = function(actual) return actual == true, show(actual), "true" end
checks["false"] = function(actual) return actual == false, show(actual), "false" end
checks["nil"] = function(actual) return actual == nil, show(actual), "nil" end
function checks.truthy(actual) return not not actual, show(actual), "truthy" end
function checks.falsy(actual) return not actual, show(actual), "falsy" end
for _, kind in ipairs { "string", "number", "table", "boolean" } do
  checks[kind] = function(actual) return type(actual) == kind, show(actual), "a " .. kind end
end
checks["function"] = function(actual) return type(actual) == "function", show(actual), "a function" end
checks.equals, checks.errors, checks.match = checks.equal, checks.error, checks.matches

local FILLERS = { is = true, are = true, has = true, have = true, was = true, does = true }
local NEGATIONS = { ["not"] = true, no = true }

-- What `assert.is_not_nil` and `assert.is_not.equal` are: fillers, negations and one check.
local function assertion(negated)
  return setmetatable({}, {
    __index = function(_, name)
      local check
      local negative = negated
      for part in name:gmatch("[^_]+") do
        if NEGATIONS[part] then
          negative = not negative
        elseif not FILLERS[part] then
          check = check and check .. "_" .. part or part
        end
      end
      if not check then return assertion(negative) end
      local holds = checks[check]
      if not holds then
        fail("there is no assertion assert." .. name)
      end
      return function(...)
        local ok, actual, expected = holds(...)
        if (not not ok) == negative then
          fail("expected " .. actual .. (negative and " not to be " or " to be ") .. expected)
        end
        return ...
      end
    end,
    __call = function(_, value, message, ...)
      if not value then
        fail(message == nil and "assertion failed!" or tostring(message))
      end
      return value, message, ...
    end,
  })
end

words.assert = assertion(false)

-- What is around functions.

local HEADERS = {
  __index = function(headers, name)
    return type(name) == "string" and rawget(headers, (name:lower():gsub("_", "-"))) or nil
  end,
}

local function message(table)
  if table then
    setmetatable(table.headers, HEADERS)
    table.json = function() return host.decode(table.body) end
  end
  return table
end

-- A text is itself, a table becomes JSON.
local function with_body(table)
  if type(table) ~= "table" or type(table.body) ~= "table" then return table end
  local copy = { headers = {} }
  for name, value in pairs(table) do copy[name] = value end
  copy.headers = { ["content-type"] = "application/json" }
  for name, value in pairs(table.headers or {}) do copy.headers[name:lower()] = value end
  copy.body = host.encode(table.body)
  return copy
end

local function answering(answer)
  return function(request)
    local given = answer
    if type(answer) == "function" then given = answer(message(request)) end
    return with_body(given or {})
  end
end

-- The lines of the log of the test that runs.
local logged = {}

function words.request(request)
  local response, forwarded, logs = host.request(with_body(request or {}))
  for _, line in ipairs(logs) do logged[#logged + 1] = line end
  return message(response), message(forwarded), logs
end

function words.upstream(answer)
  host.upstream(answering(answer))
end

function words.http(url, answer)
  host.http(url, answering(answer))
end

for _, word in ipairs { "functions", "shared_dict", "environment", "clock", "advance", "prepare" } do
  words[word] = host[word]
end

words.json = { encode = host.encode, decode = host.decode }

for word, value in pairs(words) do
  _G[word] = value
end

-- The run.

local function describe_error(err)
  if type(err) == "string" and err:find(MARK, 1, true) then
    return (err:gsub("^.*/", ""):gsub(MARK, ""))
  end
  return host.traceback(tostring(err))
end

local function call_all(functions)
  for _, f in ipairs(functions) do f() end
end

local function around(parent, list, is_outward)
  local chain = {}
  while parent do
    table.insert(chain, is_outward and #chain + 1 or 1, parent[list])
    parent = parent.parent
  end
  for _, functions in ipairs(chain) do call_all(functions) end
end

local function path(node, parent)
  local names = { node.name }
  while parent and parent.name do
    table.insert(names, 1, parent.name)
    parent = parent.parent
  end
  return names
end

local FAILURES = { err = true, crit = true, alert = true, emerg = true }

-- Why a test has failed, and what functions have failed with before.
local function with_failures(err)
  for _, line in ipairs(logged) do
    if FAILURES[line.level] then err = err .. "\nthe log: " .. line.message end
  end
  return err
end

local function run_test(test, parent)
  if not test.run then
    return host.report(path(test, parent), "pending")
  end
  host.restore(test.plan)
  logged = {}
  local ok, err = xpcall(function()
    around(parent, "before")
    test.run()
  end, describe_error)
  local cleaned, problem = xpcall(around, describe_error, parent, "after", true)
  if ok and not cleaned then ok, err = false, problem end
  host.report(path(test, parent), ok and "passed" or "failed", not ok and with_failures(err) or nil)
end

local function run(node)
  local ok, err = xpcall(call_all, describe_error, node.setup)
  for _, child in ipairs(node.children) do
    if child.children then
      run(child)
    elseif ok then
      run_test(child, node)
    else
      host.report(path(child, node), "failed", err)
    end
  end
  ok, err = xpcall(call_all, describe_error, node.teardown)
  if not ok then
    host.report(path({ name = "teardown" }, node), "failed", err)
  end
end

return function()
  run(root)
end
