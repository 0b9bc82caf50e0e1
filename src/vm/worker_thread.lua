-- What a worker thread does: a function of a module.

local deliver, refuse, module_name, name, arguments, count = ...
local pcall, require, type, unpack = pcall, require, type, unpack

return function()
  local ok, module = pcall(require, module_name)
  if not ok then
    refuse(module)
  elseif type(module) ~= "table" then
    refuse("invalid lua module")
  end
  local f = module[name]
  if type(f) ~= "function" then
    refuse("invalid function")
  end
  deliver(f(unpack(arguments, 1, count)))
end
