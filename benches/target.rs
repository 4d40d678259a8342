//! Ratios that a benchmark holds itself to. Both figures are of one run, measured side by side, so that a busy machine slows
//! both; times by themselves are only printed.

/// A ratio so many times its target is missed clearly.
const CLEARLY: f64 = 1.1;
/// The same in a run that is too short for figures: what is less may be noise.
const GROSSLY: f64 = 2.0;

/// What the ratios of one run were, against what they should be.
#[derive(Default)]
pub struct Targets {
    is_quick: bool,
    missed: Vec<String>,
}

impl Targets {
    /// Nothing is judged yet; `is_quick`: the run is too short for figures.
    pub fn new(is_quick: bool) -> Self {
        Targets {
            is_quick,
            missed: Vec::new(),
        }
    }

    /// Judges a ratio that should be `most` at most; what to print beside it.
    pub fn judge(&mut self, what: &str, ratio: f64, most: f64) -> String {
        let margin = if self.is_quick { GROSSLY } else { CLEARLY };
        // No number is no pass.
        if ratio.is_nan() || ratio > most * margin {
            let limit = most * margin;
            self.missed
                .push(format!("{what} is {ratio:.2}, above {limit:.2}"));
        }
        let word = if ratio <= most { "PASS" } else { "MISS" };
        format!("{word} (at most {most})")
    }

    /// Ends the program with an error if a target was missed clearly.
    pub fn end(self) {
        if !self.missed.is_empty() {
            eprintln!("missed clearly: {}", self.missed.join("; "));
            std::process::exit(1);
        }
    }
}

/// The middle one; of an even number the higher of the two.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
