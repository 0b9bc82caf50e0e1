---@meta table.clone

-- The function of the same name.
return table.clone
