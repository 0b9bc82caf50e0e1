-- What of `ngx.re` gives out functions or calls them; the rest is Rust. A program is a compiled
-- pattern.

local re, step = ...
local gmatch = re.gmatch
local type, tostring, substring, concat = type, tostring, string.sub, table.concat

function re.gmatch(subject, regex, options)
  local program, text = gmatch(subject, regex, options)
  if not program then
    return nil, text
  end
  local from = 0
  return function()
    if not from then
      return nil
    end
    local captures, start, stop = step(program, text, from)
    from = stop
    if not captures then
      if start then
        return nil, start
      end
      return nil
    end
    if start == stop then
      from = stop + 1
      if from > #text then
        from = nil
      end
    end
    return captures
  end
end

local function substitute(native, once)
  return function(subject, regex, replacement, options)
    if type(replacement) ~= "function" then
      return native(subject, regex, replacement, options)
    end
    local program, text, message = native(subject, regex, replacement, options)
    if not program then
      return nil, nil, message
    end
    local pieces, count, from, copied = {}, 0, 0, 0
    while from <= #text do
      local captures, start, stop = step(program, text, from)
      if not captures then
        if start then
          return nil, nil, start
        end
        break
      end
      pieces[#pieces + 1] = substring(text, copied + 1, start)
      pieces[#pieces + 1] = tostring(replacement(captures))
      count, copied, from = count + 1, stop, stop
      if start == stop then
        from = stop + 1
      end
      if once then
        break
      end
    end
    if count == 0 then
      return text, 0
    end
    pieces[#pieces + 1] = substring(text, copied + 1)
    return concat(pieces), count
  end
end

re.sub, re.gsub = substitute(re.sub, true), substitute(re.gsub, false)
