-- `resty.jwt-validators`: functions that say whether a claim is right.

local error, ngx, pairs, tostring, type =
  error, ngx, pairs, tostring, type
local format, re_match = string.format, ngx.re.match
local cjson = require("cjson.safe")

local module = { _VERSION = "0.1.1" }

local clock, leeway = ngx.time, 0

-- A message of a refusal, where the validator has none of its own.
local function refuse(claim, message, ...)
  error({ reason = format("Claim '%s' " .. message, tostring(claim), ...) }, 0)
end

-- Each validator also has a form that a missing claim satisfies: `opt_` before the name.
local function define(name, make)
  module[name] = make(false)
  module["opt_" .. name] = make(true)
end

local function required(optional, check)
  return function(value, claim, json)
    if value == nil then
      if optional then
        return true
      end
      refuse(claim, "is required.")
    end
    return check(value, claim, json)
  end
end

function module.set_system_clock(new_clock)
  if type(new_clock) ~= "function" then
    error("'clock' is expected to be a function", 0)
  end
  local time = new_clock()
  if type(time) ~= "number" or time < 0 then
    error("'clock' function is expected to return a positive number", 0)
  end
  clock = new_clock
end

function module.set_system_leeway(new_leeway)
  if type(new_leeway) ~= "number" or new_leeway < 0 then
    error("'leeway' is expected to be a non-negative number", 0)
  end
  leeway = new_leeway
end

function module.get_system_clock()
  return clock
end

function module.chain(...)
  local chained = { ... }
  for _, check in pairs(chained) do
    if type(check) ~= "function" then
      error("All chain functions must be functions", 0)
    end
  end
  return function(value, claim, json)
    for _, check in ipairs(chained) do
      if check(value, claim, json) == false then
        return false
      end
    end
    return true
  end
end

function module.required(chained)
  if chained ~= nil and type(chained) ~= "function" then
    error("Cannot create validator for non-function chain_function.", 0)
  end
  return required(false, chained or function()
    return true
  end)
end

function module.require_one_of(claims)
  if type(claims) ~= "table" then
    error("Cannot create validator for non-table claim_keys.", 0)
  elseif #claims == 0 then
    error("Cannot create validator for empty table claim_keys.", 0)
  end
  return function(value)
    for _, claim in ipairs(claims) do
      if type(value) == "table" and type(value.payload) == "table" and value.payload[claim] ~= nil then
        return true
      end
    end
    error({ reason = "Missing one of claims - [ " .. table.concat(claims, ", ") .. " ]." }, 0)
  end
end


local function relation(holds, kind)
  return function(optional)
    return function(other)
      if kind and type(other) ~= kind then
        error("Cannot create validator for non-" .. kind .. " check_val.", 0)
      elseif other == nil then
        error("Cannot create validator for nil check_val.", 0)
      end
      return required(optional, function(value, claim)
        if kind and type(value) ~= kind then
          refuse(claim, "is malformed.  Expected to be a %s.", kind)
        end
        if not holds(value, other) then
          refuse(claim, "('%s') returned failure", tostring(value))
        end
        return true
      end)
    end
  end
end

define("equals", relation(function(value, other)
  return value == other
end))

define("matches", relation(function(value, pattern)
  return re_match(value, pattern, "o") ~= nil
end, "string"))

define("greater_than", relation(function(value, other)
  return value > other
end, "number"))

define("greater_than_or_equal", relation(function(value, other)
  return value >= other
end, "number"))

define("less_than", relation(function(value, other)
  return value < other
end, "number"))

define("less_than_or_equal", relation(function(value, other)
  return value <= other
end, "number"))

-- Whether the claim, or one of its values, is one of a list.
local function any(holds, values_too)
  return function(optional)
    return function(others)
      if type(others) ~= "table" then
        error("Cannot create validator for non-table check_values.", 0)
      elseif #others == 0 then
        error("Cannot create validator for empty table check_values.", 0)
      end
      return required(optional, function(value, claim)
        if values_too and type(value) ~= "table" then
          refuse(claim, "is malformed.  Expected to be a table.")
        elseif not values_too and type(value) ~= "string" and type(value) ~= "number" then
          refuse(claim, "is malformed.  Expected to be a string.")
        end
        for _, own in ipairs(values_too and value or { value }) do
          for _, other in ipairs(others) do
            if holds(own, other) then
              return true
            end
          end
        end
        refuse(claim, "('%s') returned failure", type(value) == "table" and cjson.encode(value) or tostring(value))
      end)
    end
  end
end

local function same(value, other)
  return value == other
end

local function matching(value, pattern)
  return type(value) == "string" and re_match(value, pattern, "o") ~= nil
end

define("equals_any_of", any(same))
define("contains_any_of", any(same, true))
define("matches_any_of", any(matching))
define("contains_any_matching_of", any(matching, true))

local function date_of(value, claim)
  if type(value) ~= "number" or value < 0 then
    refuse(claim, "is malformed.  Expected to be a positive numeric value.")
  end
  return value
end

local function at_time(holds, words)
  return function(optional)
    return function()
      return required(optional, function(value, claim)
        if not holds(date_of(value, claim), clock()) then
          error({ reason = format("'%s' claim %s %s", tostring(claim), words, ngx.http_time(value)) }, 0)
        end
        return true
      end)
    end
  end
end

define("is_not_before", at_time(function(value, now)
  return value <= now + leeway
end, "not valid until"))

define("is_not_expired", at_time(function(value, now)
  return value > now - leeway
end, "expired at"))

define("is_at", at_time(function(value, now)
  return value >= now - leeway and value <= now + leeway
end, "is only valid at"))

return module
