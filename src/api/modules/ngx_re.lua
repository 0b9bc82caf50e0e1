-- The module `ngx.re`, over `ngx.re.match`.

local match = ...
local error, tostring, type = error, tostring, type
local sub, greater = string.sub, math.max

local module = {}

-- What lies between matches, with the first capture of each.
function module.split(subj, regex, opts, ctx, max, res)
  subj, max = tostring(subj), max or 0
  if res ~= nil and type(res) ~= "table" then
    error("res is not a table", 2)
  end
  res = res or {}
  local place = ctx and ctx.pos or 1
  if place > #subj then
    res[1] = nil
    return res
  end

  local at = { pos = greater(place, 1) }
  local count, found, last_empty = 0, 0, nil
  while (max <= 0 or found + 1 < max) and place <= #subj do
    local captures, err = match(subj, regex, opts, at)
    if err then
      return nil, err
    elseif not captures then
      break
    end
    local behind = at.pos
    local from = behind - #captures[0]
    place = last_empty or place
    if from == behind then
      last_empty = from
      at.pos = behind + 1
    end
    if from > place or not last_empty then
      found, count = found + 1, count + 1
      res[count] = sub(subj, place, from - 1)
      if captures[1] then
        count = count + 1
        res[count] = captures[1]
      end
      place = behind
    end
  end
  if ctx then
    ctx.pos = at.pos - 1
  end

  if max <= 0 and place > #subj then
    while count > 0 and res[count] == "" do
      res[count] = nil
      count = count - 1
    end
  else
    count = count + 1
    res[count] = sub(subj, place)
  end
  res[count + 1] = nil
  return res
end

-- The size of the stack of JIT-compiled matches is not for functions to say here.
function module.opt(option)
  if option ~= "jit_stack_size" then
    error("unrecognized option name", 2)
  end
end

return module
