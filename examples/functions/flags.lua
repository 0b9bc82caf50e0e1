-- Feature flags, read once from a JSON file: {"dark-mode": ["ada", "grace"]}

local cjson = require "cjson.safe"

local path = os.getenv("FLAGS_FILE") or "flags.json"
local file = assert(io.open(path))
local lists = assert(cjson.decode(file:read("*a")))
file:close()

local users = {}
for flag, list in pairs(lists) do
  users[flag] = {}
  for _, user in ipairs(list) do
    users[flag][user] = true
  end
end

local flags = {}

function flags.is_on(flag, user)
  return user ~= nil and users[flag] ~= nil and users[flag][user] == true
end

return flags
