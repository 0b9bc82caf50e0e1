---@meta _

-- The error log.

---Writes values so that a person can read them.
---@class kong.log.inspector
---@overload fun(...: any)
local inspector = {}

---Lets `kong.log.inspect` of this function write.
---
---Phases: any.
---
---```lua
---kong.log.inspect.on()
---```
function inspector.on() end

---Makes `kong.log.inspect` of this function silent.
---
---Phases: any.
---
---```lua
---kong.log.inspect.off()
---```
function inspector.off() end

---Writes values as `kong.log.inspect(…)` does.
---
---Phases: any.
---
---```lua
---kong.log.inspect.print({ 1, 2 })
---```
---@param ... any values
function inspector.print(...) end

---Says that something is on its way out.
---@class kong.log.deprecation
---@overload fun(...: any)
local deprecation = {}

---Writes as `kong.log.deprecation(…)` does.
---
---Phases: any.
---
---```lua
---kong.log.deprecation.write("use x-user-id", { after = "3.0", removal = "4.0" })
---```
---@param ... any what to say; a table `{ after = …, removal = … }` at the end has versions
function deprecation.write(...) end

---The error log. `kong.log(…)` writes with the level `notice`.
---
---Phases: any.
---
---```lua
---kong.log("hello from ", kong.request.get_path())
---```
---@class kong.log
---@field inspect kong.log.inspector Writes values so that a person can read them, with the level `debug`.
---@field deprecation kong.log.deprecation Says that something is on its way out, with the level `warn`.
---@overload fun(...: any)
kong.log = {}

---Writes a line with the level `alert`.
---
---Phases: any.
---
---```lua
---kong.log.alert("the disk is full")
---```
---@param ... any what to say, joined without blanks
function kong.log.alert(...) end

---Writes a line with the level `crit`.
---
---Phases: any.
---
---```lua
---kong.log.crit("no keys")
---```
---@param ... any what to say, joined without blanks
function kong.log.crit(...) end

---Writes a line with the level `debug`.
---
---Phases: any.
---
---```lua
---kong.log.debug("id ", 7)
---```
---@param ... any what to say, joined without blanks
function kong.log.debug(...) end

---Writes a line with the level `emerg`.
---
---Phases: any.
---
---```lua
---kong.log.emerg("cannot go on")
---```
---@param ... any what to say, joined without blanks
function kong.log.emerg(...) end

---Writes a line with the level `err`.
---
---Phases: any.
---
---```lua
---kong.log.err("no user: ", "timeout")
---```
---@param ... any what to say, joined without blanks
function kong.log.err(...) end

---Writes a line with the level `info`.
---
---Phases: any.
---
---```lua
---kong.log.info("user ", "ada")
---```
---@param ... any what to say, joined without blanks
function kong.log.info(...) end

---Writes a line with the level `notice`.
---
---Phases: any.
---
---```lua
---kong.log.notice("cache is cold")
---```
---@param ... any what to say, joined without blanks
function kong.log.notice(...) end

---Says nothing, as in Kong.
---
---Phases: any.
---
---```lua
---kong.log.trace("unheard")
---```
---@param ... any what not to say
function kong.log.trace(...) end

---Writes a line with the level `warn`.
---
---Phases: any.
---
---```lua
---kong.log.warn("slow: ", 1.2, " s")
---```
---@param ... any what to say, joined without blanks
function kong.log.warn(...) end

---A log under another name, or in another format.
---
---Phases: any.
---
---```lua
---local audit = kong.log.new("audit", "[%namespace] %message")
---```
---@param namespace string its name, for `%namespace`
---@param format? string as `kong.log.set_format` takes it
---@return kong.log facility has the functions of `kong.log`
function kong.log.new(namespace, format) end

---Sets what a line of this function's looks like.
---
---Phases: any.
---
---```lua
---kong.log.set_format("[mine] %message")
---```
---@param format string text with `%file_src`, `%line_src`, `%func_name`, `%message`, `%namespace`
function kong.log.set_format(format) end

---What Kong's logging plugins tell of a request: request, response, latencies, route, service, consumer.
---
---Phases: log.
---
---```lua
---local entry = kong.log.serialize()
---```
---@param options? { kong?: table, ngx?: table } tables to use in place of `kong` and `ngx`
---@return table entry a table to be encoded as JSON
function kong.log.serialize(options) end

---Puts a value into what `kong.log.serialize` gives.
---
---Phases: rewrite, access, header_filter, body_filter, log.
---
---```lua
---kong.log.set_serialize_value("request.tenant", "acme")
---```
---@param key string its place, with dots: `request.tenant`
---@param value any the value; nil removes what is there
---@param options? { mode?: string } mode `set`, `add` for where nothing is yet, `replace` for where something is
function kong.log.set_serialize_value(key, value, options) end
