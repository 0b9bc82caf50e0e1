---@meta string.buffer

---A buffer. `#` is its length, `..` joins, `tostring` gives all.
---@class string.buffer.object
local object = {}

---Adds texts.
---
---Phases: any.
---
---```lua
---require("string.buffer").new():put("a", 1)
---```
---@param ... string|number|string.buffer.object texts
---@return string.buffer.object buffer the buffer
function object:put(...) end

---Adds a text made by `string.format`.
---
---Phases: any.
---
---```lua
---require("string.buffer").new():putf("%d", 1)
---```
---@param format string the format
---@param ... any its values
---@return string.buffer.object buffer the buffer
function object:putf(format, ...) end

---Puts a text in place of what there is.
---
---Phases: any.
---
---```lua
---require("string.buffer").new():set("a")
---```
---@param text string the text
---@return string.buffer.object buffer the buffer
function object:set(text) end

---Takes from the front.
---
---Phases: any.
---
---```lua
---local text = require("string.buffer").new():put("abc"):get(2)
---```
---@param ... integer? how many bytes, each time; all if it is left out
---@return string ... the texts
function object:get(...) end

---Leaves out at the front.
---
---Phases: any.
---
---```lua
---require("string.buffer").new():put("abc"):skip(1)
---```
---@param count integer how many bytes
---@return string.buffer.object buffer the buffer
function object:skip(count) end

---Empties it.
---
---Phases: any.
---
---```lua
---require("string.buffer").new():reset()
---```
---@return string.buffer.object buffer the buffer
function object:reset() end

---Empties it.
---
---Phases: any.
---
---```lua
---require("string.buffer").new():free()
---```
---@return string.buffer.object buffer the buffer
function object:free() end

---All that is in it.
---
---Phases: any.
---
---```lua
---local text = require("string.buffer").new():put("abc"):tostring()
---```
---@return string text the text
function object:tostring() end

---LuaJIT's buffers, which put texts together.
---@class string.buffer
local buffer = {}

---Makes a buffer.
---
---Phases: any.
---
---```lua
---local buffer = require("string.buffer").new()
---```
---@param size? integer|table has no effect
---@param options? table has no effect
---@return string.buffer.object buffer empty
function buffer.new(size, options) end

---Raises: nothing is serialized here.
---
---Phases: any.
---
---```lua
---pcall(require("string.buffer").encode, 1)
---```
---@param value any a value
---@return string text never
function buffer.encode(value) end

---Raises: nothing is serialized here.
---
---Phases: any.
---
---```lua
---pcall(require("string.buffer").decode, "")
---```
---@param text string a text
---@return any value never
function buffer.decode(text) end

return buffer
