---@meta table.nkeys

-- The function of the same name.
return table.nkeys
