//! A dense symmetric factorisation, lower triangle, row by row.

/// A symmetric matrix and, after [`Cholesky::factor`], its factor.
#[derive(Debug)]
pub struct Cholesky {
    size: usize,
    lower: Vec<f64>,
    dropped: Vec<bool>,
}

impl Cholesky {
    /// A zero matrix.
    pub fn new(size: usize) -> Self {
        Cholesky {
            size,
            lower: vec![0.0; size * size],
            dropped: vec![false; size],
        }
    }

    /// Back to zero.
    pub fn clear(&mut self) {
        self.lower.fill(0.0);
    }

    /// Adds to an entry of the lower triangle (`row >= column`).
    pub fn add(&mut self, row: usize, column: usize, amount: f64) {
        self.lower[row * self.size + column] += amount;
    }

    /// Factors the matrix in place. Pivots that vanish beside their diagonal are dropped (their unknown becomes 0); false
    /// if a pivot is not a number.
    pub fn factor(&mut self) -> bool {
        let n = self.size;
        for row in 0..n {
            let (above, this) = self.lower.split_at_mut(row * n);
            let this = &mut this[..=row];
            for column in 0..row {
                let other = &above[column * n..column * n + column + 1];
                let sum = this[column] - dot(&this[..column], &other[..column]);
                this[column] = if self.dropped[column] {
                    0.0
                } else {
                    sum / other[column]
                };
            }
            let diagonal = this[row];
            let pivot = diagonal - dot(&this[..row], &this[..row]);
            if !pivot.is_finite() {
                return false;
            }
            self.dropped[row] = pivot <= 1e-13 * diagonal.abs();
            this[row] = if self.dropped[row] { 1.0 } else { pivot.sqrt() };
        }
        true
    }

    /// Solves for `right` in place.
    pub fn solve(&self, right: &mut [f64]) {
        let n = self.size;
        for row in 0..n {
            let sum = right[row] - dot(&self.lower[row * n..row * n + row], &right[..row]);
            right[row] = if self.dropped[row] {
                0.0
            } else {
                sum / self.lower[row * n + row]
            };
        }
        for row in (0..n).rev() {
            if self.dropped[row] {
                right[row] = 0.0;
                continue;
            }
            right[row] /= self.lower[row * n + row];
            let solved = right[row];
            let line = &self.lower[row * n..row * n + row];
            for (right, factor) in right[..row].iter_mut().zip(line) {
                *right -= factor * solved;
            }
        }
    }
}

/// Four sums at a time: the order is fixed, so the result is the same everywhere.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (fours_a, rest_a) = a.as_chunks::<4>();
    let (fours_b, rest_b) = b.as_chunks::<4>();
    for (a, b) in fours_a.iter().zip(fours_b) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums[0] + sums[1] + (sums[2] + sums[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::Cholesky;

    #[test]
    fn solves_a_small_system() {
        let mut matrix = Cholesky::new(3);
        for (row, line) in [[4.0, 0.0, 0.0], [2.0, 5.0, 0.0], [0.0, 3.0, 6.0]]
            .iter()
            .enumerate()
        {
            for (column, &value) in line[..=row].iter().enumerate() {
                matrix.add(row, column, value);
            }
        }
        assert!(matrix.factor());
        let mut right = [8.0, 21.0, 24.0];
        matrix.solve(&mut right);
        for (got, want) in right.iter().zip([1.0, 2.0, 3.0]) {
            assert!((got - want).abs() < 1e-12, "{right:?}");
        }
    }
}
