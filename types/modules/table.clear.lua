---@meta table.clear

-- The function of the same name.
return table.clear
