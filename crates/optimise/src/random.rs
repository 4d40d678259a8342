//! The solvers' source of randomness: small, fast, and the same on every machine.

/// xoshiro256++ (Blackman and Vigna 2019), seeded by splitmix64.
#[derive(Debug, Clone)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// A generator whose whole sequence hangs on `seed`.
    pub fn new(seed: u64) -> Self {
        let mut mix = seed;
        let state = std::array::from_fn(|_| {
            mix = mix.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = mix;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        Random { state }
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
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

    /// A number in `0..bound`; 0 if `bound` is 0. The bias is below 2^-32 for bounds below 2^32 (Lemire 2019).
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }

    /// A number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// An exponential variate of mean 1, by arithmetic alone, so that it is the same on every machine: the integer part
    /// by halving, the fraction by the series of the logarithm.
    pub fn exponential(&mut self) -> f64 {
        let bits = self.next_u64() | 1;
        let halvings = bits.leading_zeros();
        // The rest in [1, 2).
        let mantissa = (bits << halvings) as f64 * (1.0 / (1_u64 << 63) as f64);
        let t = (mantissa - 1.0) / (mantissa + 1.0);
        let square = t * t;
        let series = 2.0 * t * (1.0 + square * (1.0 / 3.0 + square * (0.2 + square / 7.0)));
        (f64::from(halvings) + 1.0) * std::f64::consts::LN_2 - series
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn exponential_variates_have_mean_one() {
        let mut random = Random::new(3);
        let draws: Vec<f64> = (0..100_000).map(|_| random.exponential()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let above = draws.iter().filter(|draw| **draw > 1.0).count();
        assert!(draws.iter().all(|draw| *draw >= -1e-3));
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert!((above as f64 / 100_000.0 - 0.3679).abs() < 0.01, "{above}");
    }
}
