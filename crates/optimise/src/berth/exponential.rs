//! Draws from the exponential distribution for annealing, from basic arithmetic alone: the same on every machine.

/// How many quantiles.
const COUNT: usize = 1024;

/// -ln of the midpoints of 1024 equal parts of (0, 1).
pub(crate) fn quantiles() -> Vec<f64> {
    let midpoint = |n: usize| (n as f64 + 0.5) / COUNT as f64;
    (0..COUNT)
        .map(|n| -natural_logarithm(midpoint(n)))
        .collect()
}

/// ln(x) for 0 < x: halvings and the series 2 (y + y^3/3 + y^5/5 + ...) with y = (x - 1) / (x + 1).
fn natural_logarithm(x: f64) -> f64 {
    const LN_2: f64 = std::f64::consts::LN_2;
    let (mut x, mut halvings) = (x, 0.0);
    while x < 0.7 {
        x *= 2.0;
        halvings -= 1.0;
    }
    while x > 1.4 {
        x *= 0.5;
        halvings += 1.0;
    }
    let y = (x - 1.0) / (x + 1.0);
    let square = y * y;
    let (mut power, mut sum) = (y, 0.0);
    for n in 0..12 {
        sum += power / f64::from(2 * n + 1);
        power *= square;
    }
    2.0 * sum + halvings * LN_2
}

#[cfg(test)]
mod tests {
    #[test]
    fn logarithms_agree_with_the_platform() {
        for x in [1e-3, 0.2, 0.5, 0.9, 1.0, 1.7, 40.0] {
            assert!((super::natural_logarithm(x) - f64::ln(x)).abs() < 1e-12);
        }
    }
}
