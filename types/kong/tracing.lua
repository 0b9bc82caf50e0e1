---@meta _

-- Spans of the request.

---A span: a piece of work with a beginning and an end.
---@class kong.tracing.span
---@field name string what is done
---@field kind integer its kind, by number
---@field trace_id string 16 bytes
---@field span_id string 8 bytes
---@field parent_id? string of the span around it
---@field parent? kong.tracing.span the span around it
---@field start_time_ns integer nanoseconds since 1970
---@field end_time_ns? integer nanoseconds since 1970
---@field should_sample boolean whether it is sent on
---@field attributes? table<string, string|number|boolean> what is said of it
---@field linked? boolean whether its parent was found
---@field tracer? table whose it is
local span = {}

---Ends the span.
---
---Phases: any.
---
---```lua
---kong.tracing.start_span("lookup"):finish()
---```
---@param end_time_ns? integer nanoseconds since 1970; now if it is left out
function span:finish(end_time_ns) end

---Says something of the span. A value of nil takes it back.
---
---Phases: any.
---
---```lua
---kong.tracing.start_span("lookup"):set_attribute("user.id", 7)
---```
---@param key string its name
---@param value string|number|boolean|nil its value
function span:set_attribute(key, value) end

---Notes that something has happened.
---
---Phases: any.
---
---```lua
---kong.tracing.start_span("lookup"):add_event("retry", { attempt = 2 })
---```
---@param name string what
---@param attributes? table what is said of it
---@param time_ns? integer nanoseconds since 1970; now if it is left out
function span:add_event(name, attributes, time_ns) end

---Notes an error as an event.
---
---Phases: any.
---
---```lua
---kong.tracing.start_span("lookup"):record_error("timeout")
---```
---@param err any the error
function span:record_error(err) end

---Says how it went.
---
---Phases: any.
---
---```lua
---kong.tracing.start_span("lookup"):set_status(2)
---```
---@param status integer 0 unset, 1 good, 2 an error
function span:set_status(status) end

---Walks what goes along with the trace.
---
---Phases: any.
---
---```lua
---for name, value in kong.tracing.start_span("a"):each_baggage_item() do kong.log.debug(name, value) end
---```
---@return fun(): (string?, string?) iterator gives a name and a value, until there are no more
function span:each_baggage_item() end

---A tracer: what makes spans under a name of its own.
---@class kong.tracing.tracer
---@field name string its name
local tracer = {}

---Begins a span of this tracer.
---
---Phases: any.
---
---```lua
---local span = kong.tracing.new("mine").start_span("lookup")
---```
---@param name string what is done
---@param options? table `span_kind`, `parent`, `start_time_ns`, `attributes`, `should_sample`
---@return kong.tracing.span span the span
function tracer.start_span(name, options) end

---The span that new ones begin inside of.
---
---Phases: any.
---
---```lua
---local span = kong.tracing.new("mine").active_span()
---```
---@return kong.tracing.span? span nil if there is none
function tracer.active_span() end

---Makes a span the one that new ones begin inside of.
---
---Phases: any.
---
---```lua
---local tracer = kong.tracing.new("mine")
---tracer.set_active_span(tracer.start_span("outer"))
---```
---@param span kong.tracing.span the span
function tracer.set_active_span(span) end

---Spans of the request, in the manner of OpenTelemetry. `kong.tracing("name")` is a tracer of that name.
---
---Phases: any.
---
---```lua
---local span = kong.tracing.start_span("lookup")
---```
---@class kong.tracing
---@field name string `core`
---@overload fun(name: string): kong.tracing.tracer
kong.tracing = {}

---Makes a tracer.
---
---Phases: any.
---
---```lua
---local tracer = kong.tracing.new("billing")
---```
---@param name string its name
---@return kong.tracing.tracer tracer the tracer
function kong.tracing.new(name) end

---The span that new ones begin inside of.
---
---Phases: any.
---
---```lua
---local span = kong.tracing.active_span()
---```
---@return kong.tracing.span? span nil if there is none
function kong.tracing.active_span() end

---Makes a span the one that new ones begin inside of.
---
---Phases: any.
---
---```lua
---kong.tracing.set_active_span(kong.tracing.start_span("outer"))
---```
---@param span kong.tracing.span the span
function kong.tracing.set_active_span(span) end

---Begins a span, inside of the one that is active.
---
---Phases: any.
---
---```lua
---local span = kong.tracing.start_span("lookup", { attributes = { table = "users" } })
---```
---@param name string what is done
---@param options? table `span_kind`, `parent`, `start_time_ns`, `attributes`, `should_sample`
---@return kong.tracing.span span the span
function kong.tracing.start_span(name, options) end

---The spans of the request.
---
---Phases: any.
---
---```lua
---local count = #kong.tracing.get_spans()
---```
---@return kong.tracing.span[] spans those that there are
function kong.tracing.get_spans() end

---The span that stands for the whole request.
---
---Phases: any.
---
---```lua
---local root = kong.tracing.get_root_span()
---```
---@return kong.tracing.span? span nil if there is none
function kong.tracing.get_root_span() end

---Calls a function with each span of the request.
---
---Phases: log.
---
---```lua
---kong.tracing.process_span(function(span) kong.log(span.name) end)
---```
---@param processor fun(span: kong.tracing.span, ...: any) what to do with it
---@param ... any what it gets besides
function kong.tracing.process_span(processor, ...) end

---Says whether spans that have not begun are sent on.
---
---Phases: any.
---
---```lua
---kong.tracing:set_should_sample(false)
---```
---@param should_sample boolean false for no
function kong.tracing:set_should_sample(should_sample) end

---Decides whether the request's spans are sent on: as the caller's were, else by rate.
---
---Phases: any.
---
---```lua
---local should = kong.tracing:get_sampling_decision(nil, 0.1)
---```
---@param parent_should_sample? boolean what the caller has decided
---@param sampling_rate? number from 0 to 1
---@return boolean should_sample true for yes
function kong.tracing:get_sampling_decision(parent_should_sample, sampling_rate) end

---Entries of a log beside the error log.
---@class kong.telemetry
kong.telemetry = {}

---Writes an entry of telemetry.
---
---Phases: any.
---
---```lua
---kong.telemetry.log("mine", {}, "audit", "changed", { user = "ada" })
---```
---@param plugin_name string who writes
---@param plugin_config table settings of who writes
---@param message_type string which kind it is
---@param message string what to say
---@param attributes? table what is said of it
---@return boolean? ok true
---@return string? err why not
function kong.telemetry.log(plugin_name, plugin_config, message_type, message, attributes) end
