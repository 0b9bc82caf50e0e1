-- What request-transformer does, in Kong's order, over the API that all functions have.
--
-- `plan` stands in front of this: what is to be done, by operation and place. Each step has a name,
-- and a value that is made when it is needed.

local request, service = kong.request, kong.service.request

-- What the templates of values may use.
local function known()
  if not plan.has_templates then
    return {}
  end
  local matches = ngx.ctx.router_matches or {}
  return {
    headers = request.get_headers(),
    query_params = request.get_query(),
    uri_captures = matches.uri_captures or {},
    shared = kong.ctx.shared,
  }
end

local function value_of(step, of)
  return step.value and step.value(of.headers, of.query_params, of.uri_captures, of.shared)
end

local function appended(values, value)
  if values == nil then
    return { value }
  elseif type(values) == "table" then
    values[#values + 1] = value
    return values
  end
  return { values, value }
end

-- Transforms a table of named values. Whether anything has changed.
local function transform(place, values, of, has_any)
  local changed = false
  if has_any then
    for _, step in ipairs(plan.remove[place]) do
      changed = true
      values[step.name] = nil
    end
    for _, step in ipairs(plan.rename[place]) do
      local new = value_of(step, of)
      if new ~= step.name and values[step.name] ~= nil then
        changed = true
        values[new], values[step.name] = values[step.name], nil
      end
    end
    for _, step in ipairs(plan.replace[place]) do
      if values[step.name] then
        changed = true
        values[step.name] = value_of(step, of)
      end
    end
  end
  for _, step in ipairs(plan.add[place]) do
    if not values[step.name] then
      changed = true
      values[step.name] = value_of(step, of)
    end
  end
  for _, step in ipairs(plan.append[place]) do
    changed = true
    values[step.name] = appended(values[step.name], value_of(step, of))
  end
  return changed
end

local function is_empty(place)
  for _, operation in ipairs({ "remove", "rename", "replace", "add", "append" }) do
    if #plan[operation][place] > 0 then
      return false
    end
  end
  return true
end

-- Headers are asked for and set one by one: their names have no case.
local function transform_headers(of)
  local present = {}
  for name, value in pairs(request.get_headers()) do
    present[name:lower()] = value
  end
  present.host = nil
  for _, step in ipairs(plan.remove.headers) do
    local name = step.name:lower()
    if present[name] then
      present[name] = nil
      service.clear_header(name)
    end
  end
  for _, step in ipairs(plan.rename.headers) do
    local old, new = step.name:lower(), value_of(step, of)
    local value = present[old]
    if value and step.name ~= new then
      service.clear_header(old)
      service.set_headers({ [new] = value })
      present[old], present[new:lower()] = nil, value
    end
  end
  for _, step in ipairs(plan.replace.headers) do
    local name = step.name:lower()
    if present[name] or name == "host" then
      present[name] = value_of(step, of)
      service.set_header(step.name, present[name] or "")
    end
  end
  for _, step in ipairs(plan.add.headers) do
    local name = step.name:lower()
    if not present[name] and name ~= "host" then
      present[name] = value_of(step, of)
      service.set_header(step.name, present[name] or "")
    end
  end
  for _, step in ipairs(plan.append.headers) do
    service.add_header(step.name, value_of(step, of) or "")
  end
end

local function transform_body(of)
  if is_empty("body") then
    return
  end
  local length = #(request.get_raw_body() or "")
  local values, _, mime = request.get_body()
  if values == nil and length > 0 or mime == nil then
    return
  end
  values = values or {}
  if transform("body", values, of, length > 0) then
    service.set_body(values, mime)
  end
end

local function transform_method()
  if not plan.http_method then
    return
  end
  service.set_method(plan.http_method)
  local mime = request.get_header("content-type") or ""
  local is_form = mime:lower():find("application/x-www-form-urlencoded", 1, true)
  local has_no_body = plan.http_method == "GET" or plan.http_method == "HEAD" or plan.http_method == "TRACE"
  if is_form and has_no_body then
    local query = request.get_query()
    for name, value in pairs(request.get_body() or {}) do
      query[name] = query[name] and appended(query[name], value) or value
    end
    service.set_query(query)
  end
end

return function()
  local of = known()
  if plan.uri then
    service.set_path(value_of(plan.uri, of))
  end
  transform_method()
  transform_headers(of)
  transform_body(of)
  if not is_empty("querystring") then
    local query = request.get_query()
    transform("querystring", query, of, true)
    service.set_query(query)
  end
end
