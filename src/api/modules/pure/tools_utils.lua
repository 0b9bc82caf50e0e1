-- `kong.tools.utils`: what was one module before Kong 3.6.

local pairs, require, setmetatable = pairs, require, setmetatable

local module = {}
for _, name in ipairs { "string", "table", "uuid", "rand", "http", "ip", "time" } do
  for key, value in pairs(require("kong.tools." .. name)) do
    module[key] = value
  end
end

-- The parts that need a cargo feature are there if it is.
return setmetatable(module, {
  __index = function(_, key)
    if key == "deflate_gzip" or key == "inflate_gzip" then
      return require("kong.tools.gzip")[key]
    end
  end,
})
