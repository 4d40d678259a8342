//! Batches that come one after the other, and are added up now and then so that memory follows the keys and not the commits.
//!
//! Only the last ones are, and of those before them what is not much longer: so the batches that stay grow in size from the
//! last to the first, and a row is added up a number of times that grows with the logarithm of their number alone, however
//! many keys there are. A key stands in each of them once: at most [`RATIO`] / ([`RATIO`] - 1) rows a key, beside the last.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::error::ArrowError;

use super::held::batch_bytes;

/// So many batches of about one size are added up.
const BATCHES_MAX: usize = 32;
/// A batch is left alone that has more than so many times the rows of all behind it.
const RATIO: usize = 2;
/// Batches are put together up to this size: offsets within a column have 31 bits.
const BATCH_BYTES_MAX: usize = 1 << 30;

/// How many of the last batches should become one now, by the rows of each from the last to the first; often none.
pub(super) fn tail(rows: impl Iterator<Item = usize>) -> usize {
    let (mut batches, mut sum) = (0, 0);
    for rows in rows {
        if batches > 0 && rows > RATIO * sum {
            break;
        }
        batches += 1;
        sum += rows;
    }
    match batches > BATCHES_MAX {
        true => batches,
        false => 0,
    }
}

/// The rows of all batches, in order, in as few batches as can be.
pub(super) fn together(batches: Vec<RecordBatch>) -> Result<Vec<RecordBatch>, ArrowError> {
    if batches.len() < 2 {
        return Ok(batches);
    }
    let mut few: Vec<RecordBatch> = Vec::new();
    let mut run: Vec<RecordBatch> = Vec::new();
    let mut bytes = 0;
    for batch in batches {
        let more = batch_bytes(&batch);
        if bytes + more > BATCH_BYTES_MAX && !run.is_empty() {
            few.push(concat_batches(&run[0].schema(), &run)?);
            (bytes, run) = (0, Vec::new());
        }
        bytes += more;
        run.push(batch);
    }
    few.push(concat_batches(&run[0].schema(), &run)?);
    Ok(few)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Batches of so many rows come; `sum` says how many rows some become. Returns how many rows were added up.
    fn run(
        coming: impl Iterator<Item = usize>,
        sum: &dyn Fn(usize) -> usize,
    ) -> (Vec<usize>, usize) {
        let (mut rows, mut work) = (Vec::new(), 0);
        for batch in coming {
            rows.push(batch);
            let from = rows.len() - tail(rows.iter().rev().copied());
            if from < rows.len() {
                let added: usize = rows.drain(from..).sum();
                work += added;
                rows.push(sum(added));
            }
        }
        (rows, work)
    }

    #[test]
    fn rows_of_ever_new_keys_are_added_up_a_few_times_each() {
        for batches in [1_000, 10_000, 100_000] {
            let (rows, work) = run((0..batches).map(|_| 10), &|rows| rows);
            let all = 10 * batches;
            assert_eq!(rows.iter().sum::<usize>(), all);
            let doublings = batches.ilog2() as usize;
            assert!(work <= all * doublings, "{work} of {all}");
            assert!(rows.len() <= BATCHES_MAX * doublings, "{}", rows.len());
        }
    }

    #[test]
    fn rows_of_the_same_keys_do_not_heap_up() {
        let (rows, work) = run((0..10_000).map(|_| 50), &|rows| rows.min(50));
        assert!(rows.iter().sum::<usize>() <= 50 * (BATCHES_MAX + 1));
        assert!(work <= 10_000 * 2 * 50);
    }

    #[test]
    fn many_long_batches_wait_until_as_much_has_come_behind_them() {
        let restored = std::iter::repeat_n(8_192, 400);
        let (rows, _) = run(restored.chain(std::iter::repeat_n(1, 10_000)), &|rows| rows);
        assert!(rows.len() <= 4 * BATCHES_MAX, "{}", rows.len());
    }
}
