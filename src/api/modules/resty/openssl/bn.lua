-- `resty.openssl.bn`.

local native = ...
local error, setmetatable, tostring, type = error, setmetatable, tostring, type
local sub = string.sub

local module = {}
local mt = { __index = module }

local function wrap(ctx)
  return setmetatable({ ctx = ctx }, mt)
end

local function parse(some, base)
  local kind = type(some)
  if some == nil then
    return native.from_number(0)
  elseif kind == "number" then
    local ctx = native.from_number(some)
    if not ctx then
      return nil, "set_bn: number out of range"
    end
    return ctx
  elseif kind ~= "string" then
    return nil, "set_bn: expect nil, a number or a string at #1"
  elseif base and base ~= 10 and base ~= 16 and base ~= 2 and base ~= 0 then
    return nil, "set_bn: unsupported base: " .. tostring(base)
  end
  local ctx = native.from_text(some, base or 10)
  if not ctx then
    return nil, "set_bn: invalid number"
  end
  return ctx
end

function module.new(some, base)
  local ctx, err = parse(some, base)
  if not ctx then
    return nil, "bn.new: " .. err
  end
  return wrap(ctx)
end

function module.istype(l)
  return type(l) == "table" and native.is(l.ctx)
end

-- What Rust has of a number never changes: a copy may share it.
function module.dup(ctx)
  if not native.is(ctx) then
    return nil, "bn.dup: expect a bn ctx at #1"
  end
  return wrap(ctx)
end

function module:set(some, base)
  if not some then
    return nil, "expect a number or a string at #1"
  end
  local ctx, err = parse(some, base)
  if not ctx then
    return nil, "bn:set: " .. err
  end
  self.ctx = ctx
  return self
end

for name, base in next, { binary = 2, mpi = 0, hex = 16, dec = 10 } do
  module["from_" .. name] = function(s)
    if type(s) ~= "string" then
      return nil, "bn.from_" .. name .. ": expect a string at #1"
    end
    local ctx = native.from_text(s, base)
    if not ctx then
      return nil, "bn.from_" .. name .. ": set_" .. name .. ": invalid number"
    end
    return wrap(ctx)
  end
end

function module:to_binary(pad)
  if pad and type(pad) ~= "number" then
    return nil, "bn:to_binary: expect a number at #1"
  end
  local s = native.to_binary(self.ctx, pad)
  if not s then
    return nil, "bn:to_binary: the number is longer than " .. pad .. " bytes"
  end
  return s
end

function module:to_mpi(no_header)
  local s = native.to_text(self.ctx, 0)
  return no_header and sub(s, 5) or s
end

function module:to_hex()
  return native.to_text(self.ctx, 16)
end

function module:to_dec()
  return native.to_text(self.ctx, 10)
end

mt.__tostring = module.to_dec

function module:to_number()
  return native.to_number(self.ctx)
end

module.tonumber = module.to_number

local function number_of(op, value)
  if type(value) == "number" then
    return native.from_number(value) or error("BN_set_word() failed")
  elseif module.istype(value) then
    return value.ctx
  end
  error("cannot " .. op .. " a " .. type(value) .. " to bignum", 3)
end

local function operation(name, verb, of_openssl)
  return function(a, b)
    local result = native.calculate(name, number_of(verb, a), number_of(verb, b))
    return result and wrap(result) or error(of_openssl .. "() failed")
  end
end

module.add = operation("add", "add", "BN_add")
module.sub = operation("sub", "substract", "BN_sub")
module.mul = operation("mul", "multiply", "BN_mul")
module.div = operation("div", "divide", "BN_div")
module.idiv = module.div
module.mod = operation("mod", "mod", "BN_div")
module.gcd = operation("gcd", "extract greatest common divisor", "BN_gcd")
module.exp = operation("exp", "power", "BN_exp")
module.pow = module.exp
mt.__add, mt.__sub, mt.__mul, mt.__div, mt.__mod = module.add, module.sub, module.mul, module.div, module.mod

function module.sqr(a)
  return module.mul(a, a)
end

function mt.__unm(a)
  return module.sub(0, a)
end

for _, name in ipairs { "add", "sub", "mul", "exp" } do
  module["mod_" .. name] = function(a, b, m)
    local result = native.modular(name, number_of(name, a), number_of(name, b), number_of(name, m))
    return result and wrap(result) or error("BN_mod_" .. name .. " failed")
  end
end

function module.mod_sqr(a, m)
  return module.mod_mul(a, a, m)
end

function module.lshift(a, bits)
  local result = native.shift(number_of("lshift", a), bits)
  return result and wrap(result) or error("BN_lshift() failed")
end

function module.rshift(a, bits)
  local result = native.shift(number_of("rshift", a), -bits)
  return result and wrap(result) or error("BN_rshift() failed")
end

local function compare(a, b)
  return native.compare(number_of("compare", a), number_of("compare", b))
end

function mt.__eq(a, b)
  return compare(a, b) == 0
end

function mt.__lt(a, b)
  return compare(a, b) < 0
end

function mt.__le(a, b)
  return compare(a, b) <= 0
end

function module:is_zero()
  return compare(self, 0) == 0
end

function module:is_one()
  return compare(self, 1) == 0
end

function module:is_word(n)
  return compare(self, n) == 0
end

function module:is_odd()
  return native.is_odd(self.ctx)
end

function module:is_prime(nchecks)
  if nchecks and type(nchecks) ~= "number" then
    return nil, "bn:is_prime: expect a number at #1"
  end
  return native.is_prime(self.ctx)
end

function module.generate_prime(bits, safe)
  local ctx = native.generate_prime(bits, safe and true or false)
  if not ctx then
    return nil, "bn.BN_generate_prime_ex: bits out of range"
  end
  return wrap(ctx)
end

return module
