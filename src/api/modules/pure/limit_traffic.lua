-- `resty.limit.traffic`: several limits as one.

local max = math.max

local module = { _VERSION = "0.09" }

-- The longest of the delays. What has been counted is taken back if one of the limits refuses.
function module.combine(limiters, keys, states)
  local count, longest = #limiters, 0
  for i = 1, count do
    local delay, state = limiters[i]:incoming(keys[i], i == count)
    if not delay then
      return nil, state
    end
    if states then
      states[i] = state
    end
    longest = max(longest, delay)
  end
  for i = 1, count - 1 do
    local delay, err = limiters[i]:incoming(keys[i], true)
    if not delay then
      for j = 1, i - 1 do
        limiters[j]:uncommit(keys[j])
      end
      limiters[count]:uncommit(keys[count])
      return nil, err
    end
    if states then
      states[i] = err
    end
  end
  return longest
end

return module
