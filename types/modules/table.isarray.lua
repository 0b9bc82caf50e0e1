---@meta table.isarray

-- The function of the same name.
return table.isarray
