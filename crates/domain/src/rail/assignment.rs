//! The bare problem under level 1: each item takes one of its options, options use capacities. Generalised assignment
//! with any number of resources a train; the form of the public sets.

/// One way for an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The train (agent), for display.
    pub train: usize,
    /// The price.
    pub cost: i64,
    /// (capacity row, use of it), rows ascending and distinct, uses at least 0.
    pub uses: Vec<(usize, i64)>,
}

/// The bare problem.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assignment {
    /// How many trains there are.
    pub trains: usize,
    /// The capacity of each row.
    pub capacities: Vec<i64>,
    /// The options of each item, at least one.
    pub items: Vec<Vec<Choice>>,
}

/// What is wrong with a choice of options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssignmentFault {
    /// The plan has another number of items.
    WrongLength {
        /// Items of the problem.
        items: usize,
        /// Entries of the plan.
        entries: usize,
    },
    /// An item has no such option.
    NoSuchOption {
        /// The item.
        item: usize,
        /// The option chosen.
        option: usize,
    },
    /// A capacity is exceeded.
    Overloaded {
        /// The capacity row.
        row: usize,
        /// What the chosen options use.
        used: i64,
        /// What there is.
        capacity: i64,
    },
}

impl std::fmt::Display for AssignmentFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AssignmentFault::WrongLength { items, entries } => {
                write!(f, "the plan has {entries} entries for {items} items")
            }
            AssignmentFault::NoSuchOption { item, option } => {
                write!(f, "item {item} has no option {option}")
            }
            AssignmentFault::Overloaded {
                row,
                used,
                capacity,
            } => write!(f, "row {row} uses {used} of {capacity}"),
        }
    }
}

/// Prices a choice (one option index an item), or lists every fault.
pub fn check(problem: &Assignment, chosen: &[usize]) -> Result<i64, Vec<AssignmentFault>> {
    if chosen.len() != problem.items.len() {
        return Err(vec![AssignmentFault::WrongLength {
            items: problem.items.len(),
            entries: chosen.len(),
        }]);
    }
    let mut faults = Vec::new();
    let mut used = vec![0_i64; problem.capacities.len()];
    let mut cost = 0;
    for (item, &option) in chosen.iter().enumerate() {
        let Some(choice) = problem.items[item].get(option) else {
            faults.push(AssignmentFault::NoSuchOption { item, option });
            continue;
        };
        cost += choice.cost;
        for &(row, amount) in &choice.uses {
            used[row] += amount;
        }
    }
    for (row, (&used, &capacity)) in used.iter().zip(&problem.capacities).enumerate() {
        if used > capacity {
            faults.push(AssignmentFault::Overloaded {
                row,
                used,
                capacity,
            });
        }
    }
    if faults.is_empty() {
        Ok(cost)
    } else {
        Err(faults)
    }
}
