//! Targets that a benchmark holds itself to. A full run fails at every miss. One with `--test` is too short for figures: there
//! a ratio of two figures of the same run, which a busy machine slows alike, may be twice its target, and times and sizes are
//! only printed.

#![allow(dead_code)] // no benchmark needs all of it

/// A ratio so many times its target is missed also in a run that is too short for figures: what is less may be noise.
const GROSSLY: f64 = 2.0;

/// What one run was, against what it should be.
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
        let limit = if self.is_quick { most * GROSSLY } else { most };
        // No number is no pass.
        if ratio.is_nan() || ratio > limit {
            self.miss(format!("{what} is {ratio:.2}, above {limit:.2}"));
        }
        let word = if ratio <= most { "PASS" } else { "MISS" };
        format!("{word} (at most {most})")
    }

    /// Judges a time that should be less than `less_than_s`, seconds; what to print beside it.
    pub fn judge_time(&mut self, what: &str, time_s: f64, less_than_s: f64) -> String {
        let target = format!("less than {less_than_s} s");
        self.absolute(
            time_s < less_than_s,
            &format!("{what}: {time_s:.2} s"),
            &target,
        )
    }

    /// Judges a size that should be `least` at least; what to print beside it.
    pub fn judge_size(&mut self, what: &str, size: f64, least: f64) -> String {
        let target = format!("at least {least}");
        self.absolute(size >= least, &format!("{what}: {size}"), &target)
    }

    fn absolute(&mut self, is_met: bool, found: &str, target: &str) -> String {
        let word = match (is_met, self.is_quick) {
            (true, _) => "PASS",
            (false, true) => "not judged",
            (false, false) => {
                self.miss(format!("{found}, and should be {target}"));
                "MISS"
            }
        };
        format!("{word} ({target})")
    }

    /// Something is wrong, however long the run.
    pub fn miss(&mut self, fault: String) {
        self.missed.push(fault);
    }

    /// Ends the program with an error if a target was missed.
    pub fn end(self) {
        if !self.missed.is_empty() {
            eprintln!("missed: {}", self.missed.join("; "));
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
