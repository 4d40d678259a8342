//! Commits of rows that may be taken back, and what is told after each.

use windows::merge::{Absorbed, Merge, MergeSettings, Reached};
use windows::sql::parse::SqlFile;
use windows::state::activity;
use windows::state::waiting::{self, FINGERPRINT, KEPT, TAKEN_BACK, TakenBack, place_name};

use crate::engine::compile;
use crate::telling::{absorb, fire};
use crate::text::{input, instant_us};

/// A commit of fold, and how far time has come with it.
#[derive(Default)]
pub struct Commit<'a> {
    /// Rows of sources that correct nothing.
    pub rows: &'a str,
    /// Rows that may be taken back.
    pub kept: &'a str,
    /// What is taken back: offset, and when it had been.
    pub back: &'a [(i64, &'a str)],
    /// The watermark behind it.
    pub watermark: &'a str,
    /// Nothing of before is taken back any more, where the source is ahead of the others; else that is so of the frontier.
    pub passed: Option<&'a str>,
}

/// Rows of a stream that all are in one partition of its topic.
fn absorb_kept(merge: &mut Merge, text: &str, back: &[(i64, &str)]) {
    let rows = input(text);
    let hours = activity::told(rows.values()).expect("told");
    merge.absorb(activity::NAME, activity::FINGERPRINT, &hours);
    let mut parts = Vec::new();
    for (table, rows) in rows {
        let name = format!("{KEPT}{}", place_name("container", &table));
        parts.push((name, rows));
    }
    let back = back.iter().map(|(offset, row_time)| TakenBack {
        partition: 0,
        offset: *offset,
        row_time_us: instant_us(row_time),
    });
    let back: Vec<TakenBack> = back.collect();
    if !back.is_empty() {
        let name = format!("{TAKEN_BACK}container");
        parts.push((name, waiting::told(&back).expect("told")));
    }
    for (name, rows) in parts {
        let absorbed = merge.absorb(&name, FINGERPRINT, &rows);
        let Absorbed::Kept(outcome) = absorbed else {
            panic!("{name}: {absorbed:?}");
        };
        assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
        assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    }
}

/// What is told after each commit, as `kind revision: cells`.
pub fn told(
    files: &[SqlFile],
    settings: &MergeSettings,
    commits: &[Commit<'_>],
) -> Vec<Vec<String>> {
    let fold = compile(files);
    let mut merge = Merge::new(compile(files), settings).expect("merge");
    let mut all = Vec::new();
    for commit in commits {
        absorb(&fold, &mut merge, &input(commit.rows));
        absorb_kept(&mut merge, commit.kept, commit.back);
        let frontier_us = instant_us(commit.watermark) - settings.correction_us;
        let passed_us = commit.passed.map_or(frontier_us, instant_us);
        let settled = merge.settle(Some(frontier_us), &|_, _, _| passed_us);
        let settled = settled.expect("settled");
        assert!(settled.refused.is_empty() && settled.failures.is_empty());
        all.push(fire(&mut merge, frontier_us));
        merge.pass(&Reached {
            frontier_us,
            begin_us: instant_us("00:00"),
            horizon_us: None,
        });
    }
    all
}

pub const HEAD: &str = "stream move_event\nrow_time | offset | equipment_id | teu_quarters\n";

/// Commits of moves that may be taken back: rows, what is taken back, the watermark.
pub type Moves<'a> = (&'a str, &'a [(i64, &'a str)], &'a str);

/// Moves alone.
pub fn check(
    files: &[SqlFile],
    settings: &MergeSettings,
    commits: &[Moves<'_>],
    expected: &[&[&str]],
) {
    let texts: Vec<String> = commits
        .iter()
        .map(|(rows, ..)| match rows.is_empty() {
            true => String::new(),
            false => format!("{HEAD}{rows}"),
        })
        .collect();
    let commits = commits.iter().zip(&texts);
    let commits = commits.map(|((_, back, watermark), kept)| Commit {
        kept,
        back,
        watermark,
        ..Commit::default()
    });
    let commits: Vec<Commit<'_>> = commits.collect();
    assert_eq!(told(files, settings, &commits), expected);
}
