//! `resty.openssl.bn`: numbers of any size.

use crypto_primes::Flavor;
use mlua::{AnyUserData, Lua, LuaString, Table, UserData, Value};
use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;

use super::{context, join, prime, text};
use crate::api::modules::Loader;
use crate::lua::as_number;
use crate::lua::check;
use crate::lua::raise_at;

/// A number of an object.
pub(super) struct Number(pub(super) BigInt);

impl UserData for Number {}

/// The most bits that a number may have: 8 KiB. Work grows with the square of it.
const MAX_BITS: u64 = 65_536;
/// The same where it grows with the third power, and of what is asked whether it is prime.
const MAX_POWER_BITS: u64 = 4096;

pub(super) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    native.raw_set("from_number", lua.create_function(from_number)?)?;
    native.raw_set("from_text", lua.create_function(from_text)?)?;
    native.raw_set("to_binary", lua.create_function(to_binary)?)?;
    native.raw_set("to_text", lua.create_function(to_text)?)?;
    native.raw_set("to_number", lua.create_function(to_number)?)?;
    native.raw_set("calculate", lua.create_function(calculate)?)?;
    native.raw_set("modular", lua.create_function(modular)?)?;
    native.raw_set("shift", lua.create_function(shift)?)?;
    native.raw_set("compare", lua.create_function(compare)?)?;
    native.raw_set("is_odd", lua.create_function(|lua, n: Value| Ok(of(lua, &n)?.is_odd()))?)?;
    native.raw_set("is_prime", lua.create_function(is_prime)?)?;
    native.raw_set("generate_prime", lua.create_function(generate_prime)?)?;
    let is = |_: &Lua, value: Value| Ok(value.as_userdata().is_some_and(AnyUserData::is::<Number>));
    native.raw_set("is", lua.create_function(is)?)?;
    join(lua, include_str!("bn.lua"), native)
}

fn of(lua: &Lua, value: &Value) -> mlua::Result<BigInt> {
    let number: AnyUserData = context::<Number>(lua, value, "bn")?;
    let number = number.borrow::<Number>()?;
    Ok(number.0.clone())
}

fn from_number(_: &Lua, number: f64) -> mlua::Result<Option<Number>> {
    let fits = number >= 0.0 && number <= u64::MAX as f64;
    Ok(fits.then(|| Number(BigInt::from(number as u64))))
}

/// The number of a text: binary for the base 2, MPI for 0, digits for 10 and 16.
fn from_text(lua: &Lua, (s, base): (Value, f64)) -> mlua::Result<Option<Number>> {
    let s = text(lua, s, "s")?;
    let s = s.as_bytes();
    if s.len() as u64 * 8 > MAX_BITS * 4 {
        return Ok(None);
    }
    let number = if base == 2.0 {
        Some(BigInt::from_bytes_be(Sign::Plus, &s))
    } else if base == 0.0 {
        from_mpi(&s)
    } else {
        // OpenSSL reads as many digits as there are.
        let base = if base == 16.0 { 16u32 } else { 10 };
        let (sign, digits) = match s.strip_prefix(b"-") {
            Some(digits) => (Sign::Minus, digits),
            None => (Sign::Plus, &*s),
        };
        let is_digit = |byte: &&u8| char::from(**byte).is_digit(base);
        let count = digits.iter().take_while(is_digit).count();
        let number = BigUint::parse_bytes(&digits[..count], base);
        number.map(|number| BigInt::from_biguint(sign, number))
    };
    Ok(number.filter(|number| number.bits() <= MAX_BITS).map(Number))
}

/// Four bytes of length, then the digits; the highest bit is the sign.
fn from_mpi(s: &[u8]) -> Option<BigInt> {
    let (len, digits) = s.split_first_chunk::<4>()?;
    if u32::from_be_bytes(*len) as usize != digits.len() {
        return None;
    }
    let mut digits = digits.to_vec();
    let negative = digits.first().is_some_and(|byte| byte & 0x80 != 0);
    if negative {
        digits[0] &= 0x7f;
    }
    Some(BigInt::from_bytes_be(if negative { Sign::Minus } else { Sign::Plus }, &digits))
}

fn to_binary(lua: &Lua, (number, len): (Value, Option<f64>)) -> mlua::Result<Option<LuaString>> {
    let number = of(lua, &number)?;
    let (_, digits) = number.to_bytes_be();
    let digits = if number.bits() == 0 { Vec::new() } else { digits };
    let Some(len) = len else { return lua.create_string(digits).map(Some) };
    let missing = (len.clamp(0.0, MAX_BITS as f64) as usize).checked_sub(digits.len());
    let Some(missing) = missing else { return Ok(None) };
    lua.create_string([vec![0; missing], digits].concat()).map(Some)
}

/// Digits of the base 10, or of 16 as OpenSSL writes them; MPI for 0.
fn to_text(lua: &Lua, (number, base): (Value, f64)) -> mlua::Result<LuaString> {
    let number = of(lua, &number)?;
    if base == 10.0 {
        return lua.create_string(number.to_str_radix(10));
    }
    if base == 16.0 {
        let (sign, digits) = number.to_bytes_be();
        let digits: String = digits.iter().map(|byte| format!("{byte:02X}")).collect();
        let sign = if sign == Sign::Minus { "-" } else { "" };
        let digits = if number.bits() == 0 { "0" } else { &digits };
        return lua.create_string(format!("{sign}{digits}"));
    }
    let (sign, mut digits) = number.to_bytes_be();
    if number.bits() == 0 {
        digits.clear();
    } else if digits[0] & 0x80 != 0 {
        digits.insert(0, 0);
    }
    if sign == Sign::Minus {
        digits[0] |= 0x80;
    }
    let len = (digits.len() as u32).to_be_bytes();
    lua.create_string([&len[..], &digits].concat())
}

/// The lowest word; all ones if there are more.
fn to_number(lua: &Lua, (number,): (Value,)) -> mlua::Result<f64> {
    let number = of(lua, &number)?;
    Ok(u64::try_from(number.magnitude()).unwrap_or(u64::MAX) as f64)
}

/// A sum and its like; nothing where there is none, or it is too large.
fn calculate(
    lua: &Lua,
    (operation, a, b): (LuaString, Value, Value),
) -> mlua::Result<Option<Number>> {
    let (a, b) = (of(lua, &a)?, of(lua, &b)?);
    let zero = b.bits() == 0;
    let result = match &*operation.as_bytes() {
        b"add" => Some(a + b),
        b"sub" => Some(a - b),
        b"mul" => Some(a * b),
        b"div" => (!zero).then(|| a / b),
        b"mod" => (!zero).then(|| a % b),
        b"gcd" => Some(a.gcd(&b)),
        b"exp" => {
            let exponent = u32::try_from(b.magnitude()).ok().filter(|_| b.sign() != Sign::Minus);
            let fits = |exponent: &u32| a.bits().saturating_mul(u64::from(*exponent)) <= MAX_BITS;
            exponent.filter(fits).map(|exponent| a.pow(exponent))
        }
        _ => None,
    };
    check(lua, 0)?;
    Ok(result.filter(|result| result.bits() <= MAX_BITS).map(Number))
}

/// A sum and its like modulo `m`, from 0 up.
fn modular(
    lua: &Lua,
    (operation, a, b, m): (LuaString, Value, Value, Value),
) -> mlua::Result<Option<Number>> {
    let (a, b, m) = (of(lua, &a)?, of(lua, &b)?, of(lua, &m)?);
    let m = BigInt::from(m.magnitude().clone());
    if m.bits() == 0 {
        return Ok(None);
    }
    let result = match &*operation.as_bytes() {
        b"add" => Some((a + b).mod_floor(&m)),
        b"sub" => Some((a - b).mod_floor(&m)),
        b"mul" => Some((a * b).mod_floor(&m)),
        b"exp" => {
            let small = [&a, &b, &m].iter().all(|number| number.bits() <= MAX_POWER_BITS);
            (small && b.sign() != Sign::Minus).then(|| a.modpow(&b, &m).mod_floor(&m))
        }
        _ => None,
    };
    check(lua, 0)?;
    Ok(result.map(Number))
}

/// The number moved by bits: to the left where there are more than none.
fn shift(lua: &Lua, (number, bits): (Value, f64)) -> mlua::Result<Option<Number>> {
    let number = of(lua, &number)?;
    let by = bits.abs();
    if !(0.0..=MAX_BITS as f64).contains(&by) {
        return Ok(None);
    }
    let by = by as u64;
    if bits >= 0.0 {
        return Ok((number.bits() + by <= MAX_BITS).then(|| Number(number << by)));
    }
    // OpenSSL moves the digits and leaves the sign.
    let moved = number.magnitude() >> by;
    Ok(Some(Number(BigInt::from_biguint(number.sign(), moved))))
}

fn compare(lua: &Lua, (a, b): (Value, Value)) -> mlua::Result<i8> {
    Ok(of(lua, &a)?.cmp(&of(lua, &b)?) as i8)
}

fn is_prime(lua: &Lua, (number,): (Value,)) -> mlua::Result<bool> {
    let number = of(lua, &number)?;
    if number.sign() != Sign::Plus {
        return Ok(false);
    }
    if number.bits() > MAX_POWER_BITS {
        return Err(raise_at(lua, "the number is too large"));
    }
    check(lua, 0)?;
    let is_prime = prime::is_probable(number.magnitude(), Flavor::Any);
    check(lua, 0)?;
    Ok(is_prime)
}

fn generate_prime(lua: &Lua, (bits, safe): (Value, bool)) -> mlua::Result<Option<Number>> {
    let bits = as_number(&bits).filter(|bits| (3.0..=MAX_POWER_BITS as f64).contains(bits));
    let Some(bits) = bits else { return Ok(None) };
    let flavor = if safe { Flavor::Safe } else { Flavor::Any };
    let found = prime::random(lua, bits as usize, flavor)?;
    Ok(found.map(|number| Number(BigInt::from(number))))
}
