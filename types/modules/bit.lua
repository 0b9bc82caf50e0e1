---@meta bit

---Operations on the bits of numbers of 32 bits.
---@class bit
local bit_module = {}

---Brings a number into the range of 32 bits with a sign.
---
---Phases: any.
---
---```lua
---local bits = require("bit").tobit(0xffffffff)
---```
---@param x number the number
---@return integer bits from -2147483648 to 2147483647
function bit_module.tobit(x) end

---Writes a number in hexadecimal.
---
---Phases: any.
---
---```lua
---local text = require("bit").tohex(255, 2)
---```
---@param x number the number
---@param n? integer how many digits; in capitals if it is below 0
---@return string text 8 digits if `n` is left out
function bit_module.tohex(x, n) end

---Turns all bits.
---
---Phases: any.
---
---```lua
---local bits = require("bit").bnot(0)
---```
---@param x number the number
---@return integer bits the result
function bit_module.bnot(x) end

---The bits that are set in all numbers.
---
---Phases: any.
---
---```lua
---local low = require("bit").band(0x1234, 0xff)
---```
---@param x1 number a number
---@param ... number others
---@return integer bits the result
function bit_module.band(x1, ...) end

---The bits that are set in any number.
---
---Phases: any.
---
---```lua
---local bits = require("bit").bor(1, 2, 4)
---```
---@param x1 number a number
---@param ... number others
---@return integer bits the result
function bit_module.bor(x1, ...) end

---The bits that are set in an odd count of the numbers.
---
---Phases: any.
---
---```lua
---local bits = require("bit").bxor(0xff, 0x0f)
---```
---@param x1 number a number
---@param ... number others
---@return integer bits the result
function bit_module.bxor(x1, ...) end

---Moves the bits to the left.
---
---Phases: any.
---
---```lua
---local bits = require("bit").lshift(1, 8)
---```
---@param x number the number
---@param n integer by how many places
---@return integer bits the result
function bit_module.lshift(x, n) end

---Moves the bits to the right, zeros behind them.
---
---Phases: any.
---
---```lua
---local bits = require("bit").rshift(256, 8)
---```
---@param x number the number
---@param n integer by how many places
---@return integer bits the result
function bit_module.rshift(x, n) end

---Moves the bits to the right, the sign behind them.
---
---Phases: any.
---
---```lua
---local bits = require("bit").arshift(-256, 8)
---```
---@param x number the number
---@param n integer by how many places
---@return integer bits the result
function bit_module.arshift(x, n) end

---Turns the bits around to the left.
---
---Phases: any.
---
---```lua
---local bits = require("bit").rol(0x12345678, 12)
---```
---@param x number the number
---@param n integer by how many places
---@return integer bits the result
function bit_module.rol(x, n) end

---Turns the bits around to the right.
---
---Phases: any.
---
---```lua
---local bits = require("bit").ror(0x12345678, 12)
---```
---@param x number the number
---@param n integer by how many places
---@return integer bits the result
function bit_module.ror(x, n) end

---Turns the order of the four bytes around.
---
---Phases: any.
---
---```lua
---local bits = require("bit").bswap(0x12345678)
---```
---@param x number the number
---@return integer bits the result
function bit_module.bswap(x) end

return bit_module
