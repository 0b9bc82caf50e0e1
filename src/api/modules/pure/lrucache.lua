-- `resty.lrucache`, and `resty.lrucache.pureffi`: a list in the order of use, and a table of its nodes.

local now, setmetatable, tonumber = ngx.now, setmetatable, tonumber

local module = { _VERSION = "0.15" }
local mt = { __index = module }

local function cut(node)
  node.before.after, node.after.before = node.after, node.before
end

-- The node next to the head was used last.
local function put_first(self, node)
  local head = self.head
  node.before, node.after = head, head.after
  head.after.before = node
  head.after = node
end

local function clear(self)
  local head = {}
  head.before, head.after = head, head
  self.head, self.nodes, self.size = head, {}, 0
end

function module.new(size)
  if not tonumber(size) or size < 1 then
    return nil, "size too small"
  end
  local self = setmetatable({ max = size }, mt)
  clear(self)
  return self
end

function module:get(key)
  local node = self.nodes[key]
  if node == nil then
    return nil
  end
  cut(node)
  put_first(self, node)
  if node.expires and node.expires < now() then
    return nil, node.value, node.flags
  end
  return node.value, nil, node.flags
end

function module:set(key, value, ttl, flags)
  local node = self.nodes[key]
  if node then
    cut(node)
  else
    node = { key = key }
    if self.size >= self.max then
      local oldest = self.head.before
      cut(oldest)
      self.nodes[oldest.key] = nil
    else
      self.size = self.size + 1
    end
    self.nodes[key] = node
  end
  put_first(self, node)
  node.value = value
  node.flags = tonumber(flags) and flags % 4294967296 or 0
  node.expires = ttl and now() + ttl or nil
end

function module:delete(key)
  local node = self.nodes[key]
  if node == nil then
    return false
  end
  cut(node)
  self.nodes[key] = nil
  self.size = self.size - 1
  return true
end

function module:flush_all()
  clear(self)
end

function module:count()
  return self.size
end

function module:capacity()
  return self.max
end

-- The keys, those that were used last first.
function module:get_keys(max_count, res)
  if not max_count or max_count == 0 then
    max_count = self.size
  end
  local keys = res or {}
  local count, node = 0, self.head.after
  while node ~= self.head and count < max_count do
    count = count + 1
    keys[count] = node.key
    node = node.after
  end
  if res then
    keys[count + 1] = nil
  end
  return keys
end

return module
