//! Generalised assignment: `m n`, m rows of n costs, m rows of n weights, m capacities.

use domain::rail::assignment::{Assignment, Choice};

use super::tokens::Tokens;
use super::{MAX_ITEMS, MAX_OPTIONS, MAX_TRAINS, ReadError};

/// Reads agents and jobs; option k of a job is agent k, row k its capacity.
pub fn read(text: &str) -> Result<Assignment, ReadError> {
    let mut tokens = Tokens::new(text);
    let agents = tokens.count(|| "number of agents".to_owned(), MAX_TRAINS)?;
    let jobs = tokens.count(|| "number of jobs".to_owned(), MAX_ITEMS)?;
    if agents.saturating_mul(jobs) > MAX_OPTIONS {
        return tokens.fault("number of jobs", format!("more than {MAX_OPTIONS} pairs"));
    }
    let mut numbers = |what: &str| {
        let mut table = Vec::with_capacity(agents * jobs);
        for agent in 0..agents {
            for job in 0..jobs {
                table.push(tokens.amount(|| format!("{what} of job {job} at agent {agent}"))?);
            }
        }
        Ok(table)
    };
    let costs = numbers("cost")?;
    let weights = numbers("weight")?;
    let mut capacities = Vec::with_capacity(agents);
    for agent in 0..agents {
        capacities.push(tokens.amount(|| format!("capacity of agent {agent}"))?);
    }
    tokens.end()?;
    let choice = |agent: usize, job: usize| Choice {
        train: agent,
        cost: costs[agent * jobs + job],
        uses: vec![(agent, weights[agent * jobs + job])],
    };
    let choices = |job| (0..agents).map(|agent| choice(agent, job)).collect();
    Ok(Assignment {
        trains: agents,
        capacities,
        items: (0..jobs).map(choices).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::rail::read::slots;

    #[test]
    fn faults_name_line_field_and_reason() {
        let fault = |text| read(text).unwrap_err().to_string();
        assert_eq!(
            fault("1 2\n3 x\n"),
            "line 2, cost of job 1 at agent 0: \"x\" is not a whole number"
        );
        assert_eq!(
            fault("1 1\n3\n4\n"),
            "line 3, capacity of agent 0: the text ends here"
        );
        assert_eq!(
            fault("1 1\n3\n4\n5\n6"),
            "line 5, end: \"6\" follows the last number"
        );
        assert_eq!(
            slots::read("1 2 1\n5 9\n1 2 7 4\n")
                .unwrap_err()
                .to_string(),
            "line 3, train of container 0: 2 is not between 0 and 1"
        );
    }

    #[test]
    fn a_small_set_reads() {
        let problem = read("2 1\n3\n4\n5\n6\n7 8").unwrap();
        assert_eq!(problem.capacities, [7, 8]);
        assert_eq!(problem.items[0][1].cost, 4);
        assert_eq!(problem.items[0][1].uses, [(1, 6)]);
    }
}
