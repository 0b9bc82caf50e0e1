-- `resty.core` and its parts: what they change in OpenResty is here from the beginning.

local new, clear = table.new, table.clear

return {
  version = "0.1.29",
  new_tab = new,
  clear_tab = clear,
  get_string_buf_size = function()
    return 4096
  end,
}
