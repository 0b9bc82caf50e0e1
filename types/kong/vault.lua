---@meta _

-- Secrets.

---Secrets of the vault `env`: environment variables that the operator has named.
---@class kong.vault
kong.vault = {}

---Whether a value is a reference to a secret.
---
---Phases: any.
---
---```lua
---local is_secret = kong.vault.is_reference("{vault://env/api-key}")
---```
---@param reference any any value
---@return boolean is_reference true for `{vault://…}`
function kong.vault.is_reference(reference) end

---Takes a reference apart.
---
---Phases: any.
---
---```lua
---local parts = kong.vault.parse_reference("{vault://env/api-key}")
---```
---@param reference string `{vault://VAULT/RESOURCE/KEY?QUERY}`
---@return table? parts `name`, `resource`, `key`, `config`, `version`; nil if it is none
---@return string? err why not
function kong.vault.parse_reference(reference) end

---The secret that a reference names.
---
---Phases: any.
---
---```lua
---local key = assert(kong.vault.get("{vault://env/api-key}"))
---```
---@param reference string `{vault://env/NAME}`: the variable `NAME`, `-` as `_`, in capitals
---@param cache_only? boolean has no effect
---@return string? secret nil if there is none
---@return string? err why not
function kong.vault.get(reference, cache_only) end

---Fetches the secrets of the references in `options["$refs"]` again, and puts them into the table.
---
---Phases: any.
---
---```lua
---kong.vault.update({ ["$refs"] = { key = "{vault://env/api-key}" } })
---```
---@param options table a table with references
---@return table options the same table
function kong.vault.update(options) end

---Calls a function with settings; if it gives nil, fetches their secrets again and calls it once more.
---
---Phases: any.
---
---```lua
---local ok, err = kong.vault.try(function(options) return options.key end, { key = "a" })
---```
---@param callback fun(options: table): any what uses the secrets
---@param options? table a table with references in `$refs`
---@return any result what the function gives
---@return string? err why it gave nothing
function kong.vault.try(callback, options) end
