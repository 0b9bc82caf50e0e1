---@meta table.new

-- The function of the same name.
return table.new
