-- `kong.tracing`: spans as tables with methods. What they tell reaches `tracing` through `native`,
-- which knows a span by its id.

local tracing, native = ...
local byte, setmetatable, tostring, type = string.byte, setmetatable, tostring, type
local error, ipairs = error, ipairs

local INTERNAL, SERVER = 1, 2
local spans_of_request, start, check_processor =
  tracing.get_spans, tracing.start_span, tracing.process_span

local function nop() end

-- The name of the tracer that `kong.tracing` is itself.
local CORE = "core"

-- What spans and tracers show, and not the tables that it lies in: those are one for all functions.
local methods = {}
local span_meta = { __index = methods, __metatable = false }
local tracer_meta = { __index = tracing, __metatable = false }

local equip

-- The tracer of this name, of which each request has one.
local function tracer_named(name)
  local spans = spans_of_request()
  local tracers = spans.tracers or {}
  spans.tracers = tracers
  tracers[name] = tracers[name] or equip(setmetatable({ name = name }, tracer_meta))
  return tracers[name]
end

-- The spans of the request, with its active span in the field `active`. The first is the root, which
-- is active from the start where tracing is on.
local function get_spans()
  local spans = spans_of_request()
  if not spans[1] then
    local root = setmetatable({ name = "kong", kind = SERVER, should_sample = true }, span_meta)
    local sampled
    root.span_id, root.trace_id, sampled = native.context()
    if root.span_id then
      root.should_sample, root.start_time_ns = sampled, native.started_at()
    else
      root.span_id, root.trace_id, root.start_time_ns = start("kong", SERVER, true)
    end
    root.tracer, spans[1] = tracer_named(CORE), root
    if native.is_on() then
      root.active, spans.active = true, root
    end
  end
  return spans
end

local function check_options(options)
  if options == nil then
    return {}
  elseif type(options) ~= "table" then
    error("invalid options type", 0)
  elseif options.start_time_ns ~= nil and type(options.start_time_ns) ~= "number" then
    error("invalid start time", 0)
  elseif options.span_kind ~= nil and type(options.span_kind) ~= "number" then
    error("invalid start kind", 0)
  elseif options.should_sample ~= nil and type(options.should_sample) ~= "boolean" then
    error("invalid sampled", 0)
  elseif options.attributes ~= nil and type(options.attributes) ~= "table" then
    error("invalid attributes", 0)
  end
  return options
end

-- Where the tracer `tracer` keeps the active span of the request.
local function kept_by(tracer)
  local spans = get_spans()
  if tracer.name == CORE then
    return spans
  end
  local others = spans.others or {}
  spans.others = others
  others[tracer.name] = others[tracer.name] or {}
  return others[tracer.name]
end

local function start_span(tracer, name, options)
  if type(name) ~= "string" or name == "" then
    error("invalid span name", 0)
  end
  options = check_options(options)
  local spans = get_spans()
  local kept = kept_by(tracer)
  -- Where no function has said which span is active, all belong to the root.
  local parent = options.parent or kept.active or not kept.is_set and spans[1] or nil
  local sampled = options.should_sample
  if parent and parent.should_sample ~= nil then
    sampled = parent.should_sample
  end
  local span = setmetatable({
    name = name,
    parent = parent,
    parent_id = parent and parent.span_id or options.parent_id,
    kind = options.span_kind or INTERNAL,
    should_sample = sampled ~= false,
    attributes = options.attributes,
    linked = true,
    tracer = tracer == tracing and tracer_named(CORE) or tracer,
  }, span_meta)
  span.span_id, span.trace_id, span.start_time_ns = start(name, span.kind, span.should_sample,
    span.parent_id, parent and parent.trace_id or options.trace_id, options.start_time_ns)
  if span.attributes then
    native.set_attributes(span.span_id, span.attributes)
  end
  spans[#spans + 1] = span
  return span
end

local function set_active_span(tracer, span)
  if span then
    span.active = true
  end
  local kept = kept_by(tracer)
  kept.active, kept.is_set = span, true
end

-- Gives `tracer` the functions that differ from tracer to tracer.
function equip(tracer)
  function tracer.start_span(name, options)
    return start_span(tracer, name, options)
  end
  function tracer.active_span()
    return kept_by(tracer).active
  end
  function tracer.set_active_span(span)
    set_active_span(tracer, span)
  end
  return tracer
end

function tracing.get_root_span()
  return get_spans()[1]
end

tracing.get_spans = get_spans

function tracing.process_span(processor, ...)
  check_processor(processor)
  for _, span in ipairs(get_spans()) do
    processor(span, ...)
  end
end

function tracing.set_should_sample(_, should_sample)
  for _, span in ipairs(get_spans()) do
    span.should_sample = should_sample
  end
end

-- Whether a trace is among the fraction `rate`: its id begins with a number that is small enough.
local function sample(trace_id, rate)
  if rate >= 1 or rate <= 0 then
    return rate >= 1
  end
  local number = 0
  for at = 8, 1, -1 do
    number = number * 256 + byte(trace_id, at)
  end
  return number < rate * 2 ^ 64
end

function tracing.get_sampling_decision(_, parent_should_sample, rate)
  if parent_should_sample == false then
    return false
  end
  rate = rate or native.configured_rate()
  return type(rate) == "number" and sample(get_spans()[1].trace_id, rate)
end

function methods:finish(end_time_ns)
  if self.end_time_ns ~= nil then
    return
  elseif end_time_ns ~= nil and type(end_time_ns) ~= "number" then
    error("invalid span end time", 0)
  elseif end_time_ns and end_time_ns < self.start_time_ns then
    native.complain("invalid span duration: ", end_time_ns - self.start_time_ns, " for span: ",
      self.name)
    return
  end
  self.end_time_ns = native.finish(self.span_id, end_time_ns)
  local kept = kept_by(self.tracer)
  if self.active and kept.active == self then
    local parent = self.parent
    kept.active = parent and parent.active and parent or nil
    kept.is_set = kept.active ~= nil
    self.active = nil
  end
end

function methods:set_attribute(key, value)
  if type(key) ~= "string" then
    error("invalid key", 0)
  end
  local kind = type(value)
  if kind == "function" or kind == "userdata" or kind == "thread" then
    native.complain("invalid span attribute value type: ", kind)
  end
  if self.attributes == nil then
    self.attributes = {}
  end
  self.attributes[key] = value
  native.set_attribute(self.span_id, key, value)
end

function methods:add_event(name, attributes, time_ns)
  if type(name) ~= "string" then
    error("invalid name", 0)
  elseif attributes ~= nil and type(attributes) ~= "table" then
    error("invalid attribute", 0)
  end
  if self.events == nil then
    self.events = { [0] = 0 }
  end
  local time = native.add_event(self.span_id, name, attributes, time_ns)
  local count = self.events[0] + 1
  self.events[0], self.events[count] = count, { name = name, time_ns = time, attributes = attributes }
end

function methods:record_error(err)
  if type(err) ~= "string" then
    err = tostring(err)
  end
  self:add_event("exception", { ["exception.message"] = err })
end

function methods:set_status(status)
  if type(status) ~= "number" then
    error("invalid status", 0)
  end
  self.status = status
  native.set_status(self.span_id, status)
end

function methods:each_baggage_item()
  return nop
end

equip(tracing)
tracing.name = CORE

-- Tracers have the spans of the request in common.
function tracing.new(name)
  if type(name) ~= "string" or name == "" then
    error("invalid tracer name", 0)
  end
  return tracer_named(name)
end

setmetatable(tracing, {
  __call = function(_, name)
    return tracing.new(name)
  end,
})
