---@meta table.isempty

-- The function of the same name.
return table.isempty
