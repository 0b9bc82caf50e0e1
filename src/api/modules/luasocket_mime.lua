-- What of LuaSocket's `mime` functions use: base64.

local ngx = ...
local encode, decode = ngx.encode_base64, ngx.decode_base64
local gsub, sub = string.gsub, string.sub

-- Codes what of both texts makes whole groups of `size`, and gives what is left; all of the first where there is
-- no second.
local function coder(size, code)
  return function(first, second)
    if first == nil then
      return nil, nil
    end
    local whole = second and first .. second or first
    local length = #whole - #whole % size
    local coded = code(second and sub(whole, 1, length) or whole)
    if second then
      return coded, sub(whole, length + 1)
    end
    return coded ~= "" and coded or nil, nil
  end
end

local function decoded(text)
  -- What is no digit does not count, nor does what stands after the end.
  text = gsub(gsub(text, "[^%w+/=]", ""), "=.*$", "")
  return decode(text .. ("="):rep(-#text % 4)) or decode(sub(text, 1, -2)) or ""
end

return {
  _VERSION = "MIME 1.0.3",
  b64 = coder(3, encode),
  unb64 = coder(4, decoded),
}
