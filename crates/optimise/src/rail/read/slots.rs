//! `n M R`; per train R capacities (the last train is roll-over); per container `k`, then k times `train cost` and R uses.

use domain::rail::assignment::{Assignment, Choice};

use super::tokens::Tokens;
use super::{MAX_ITEMS, MAX_OPTIONS, MAX_TRAINS, ReadError};

/// Reads containers and slots. Row `train * R + r` is capacity r of a train.
pub fn read(text: &str) -> Result<Assignment, ReadError> {
    let mut tokens = Tokens::new(text);
    let items = tokens.count(|| "number of containers".to_owned(), MAX_ITEMS)?;
    let trains = tokens.count(|| "number of trains".to_owned(), MAX_TRAINS)?;
    let resources = tokens.count(|| "number of capacities".to_owned(), 8)?;
    let mut problem = Assignment {
        trains,
        ..Assignment::default()
    };
    for row in 0..trains * resources {
        let field = || format!("capacity {} of train {}", row % resources, row / resources);
        problem.capacities.push(tokens.amount(field)?);
    }
    let mut total = 0;
    for item in 0..items {
        let options = tokens.count(|| format!("options of container {item}"), trains)?;
        total += options;
        if total > MAX_OPTIONS {
            return tokens.fault("options", format!("more than {MAX_OPTIONS} in all"));
        }
        let mut choices = Vec::with_capacity(options);
        for _ in 0..options {
            let train = tokens.number(
                || format!("train of container {item}"),
                0,
                trains as i64 - 1,
            )? as usize;
            let cost = tokens.amount(|| format!("cost of container {item} on train {train}"))?;
            let mut uses = Vec::with_capacity(resources);
            for resource in 0..resources {
                let field = || format!("use {resource} of container {item} on train {train}");
                uses.push((train * resources + resource, tokens.amount(field)?));
            }
            choices.push(Choice { train, cost, uses });
        }
        problem.items.push(choices);
    }
    tokens.end()?;
    Ok(problem)
}
