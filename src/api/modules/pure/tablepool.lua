-- `tablepool`: tables to use again, of one function.

local clear, error, new, remove = table.clear, error, table.new, table.remove

local module = {}
local pools = {}
local MAX = 200

function module.fetch(name, narr, nrec)
  local pool = pools[name]
  return pool and remove(pool) or new(narr or 0, nrec or 0)
end

function module.release(name, tab, noclear)
  if not tab then
    error("object empty", 2)
  end
  local pool = pools[name] or {}
  pools[name] = pool
  if not noclear then
    clear(tab)
  end
  if #pool < MAX then
    pool[#pool + 1] = tab
  end
end

function module.clear(name)
  pools[name] = nil
end

return module
