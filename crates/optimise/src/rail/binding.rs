//! Rows that can bind: a row that another of the same options always fills faster never needs a price.

use std::collections::BTreeMap;

use super::active::Active;
use super::core::Core;

/// Rows that no other row dominates, ascending. Row `a` is dominated by `b` if every option in play that uses `a` takes a
/// part of `b` at least as large; of two that dominate each other the first stays. Every plan within the rows that are left
/// is within all, so the relaxation without the others is the same.
pub fn undominated(core: &Core, active: &Active) -> Vec<u32> {
    let rows = core.capacity().len();
    // For each row, the rows that have dominated it so far; none once it is known to be its own.
    let mut above: Vec<Option<BTreeMap<u32, bool>>> = vec![None; rows];
    let part = |amount: i64, row: u32| amount as f64 / core.capacity()[row as usize].max(1) as f64;
    for item in 0..core.items() {
        for &option in active.of(item) {
            let uses = core.uses(option as usize);
            for used in uses {
                if matches!(&above[used.row as usize], Some(known) if known.is_empty()) {
                    continue;
                }
                let mine = part(used.amount, used.row);
                let beats = |row: u32| {
                    let mut uses = uses.iter().filter(|other| other.row == row);
                    uses.next().map(|other| part(other.amount, row))
                };
                match &mut above[used.row as usize] {
                    Some(known) => known.retain(|&row, is_equal| {
                        let theirs = beats(row);
                        *is_equal &= theirs == Some(mine);
                        theirs.is_some_and(|theirs| theirs >= mine)
                    }),
                    none => {
                        let others = uses.iter().filter(|other| {
                            other.row != used.row && part(other.amount, other.row) >= mine
                        });
                        let is_equal = |row| beats(row) == Some(mine);
                        *none = Some(
                            others
                                .map(|other| (other.row, is_equal(other.row)))
                                .collect(),
                        );
                    }
                }
            }
        }
    }
    let is_free = |row: &u32| match &above[*row as usize] {
        // No option uses it.
        None => false,
        // Equal rows dominate each other: the lowest stays.
        Some(above) => above
            .iter()
            .all(|(&other, &is_equal)| is_equal && other > *row),
    };
    (0..rows as u32).filter(is_free).collect()
}

#[cfg(test)]
mod tests {
    use super::undominated;
    use crate::rail::active::Active;
    use crate::rail::core::{Core, Use};

    #[test]
    fn a_row_that_another_fills_faster_is_left_out() {
        // Metres run out before TEU here; tonnes are their own; nobody uses the last row.
        let mut core = Core::new(1, vec![100, 80, 50, 9], vec![0; 4]);
        for (teu, metres, tonnes) in [(4, 4, 1), (8, 7, 30), (9, 9, 2)] {
            core.push_item();
            core.push_option(0, &[], []);
            let amounts = [(0, teu), (1, metres), (2, tonnes)];
            let uses = amounts.map(|(row, amount)| Use { row, amount });
            core.push_option(1, &[0], uses);
        }
        assert_eq!(undominated(&core, &Active::new(&core)), [1, 2]);
    }

    #[test]
    fn of_equal_rows_one_stays() {
        let mut core = Core::new(1, vec![10, 20], vec![0; 2]);
        core.push_item();
        let uses = [(0, 3), (1, 6)].map(|(row, amount)| Use { row, amount });
        core.push_option(1, &[0], uses);
        assert_eq!(undominated(&core, &Active::new(&core)), [0]);
    }
}
