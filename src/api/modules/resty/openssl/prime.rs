//! Primes, found a candidate at a time: a search must end when its function's time does.

use crypto_bigint::BoxedUint;
use crypto_primes::{Flavor, is_prime};
use mlua::Lua;
use num_bigint::BigUint;
use num_integer::Integer;

use crate::lua::check;

/// A random prime of `bits`, whose highest two bits are set: two of them make a number of twice as
/// many. Nothing when the system gives no random bytes.
pub(super) fn random(lua: &Lua, bits: usize, flavor: Flavor) -> mlua::Result<Option<BigUint>> {
    let len = bits.div_ceil(8);
    let mut bytes = vec![0; len];
    loop {
        check(lua, len)?;
        if getrandom::fill(&mut bytes).is_err() {
            return Ok(None);
        }
        let mut candidate = BigUint::from_bytes_be(&bytes) >> (len * 8 - bits);
        for bit in [0, bits as u64 - 1, bits as u64 - 2] {
            candidate.set_bit(bit, true);
        }
        if !has_small_factor(&candidate) && is_probable(&candidate, flavor) {
            return Ok(Some(candidate));
        }
    }
}

/// The product of the odd primes below 54, and that of the ten after them.
const SMALL: [u64; 2] = [16_294_579_238_595_022_365, 7_145_393_598_349_078_859];

fn has_small_factor(candidate: &BigUint) -> bool {
    // A smaller one may be such a prime itself.
    if candidate.bits() <= 64 {
        return false;
    }
    SMALL.iter().any(|product| {
        let rest = candidate % product;
        rest.gcd(&BigUint::from(*product)) != BigUint::from(1u8)
    })
}

/// Whether a number is prime, as far as Miller-Rabin's and Lucas's tests tell.
pub(super) fn is_probable(number: &BigUint, flavor: Flavor) -> bool {
    let bytes = number.to_bytes_be();
    let bits = (bytes.len() * 8) as u32;
    BoxedUint::from_be_slice(&bytes, bits).is_ok_and(|number| is_prime(flavor, &number))
}
