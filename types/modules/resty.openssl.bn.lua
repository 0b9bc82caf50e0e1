---@meta resty.openssl.bn

---Whole numbers without limits. `+ - * / % ^` and comparisons work on them.
---@class resty.openssl.bn
local bn = {}

---Makes a number.
---
---Phases: any.
---
---```lua
---local seven = assert(require("resty.openssl.bn").new(7))
---```
---@param value? number|string a number, or digits
---@param base? integer of the digits: 10, 16 or 2 for bytes
---@return resty.openssl.bn bn the number
---@return string? err why there is none
function bn.new(value, base) end

---Puts another number in its place.
---
---Phases: any.
---
---```lua
---assert(require("resty.openssl.bn").new(7)):set(8)
---```
---@param value number|string a number, or digits
---@param base? integer of the digits
---@return resty.openssl.bn? bn the number
---@return string? err why not
function bn:set(value, base) end

---A copy.
---
---Phases: any.
---
---```lua
---local copy = require("resty.openssl.bn").dup(nil)
---```
---@param ctx any the `ctx` of a number
---@return resty.openssl.bn? bn the number
---@return string? err why there is none
function bn.dup(ctx) end

---Whether a value is a number of this module.
---
---Phases: any.
---
---```lua
---local is_bn = require("resty.openssl.bn").istype(nil)
---```
---@param value any any value
---@return boolean is_bn true if it is
function bn.istype(value) end

---Reads bytes, the highest first.
---
---Phases: any.
---
---```lua
---local number = require("resty.openssl.bn").from_binary("\1\0")
---```
---@param bytes string the bytes
---@return resty.openssl.bn? bn the number
---@return string? err why there is none
function bn.from_binary(bytes) end

---Reads hexadecimal digits.
---
---Phases: any.
---
---```lua
---local number = require("resty.openssl.bn").from_hex("ff")
---```
---@param text string the digits
---@return resty.openssl.bn? bn the number
---@return string? err why there is none
function bn.from_hex(text) end

---Reads decimal digits.
---
---Phases: any.
---
---```lua
---local number = require("resty.openssl.bn").from_dec("255")
---```
---@param text string the digits
---@return resty.openssl.bn? bn the number
---@return string? err why there is none
function bn.from_dec(text) end

---Reads OpenSSL's format with a length in front.
---
---Phases: any.
---
---```lua
---local number = require("resty.openssl.bn").from_mpi("\0\0\0\1\7")
---```
---@param bytes string the bytes
---@return resty.openssl.bn? bn the number
---@return string? err why there is none
function bn.from_mpi(bytes) end

---Writes bytes, the highest first.
---
---Phases: any.
---
---```lua
---local bytes = assert(require("resty.openssl.bn").new(7)):to_binary()
---```
---@param pad? integer how many at least
---@return string? bytes the bytes
---@return string? err why there are none
function bn:to_binary(pad) end

---Writes hexadecimal digits.
---
---Phases: any.
---
---```lua
---local text = assert(require("resty.openssl.bn").new(255)):to_hex()
---```
---@return string text in capitals
function bn:to_hex() end

---Writes decimal digits.
---
---Phases: any.
---
---```lua
---local text = assert(require("resty.openssl.bn").new(255)):to_dec()
---```
---@return string text the digits
function bn:to_dec() end

---Writes OpenSSL's format with a length in front.
---
---Phases: any.
---
---```lua
---local bytes = assert(require("resty.openssl.bn").new(7)):to_mpi()
---```
---@param no_header? boolean true to leave the length out
---@return string bytes the bytes
function bn:to_mpi(no_header) end

---A number of Lua's. The lowest 64 bits of it.
---
---Phases: any.
---
---```lua
---local number = assert(require("resty.openssl.bn").new(7)):to_number()
---```
---@return number number a number
function bn:to_number() end

---The same as `to_number`.
---
---Phases: any.
---
---```lua
---local number = assert(require("resty.openssl.bn").new(7)):tonumber()
---```
---@return number number a number
function bn:tonumber() end

---The sum.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").add(7, 3)
---```
---@param a resty.openssl.bn|number a number
---@param b resty.openssl.bn|number a number
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.add(a, b) end

---The difference.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").sub(7, 3)
---```
---@param a resty.openssl.bn|number a number
---@param b resty.openssl.bn|number a number
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.sub(a, b) end

---The product.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").mul(7, 3)
---```
---@param a resty.openssl.bn|number a number
---@param b resty.openssl.bn|number a number
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.mul(a, b) end

---The quotient, a whole number.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").div(7, 3)
---```
---@param a resty.openssl.bn|number a number
---@param b resty.openssl.bn|number a number
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.div(a, b) end

---The quotient, a whole number.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").idiv(7, 3)
---```
---@param a resty.openssl.bn|number a number
---@param b resty.openssl.bn|number a number
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.idiv(a, b) end

---The rest of the quotient.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").mod(7, 3)
---```
---@param a resty.openssl.bn|number a number
---@param b resty.openssl.bn|number a number
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.mod(a, b) end

---A power.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").pow(7, 3)
---```
---@param a resty.openssl.bn|number a number
---@param b resty.openssl.bn|number a number
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.pow(a, b) end

---A power.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").exp(7, 3)
---```
---@param a resty.openssl.bn|number a number
---@param b resty.openssl.bn|number a number
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.exp(a, b) end

---The greatest number that divides both.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").gcd(7, 3)
---```
---@param a resty.openssl.bn|number a number
---@param b resty.openssl.bn|number a number
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.gcd(a, b) end

---The square.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").sqr(7)
---```
---@param a resty.openssl.bn|number a number
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.sqr(a) end

---The sum, modulo a number.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").mod_add(7, 3, 5)
---```
---@param a resty.openssl.bn|number a number
---@param b resty.openssl.bn|number a number
---@param m resty.openssl.bn|number the modulus
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.mod_add(a, b, m) end

---The difference, modulo a number.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").mod_sub(7, 3, 5)
---```
---@param a resty.openssl.bn|number a number
---@param b resty.openssl.bn|number a number
---@param m resty.openssl.bn|number the modulus
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.mod_sub(a, b, m) end

---The product, modulo a number.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").mod_mul(7, 3, 5)
---```
---@param a resty.openssl.bn|number a number
---@param b resty.openssl.bn|number a number
---@param m resty.openssl.bn|number the modulus
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.mod_mul(a, b, m) end

---A power, modulo a number.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").mod_exp(7, 3, 5)
---```
---@param a resty.openssl.bn|number a number
---@param b resty.openssl.bn|number a number
---@param m resty.openssl.bn|number the modulus
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.mod_exp(a, b, m) end

---The square, modulo a number.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").mod_sqr(7, 5)
---```
---@param a resty.openssl.bn|number a number
---@param m resty.openssl.bn|number the modulus
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.mod_sqr(a, m) end

---Moves the bits up.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").lshift(7, 2)
---```
---@param a resty.openssl.bn|number a number
---@param bits integer by how many places
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.lshift(a, bits) end

---Moves the bits down.
---
---Phases: any.
---
---```lua
---local result = require("resty.openssl.bn").rshift(7, 2)
---```
---@param a resty.openssl.bn|number a number
---@param bits integer by how many places
---@return resty.openssl.bn? result the result
---@return string? err why there is none
function bn.rshift(a, bits) end

---Whether it is 0.
---
---Phases: any.
---
---```lua
---local is_zero = assert(require("resty.openssl.bn").new(0)):is_zero()
---```
---@return boolean is_zero true if it is
function bn:is_zero() end

---Whether it is 1.
---
---Phases: any.
---
---```lua
---local is_one = assert(require("resty.openssl.bn").new(1)):is_one()
---```
---@return boolean is_one true if it is
function bn:is_one() end

---Whether it is a number.
---
---Phases: any.
---
---```lua
---local is_seven = assert(require("resty.openssl.bn").new(7)):is_word(7)
---```
---@param number number the number
---@return boolean is_it true if it is
function bn:is_word(number) end

---Whether it is odd.
---
---Phases: any.
---
---```lua
---local is_odd = assert(require("resty.openssl.bn").new(7)):is_odd()
---```
---@return boolean is_odd true if it is
function bn:is_odd() end

---Whether it is a prime, as far as can be told.
---
---Phases: any.
---
---```lua
---local is_prime = assert(require("resty.openssl.bn").new(7)):is_prime()
---```
---@param nchecks? integer how often to look
---@return boolean? is_prime true if it is
---@return string? err why it cannot be told
function bn:is_prime(nchecks) end

---Makes a prime.
---
---Phases: any.
---
---```lua
---local prime = require("resty.openssl.bn").generate_prime(64)
---```
---@param bits integer how many bits
---@param safe? boolean true for one whose half is a prime, too
---@return resty.openssl.bn? prime the prime
---@return string? err why there is none
function bn.generate_prime(bits, safe) end

return bn
