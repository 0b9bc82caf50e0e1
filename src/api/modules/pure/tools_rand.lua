-- `kong.tools.rand`.

local random_bytes = ...
local ngx, gsub, random = ngx, string.gsub, math.random

return {
  get_rand_bytes = function(length)
    return random_bytes(length)
  end,
  random_string = function()
    -- Letters and digits alone.
    return (gsub(ngx.encode_base64(random_bytes(24), true), "[+/]", function(sign)
      local first = sign == "/" and 65 or 97
      return string.char(random(first, first + 25))
    end))
  end,
}
