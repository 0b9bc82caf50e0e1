local pcall, tostring = pcall, tostring

-- What the function is given of a value: what its serializer makes of it, if it has one.
return function(value, serializer)
  if value == nil or not serializer then
    return value
  end
  local ok, made, err = pcall(serializer, value)
  if not ok then
    return nil, "l1_serializer threw an error: " .. tostring(made)
  elseif err then
    return nil, err
  elseif made == nil then
    return nil, "l1_serializer returned a nil value"
  end
  return made
end
