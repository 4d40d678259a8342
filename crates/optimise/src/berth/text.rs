//! Reads the plain text form of the public berth instances: `n m`, arrivals, berth openings, handling times by ship and
//! berth (99999 forbids), berth closings, latest departures. Numbers stand in any number of lines; what follows is ignored.

use domain::berth::{Berth, BerthProblem, Call, Handling, Interval};

/// From here on a handling time forbids the berth.
const FORBIDDEN_FROM: i64 = 99_999;
/// Price of leaving a ship out: the public problem does not allow it.
const UNASSIGNED_PRICE: i64 = 1_000_000;
/// Most ships or berths in a file.
const COUNT_MAX: i64 = 5_000;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextError {
    /// Line, from 1.
    pub line: usize,
    /// The field that was expected there.
    pub field: String,
    /// What is wrong and how to mend it.
    pub reason: String,
}

impl std::fmt::Display for TextError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, {}: {}", self.line, self.field, self.reason)
    }
}

impl std::error::Error for TextError {}

/// Reads an instance. Minutes in the problem are the file's time units.
pub fn read(text: &str) -> Result<BerthProblem, TextError> {
    let mut numbers = Numbers::new(text);
    let ships = numbers.next("number of ships", 1, COUNT_MAX)? as usize;
    let berths = numbers.next("number of berths", 1, COUNT_MAX)? as usize;
    let mut row = |name: &str, of: &str, count: usize| -> Result<Vec<i64>, TextError> {
        (1..=count)
            .map(|n| numbers.next(&format!("{name} {of} {n}"), 0, 1_000_000))
            .collect()
    };
    let arrivals = row("arrival", "of ship", ships)?;
    let opens = row("opening", "of berth", berths)?;
    let mut handling = Vec::with_capacity(ships);
    for ship in 1..=ships {
        handling.push(row(
            &format!("handling time of ship {ship}"),
            "at berth",
            berths,
        )?);
    }
    let closes = row("closing", "of berth", berths)?;
    let latest = row("latest departure", "of ship", ships)?;
    let berth = |(n, (open, close)): (usize, (&i64, &i64))| Berth {
        id: format!("{}", n + 1),
        terminal: n,
        quay: n,
        to_m: 1,
        open: vec![Interval::new(*open, *close)],
        ..Berth::default()
    };
    let call = |n: usize| Call {
        id: format!("{}", n + 1),
        length_m: 1,
        arrival_min: arrivals[n],
        release_min: arrivals[n],
        handling: handling[n]
            .iter()
            .map(|minutes| handling_of(*minutes))
            .collect(),
        latest_departure_min: Some(latest[n]),
        cost_per_min: 1,
        unassigned_price: UNASSIGNED_PRICE,
        ..Call::default()
    };
    for (n, (open, close)) in opens.iter().zip(&closes).enumerate() {
        if open >= close {
            let field = format!("closing of berth {}", n + 1);
            let reason = format!("is {close}, the berth opens at {open}: close it later");
            return Err(TextError {
                line: numbers.line,
                field,
                reason,
            });
        }
    }
    Ok(BerthProblem {
        time_step_min: 1,
        horizon_end_min: closes.iter().copied().max().unwrap_or(0),
        berths: opens.iter().zip(&closes).enumerate().map(berth).collect(),
        calls: (0..ships).map(call).collect(),
        ..BerthProblem::default()
    })
}

fn handling_of(minutes: i64) -> Handling {
    if (1..FORBIDDEN_FROM).contains(&minutes) {
        Handling::Minutes(minutes)
    } else {
        Handling::Forbidden
    }
}

/// The file's numbers with their lines.
struct Numbers<'a> {
    words: Box<dyn Iterator<Item = (usize, &'a str)> + 'a>,
    line: usize,
}

impl<'a> Numbers<'a> {
    fn new(text: &'a str) -> Self {
        let lines = text.lines().enumerate();
        let words =
            lines.flat_map(|(n, line)| line.split_whitespace().map(move |word| (n + 1, word)));
        Numbers {
            words: Box::new(words),
            line: 1,
        }
    }

    fn next(&mut self, field: &str, from: i64, to: i64) -> Result<i64, TextError> {
        let error = |line, reason| TextError {
            line,
            field: field.to_owned(),
            reason,
        };
        let Some((line, word)) = self.words.next() else {
            return Err(error(
                self.line,
                "the file ends before it, add it".to_owned(),
            ));
        };
        self.line = line;
        match word.parse::<i64>() {
            Ok(number) if (from..=to).contains(&number) => Ok(number),
            Ok(number) => Err(error(line, format!("is {number}, give {from} to {to}"))),
            Err(_) => Err(error(line, format!("is '{word}', give a whole number"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: &str = "2 1\n3 5\n4\n10\n20\n100\n100 100\n7 7 7";

    #[test]
    fn reads_the_fields_in_order() {
        let problem = read(TINY).expect("a good file");
        assert_eq!(problem.calls[1].arrival_min, 5);
        assert_eq!(problem.calls[1].handling, vec![Handling::Minutes(20)]);
        assert_eq!(problem.berths[0].open, vec![Interval::new(4, 100)]);
        assert_eq!(problem.calls[0].latest_departure_min, Some(100));
    }

    #[test]
    fn names_line_field_and_reason() {
        let bad = TINY.replace("20", "x20");
        let error = read(&bad).expect_err("a bad number");
        assert_eq!(
            error.to_string(),
            "line 5, handling time of ship 2 at berth 1: is 'x20', give a whole number"
        );
        let error = read("2 1\n3 5\n4").expect_err("too short");
        assert_eq!(
            (error.line, error.reason.as_str()),
            (3, "the file ends before it, add it")
        );
    }
}
