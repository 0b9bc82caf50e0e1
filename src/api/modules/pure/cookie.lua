-- `resty.cookie`: the cookies of the request, and new ones for the response.

local ngx, setmetatable, type = ngx, setmetatable, type
local gmatch, match = string.gmatch, string.match

local module = { _VERSION = "0.01" }
local mt = { __index = module }

function module:new()
  return setmetatable({ set_cookie_table = {} }, mt)
end

local function cookies_of(self)
  local text = ngx.var.http_cookie
  if not text then
    return nil, "no cookie found in the current request"
  end
  if self.text ~= text then
    local cookies = {}
    for pair in gmatch(text, "[^;]+") do
      local name, value = match(pair, "^%s*([^=%s]+)%s*=%s*(.-)%s*$")
      if name and cookies[name] == nil then
        cookies[name] = match(value, '^"(.*)"$') or value
      end
    end
    self.text, self.cookies = text, cookies
  end
  return self.cookies
end

function module:get(key)
  local cookies, err = cookies_of(self)
  if not cookies then
    return nil, err
  end
  return cookies[key]
end

function module:get_all()
  return cookies_of(self)
end

local function baked(cookie)
  if not cookie.key or not cookie.value then
    return nil, 'missing cookie field "key" or "value"'
  end
  local text = cookie.key .. "=" .. cookie.value
  if cookie.max_age then
    text = text .. "; Max-Age=" .. cookie.max_age
    cookie.expires = cookie.expires or ngx.cookie_time(ngx.time() + cookie.max_age)
  end
  text = text .. (cookie.expires and "; Expires=" .. cookie.expires or "")
  text = text .. (cookie.domain and "; Domain=" .. cookie.domain or "")
  text = text .. (cookie.path and "; Path=" .. cookie.path or "")
  text = text .. (cookie.secure and "; Secure" or "") .. (cookie.httponly and "; HttpOnly" or "")
  local same_site = cookie.samesite
  if same_site then
    if same_site ~= "Strict" and same_site ~= "Lax" and same_site ~= "None" then
      return nil, "SameSite value must be 'Strict', 'Lax' or 'None'"
    end
    text = text .. "; SameSite=" .. same_site
  end
  return text .. (cookie.extension and "; " .. cookie.extension or "")
end

-- Adds the cookie to those of the response, unless it is there.
function module:set(cookie)
  local text, err = baked(cookie)
  if not text then
    return nil, err
  end
  local set = ngx.header["Set-Cookie"]
  if type(set) ~= "table" then
    set = { set }
  end
  for _, other in ipairs(set) do
    if other == text then
      return true
    end
  end
  set[#set + 1] = text
  ngx.header["Set-Cookie"] = set
  return true
end

return module
