//! [`Ring`]: consistent hashing. A place that comes or goes moves the requests that are its own, and
//! few others.

/// Points on a circle, each of which belongs to a place.
#[derive(Debug, Default)]
pub(super) struct Ring {
    /// In their order.
    points: Vec<(u64, u32)>,
}

impl Ring {
    /// A ring for places with their names and weights, where the heaviest has a twentieth of `slots`
    /// points, and the others as many as they weigh less: so who comes and is no heavier changes nothing
    /// for the others.
    pub(super) fn new<'a>(
        slots: u32,
        places: impl Iterator<Item = (&'a str, u16)> + Clone,
    ) -> Self {
        let heaviest =
            places.clone().map(|(_, weight)| u64::from(weight)).max().unwrap_or_default();
        let most = u64::from(slots).div_ceil(20);
        let mut points = Vec::new();
        for (place, (name, weight)) in (0..).zip(places).filter(|(_, (_, weight))| *weight > 0) {
            let count = (most * u64::from(weight)).div_ceil(heaviest);
            points.extend((0..count).map(|number| (hash_of(name.as_bytes(), number), place)));
        }
        points.sort_unstable();
        Self { points }
    }

    /// The places on the way around the circle from `hash` on, each as often as it has points.
    pub(super) fn from(&self, hash: u64) -> impl Iterator<Item = usize> {
        let start = self.points.partition_point(|(point, _)| *point < hash);
        let (before, after) = self.points.split_at(start);
        after.iter().chain(before).map(|(_, place)| *place as usize)
    }
}

/// The point of what a request says.
pub(crate) fn hash(value: &[u8]) -> u64 {
    hash_of(value, 0)
}

/// FNV-1a, whose last bits are spread over all others: the same in all gateways and versions.
fn hash_of(bytes: &[u8], number: u64) -> u64 {
    const PRIME: u64 = 0x0100_0000_01b3;
    let number = number.to_le_bytes();
    let all = bytes.iter().chain(&number);
    let sum = all
        .fold(0xcbf2_9ce4_8422_2325, |sum: u64, byte| (sum ^ u64::from(*byte)).wrapping_mul(PRIME));
    let spread = (sum ^ (sum >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let spread = (spread ^ (spread >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    spread ^ (spread >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners(places: &[(&str, u16)]) -> Vec<String> {
        let ring = Ring::new(10_000, places.iter().copied());
        let owner = |key: u32| ring.from(hash(&key.to_le_bytes())).next().unwrap();
        (0..10_000).map(|key| places[owner(key)].0.to_owned()).collect()
    }

    fn share(owners: &[String], name: &str) -> usize {
        owners.iter().filter(|owner| *owner == name).count()
    }

    #[test]
    fn each_place_has_its_share() {
        let owners = owners(&[("a", 100), ("b", 100), ("c", 200), ("d", 0)]);
        for (name, expected) in [("a", 2500), ("b", 2500), ("c", 5000)] {
            let share = share(&owners, name);
            assert!(share.abs_diff(expected) < 500, "{name}: {share}");
        }
        assert_eq!(share(&owners, "d"), 0);
    }

    #[test]
    fn who_comes_takes_its_share_and_moves_no_others() {
        let before = owners(&[("a", 1), ("b", 1), ("c", 1)]);
        let after = owners(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]);
        let mut moved = before.iter().zip(&after).filter(|(old, new)| old != new && *new != "d");
        assert_eq!(moved.next(), None);
        assert!(share(&after, "d").abs_diff(2500) < 500);
    }

    #[test]
    fn every_place_is_on_the_way_around() {
        let ring = Ring::new(10, [("a", 1), ("b", 1)].into_iter());
        for hash in [0, u64::MAX / 2, u64::MAX] {
            let mut seen: Vec<_> = ring.from(hash).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, [0, 1]);
        }
    }
}
