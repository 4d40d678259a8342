//! Randomness that is the same on every machine: integers and the four basic float operations only.

/// xoshiro256++ (Blackman and Vigna 2019), seeded by splitmix64. Each part of the port has its own, so that a change in
/// one part leaves the others as they were.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    /// The generator of one part of the port.
    pub(crate) fn new(seed: u64, part: u64) -> Self {
        let mut mix = seed ^ part.wrapping_mul(0xd6e8_feb8_6659_fd93);
        let state = std::array::from_fn(|_| {
            mix = mix.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = mix;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        Random { state }
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// In `0..bound`; 0 if `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// An index of a list of `length`.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// In `low..=high`; `low` if they are the wrong way round.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).max(0) as u64;
        low + self.below(width + 1) as i64
    }

    /// True in `ppm` of a million cases.
    pub(crate) fn chance_ppm(&mut self, ppm: u32) -> bool {
        self.below(1_000_000) < u64::from(ppm)
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.chance_ppm(percent.saturating_mul(10_000))
    }

    /// One of a list that is not empty.
    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.index(list.len())]
    }

    /// The place in `weights` that is drawn in proportion to them.
    pub(crate) fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
        let mut rest = self.below(total);
        for (place, weight) in weights.iter().enumerate() {
            if rest < u64::from(*weight) {
                return place;
            }
            rest -= u64::from(*weight);
        }
        weights.len().saturating_sub(1)
    }

    /// Exponential with this mean: the time to the next of events that know nothing of each other. At most 20 means.
    pub(crate) fn exponential(&mut self, mean: i64) -> i64 {
        let bits = (self.next_u64() >> 11) + 1;
        // -ln(bits / 2^53), by halving down to [1, 2) and the series of the area tangent.
        let exponent = 63 - bits.leading_zeros();
        let mantissa = bits as f64 / (1u64 << exponent) as f64;
        let z = (mantissa - 1.0) / (mantissa + 1.0);
        let z2 = z * z;
        let mut power = z;
        let mut ln = 0.0;
        for k in 0..8 {
            ln += power / f64::from(2 * k + 1);
            power *= z2;
        }
        let ln = 2.0 * ln + f64::from(exponent) * std::f64::consts::LN_2;
        let x = 53.0 * std::f64::consts::LN_2 - ln;
        ((x * mean as f64) as i64).clamp(0, mean.saturating_mul(20))
    }

    /// Bell-shaped around 0 with this standard deviation, within 3.5 of it (the sum of four even draws).
    pub(crate) fn bell(&mut self, deviation: i64) -> i64 {
        let sum: u64 = (0..4).map(|_| self.next_u64() >> 40).sum();
        let even = sum as i64 - (2 << 24);
        // Four even draws of width 2^24 have a standard deviation of 2^24 / sqrt(3).
        ((i128::from(even) * i128::from(deviation) * 1_732_051) / (1_000_000 << 24)) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_means_that_they_should_have() {
        let mut random = Random::new(7, 1);
        let n = 200_000;
        let mean = (0..n).map(|_| random.exponential(1_000_000)).sum::<i64>() / n;
        assert!((990_000..1_010_000).contains(&mean), "{mean}");
        let draws: Vec<i64> = (0..n).map(|_| random.bell(1_000)).collect();
        let mean = draws.iter().sum::<i64>() / n;
        let variance = draws.iter().map(|d| d * d).sum::<i64>() / n;
        assert!(mean.abs() < 15, "{mean}");
        assert!((970_000..1_030_000).contains(&variance), "{variance}");
        let hits = (0..n).filter(|_| random.percent(30)).count();
        assert!((59_000..61_000).contains(&hits), "{hits}");
        let mut places = [0; 3];
        (0..n).for_each(|_| places[random.weighted(&[1, 0, 3])] += 1);
        assert_eq!(places[1], 0);
        assert!((48_500..51_500).contains(&places[0]), "{places:?}");
    }

    #[test]
    fn between_reaches_both_ends_and_nothing_else() {
        let mut random = Random::new(1, 2);
        let draws: Vec<i64> = (0..1000).map(|_| random.between(-2, 2)).collect();
        assert_eq!(draws.iter().min(), Some(&-2));
        assert_eq!(draws.iter().max(), Some(&2));
        assert_eq!(random.between(5, 4), 5);
    }
}
