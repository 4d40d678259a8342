//! Everything that is counted, in one place: each outcome goes to the metrics endpoint and to the [`Tally`] that progress
//! and summaries are printed from. `docs/METRICS.md` lists the names; a test compares.

mod memory;
mod names;

pub use names::METRICS;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use events::v1::RejectReason;
use metrics::{counter, gauge, histogram};

use crate::intake::rejects::reason_name;
use crate::log::Partition;

/// Counts of one stream.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct IntakeCounts {
    /// Records read.
    pub records: u64,
    /// Rows that count.
    pub accepted: u64,
    /// Exact copies.
    pub duplicates: u64,
    /// Heartbeats.
    pub heartbeats: u64,
    /// Of the rows that count, those in place of a version before.
    pub corrected: u64,
    /// Retractions.
    pub retracted: u64,
    /// Versions that came after a newer one.
    pub superseded: u64,
}

/// One planning run, for people.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanReport {
    /// Number of the plan.
    pub plan_seq: u64,
    /// Event time that it was made for, microseconds since 1970.
    pub planned_at_us: i64,
    /// Objects that have a place, and that have none.
    pub assigned: usize,
    /// Objects without a place.
    pub unassigned: usize,
    /// Objective, and its proven lower bound.
    pub value: i64,
    /// Lower bound.
    pub bound: i64,
    /// Iterations of the solver.
    pub iterations: u64,
    /// Rows that changed.
    pub changes: usize,
    /// Of these, rows that were planned before and are now planned elsewhere, at another time, or not at all.
    pub moved: usize,
    /// A trigger fired; else it was time for a plan.
    pub is_triggered: bool,
}

/// Running totals since the start of this process.
#[derive(Debug, Default)]
pub struct Tally {
    is_silent: bool,
    records: AtomicU64,
    accepted: AtomicU64,
    duplicates: AtomicU64,
    heartbeats: AtomicU64,
    corrected: AtomicU64,
    retracted: AtomicU64,
    superseded: AtomicU64,
    rows: AtomicU64,
    fold_commits: AtomicU64,
    merge_commits: AtomicU64,
    splits: AtomicU64,
    snapshots: AtomicU64,
    restores: AtomicU64,
    held: AtomicU64,
    frontier_us: AtomicI64,
    rejects: Mutex<BTreeMap<&'static str, u64>>,
    flagged: Mutex<BTreeMap<&'static str, u64>>,
    plans: Mutex<BTreeMap<&'static str, PlanReport>>,
    failures: Mutex<Vec<String>>,
    spilled: AtomicU64,
    spilled_ever: AtomicU64,
    pauses: AtomicU64,
    /// What merge holds, by query or table and partition.
    state: Mutex<BTreeMap<(String, i32), u64>>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes of snapshots are in the object store.
pub(crate) fn store_written(bytes: u64) {
    counter!("quaystream_store_written_bytes_total").increment(bytes);
}

/// The object store refused or did not answer.
pub(crate) fn store_failed(operation: &'static str) {
    counter!("quaystream_store_failures_total", "operation" => operation).increment(1);
}

impl Tally {
    /// Records of one stream were read.
    pub fn intake(&self, stream: &'static str, counts: IntakeCounts) {
        let add = |total: &AtomicU64, name: &'static str, count: u64| {
            if count > 0 {
                total.fetch_add(count, Ordering::Relaxed);
                counter!(name, "stream" => stream).increment(count);
            }
        };
        add(&self.records, "quaystream_records_total", counts.records);
        add(&self.accepted, "quaystream_accepted_total", counts.accepted);
        add(
            &self.duplicates,
            "quaystream_duplicates_total",
            counts.duplicates,
        );
        add(
            &self.heartbeats,
            "quaystream_heartbeats_total",
            counts.heartbeats,
        );
        add(
            &self.corrected,
            "quaystream_corrected_total",
            counts.corrected,
        );
        add(
            &self.retracted,
            "quaystream_retracted_total",
            counts.retracted,
        );
        add(
            &self.superseded,
            "quaystream_superseded_total",
            counts.superseded,
        );
    }

    /// Records were rejected.
    pub fn rejected(&self, reason: RejectReason, count: u64) {
        if self.is_silent {
            return;
        }
        let name = reason_name(reason);
        *locked(&self.rejects).entry(name).or_default() += count;
        counter!("quaystream_rejects_total", "reason" => name).increment(count);
    }

    /// Accepted rows are doubtful.
    pub fn flagged(&self, reason: &'static str, count: u64) {
        *locked(&self.flagged).entry(reason).or_default() += count;
        counter!("quaystream_flagged_total", "reason" => reason).increment(count);
    }

    /// Fold committed.
    pub fn fold_commit(&self, seconds: f64, partial_bytes: u64) {
        self.fold_commits.fetch_add(1, Ordering::Relaxed);
        counter!("quaystream_fold_commits_total").increment(1);
        histogram!("quaystream_fold_seconds").record(seconds);
        counter!("quaystream_partial_bytes_total").increment(partial_bytes);
    }

    /// Totals that go nowhere, for state that is built again from the log.
    pub fn silent() -> Self {
        Tally {
            is_silent: true,
            ..Tally::default()
        }
    }

    /// Merge committed.
    pub fn merge_commit(&self) {
        self.merge_commits.fetch_add(1, Ordering::Relaxed);
        counter!("quaystream_merge_commits_total").increment(1);
    }

    /// A commit of merge was full before all was told that a record brought.
    pub fn split(&self) {
        self.splits.fetch_add(1, Ordering::Relaxed);
        counter!("quaystream_merge_splits_total").increment(1);
    }

    /// Commits that were split off.
    pub fn splits(&self) -> u64 {
        self.splits.load(Ordering::Relaxed)
    }

    /// A snapshot of a partition of merge is whole.
    pub fn snapshot(&self, partition: i32, bytes: u64, seconds: f64) {
        self.snapshots.fetch_add(1, Ordering::Relaxed);
        let partition = partition.to_string();
        gauge!("quaystream_snapshot_bytes", "partition" => partition).set(bytes as f64);
        histogram!("quaystream_snapshot_seconds").record(seconds);
    }

    /// How old the newest snapshot of a partition of merge is.
    pub fn snapshot_age(&self, partition: i32, seconds: f64) {
        let partition = partition.to_string();
        gauge!("quaystream_snapshot_age_seconds", "partition" => partition).set(seconds);
    }

    /// The state of a partition of merge is there, from a snapshot that stands for all below `snapshot`, or from nothing
    /// (0).
    pub fn restored(&self, snapshot: i64, seconds: f64) {
        let is_from_snapshot = snapshot > 0;
        self.restores
            .fetch_add(u64::from(is_from_snapshot), Ordering::Relaxed);
        histogram!("quaystream_restore_seconds").record(seconds);
    }

    /// Fold knows the events of partitions that were assigned to it: so many, of those that are not yet late.
    pub fn taken_over(&self, events: usize, seconds: f64) {
        histogram!("quaystream_takeover_seconds").record(seconds);
        counter!("quaystream_takeover_events_total").increment(events as u64);
    }

    /// Snapshots that were written, and starts from one.
    pub fn snapshots(&self) -> (u64, u64) {
        (
            self.snapshots.load(Ordering::Relaxed),
            self.restores.load(Ordering::Relaxed),
        )
    }

    /// Merge computed what was due.
    pub fn merge_step(&self, seconds: f64, frontier_us: Option<i64>) {
        histogram!("quaystream_merge_seconds").record(seconds);
        if let Some(frontier_us) = frontier_us {
            self.frontier_us.fetch_max(frontier_us, Ordering::Relaxed);
            gauge!("quaystream_frontier_seconds").set(frontier_us as f64 / 1e6);
        }
    }

    /// Rows of a query left.
    pub fn rows(&self, query: &str, count: u64) {
        if self.is_silent {
            return;
        }
        self.rows.fetch_add(count, Ordering::Relaxed);
        counter!("quaystream_rows_total", "query" => query.to_owned()).increment(count);
    }

    /// Rows came for windows that are final.
    pub fn late_in_merge(&self, query: &str, count: u64) {
        if self.is_silent || count == 0 {
            return;
        }
        tracing::warn!(
            query,
            count,
            "rows for windows that are final: their source had been idle, or the query does not wait for it"
        );
        counter!("quaystream_late_in_merge_total", "query" => query.to_owned()).increment(count);
        self.rejected(RejectReason::LateInMerge, count);
    }

    /// So many records of so many were read for a backfill.
    pub fn backfilled(&self, partition: i32, read: i64, total: i64) {
        if !self.is_silent {
            let share = read as f64 / total.max(1) as f64;
            gauge!("quaystream_backfill_share", "partition" => partition.to_string()).set(share);
        }
    }

    /// Partials of a query or table that does not run here.
    pub fn passed_over(&self, query: &str, count: u64) {
        if !self.is_silent {
            counter!("quaystream_partials_passed_over_total", "query" => query.to_owned())
                .increment(count);
        }
    }

    /// Rows were refused because their query or table holds its largest number of keys.
    pub fn keys_refused(&self, query: &str, count: u64) {
        if self.is_silent || count == 0 {
            return;
        }
        tracing::warn!(
            query,
            count,
            "rows with new keys refused: the query or table is full, raise query_keys_max or table_keys_max"
        );
        counter!("quaystream_keys_refused_total", "query" => query.to_owned()).increment(count);
        self.rejected(RejectReason::KeyLimit, count);
    }

    /// A query stopped with the partials at an offset; the others go on.
    pub fn query_failed(
        &self,
        query: &str,
        error: &dyn std::error::Error,
        at: &Partition,
        offset: i64,
    ) {
        if self.is_silent {
            return;
        }
        tracing::error!(query, %error, partition = %at, offset, "query stopped; mend it and start again");
        locked(&self.failures).push(format!("{query}: {error}"));
        counter!("quaystream_query_failures_total", "query" => query.to_owned()).increment(1);
    }

    /// A tick of the clock was read; `is_new`: it was not applied before.
    pub fn tick(&self, at_us: i64, is_new: bool) {
        if self.is_silent {
            return;
        }
        let outcome = match is_new {
            true => "applied",
            false => "passed_over",
        };
        counter!("quaystream_ticks_total", "outcome" => outcome).increment(1);
        if is_new {
            gauge!("quaystream_tick_seconds").set(at_us as f64 / 1e6);
        }
    }

    /// Whether a query has stopped, in a partition of merge.
    pub fn query_stopped(&self, query: &str, partition: i32, has_stopped: bool) {
        let labels = [
            ("query", query.to_owned()),
            ("partition", partition.to_string()),
        ];
        gauge!("quaystream_query_stopped", &labels).set(f64::from(u8::from(has_stopped)));
    }

    /// A planner made a plan.
    pub fn planned(&self, planner: &'static str, report: PlanReport, seconds: f64) {
        if self.is_silent {
            return;
        }
        let cause = if report.is_triggered {
            "trigger"
        } else {
            "tick"
        };
        counter!("quaystream_plans_total", "planner" => planner, "cause" => cause).increment(1);
        let gap = if report.value == report.bound {
            0.0
        } else {
            (report.value - report.bound) as f64 / report.value.max(1) as f64
        };
        gauge!("quaystream_plan_gap_ratio", "planner" => planner).set(gap);
        histogram!("quaystream_plan_seconds", "planner" => planner).record(seconds);
        let count = |name: &'static str, count: u64| {
            counter!(name, "planner" => planner).increment(count);
        };
        count("quaystream_plan_iterations_total", report.iterations);
        count("quaystream_plan_changes_total", report.changes as u64);
        count("quaystream_plan_moved_total", report.moved as u64);
        gauge!("quaystream_plan_assigned", "planner" => planner).set(report.assigned as f64);
        gauge!("quaystream_plan_unassigned", "planner" => planner).set(report.unassigned as f64);
        locked(&self.plans).insert(planner, report);
    }

    /// What became of the records read.
    pub fn intake_counts(&self) -> IntakeCounts {
        IntakeCounts {
            records: self.records.load(Ordering::Relaxed),
            accepted: self.accepted.load(Ordering::Relaxed),
            duplicates: self.duplicates.load(Ordering::Relaxed),
            heartbeats: self.heartbeats.load(Ordering::Relaxed),
            corrected: self.corrected.load(Ordering::Relaxed),
            retracted: self.retracted.load(Ordering::Relaxed),
            superseded: self.superseded.load(Ordering::Relaxed),
        }
    }

    /// Rejects by reason.
    pub fn rejects(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.rejects).clone()
    }

    /// Flags by reason.
    pub fn flags(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.flagged).clone()
    }

    /// Last run of each planner.
    pub fn plans(&self) -> BTreeMap<&'static str, PlanReport> {
        locked(&self.plans).clone()
    }

    /// Queries that stopped, with the reason.
    pub fn failures(&self) -> Vec<String> {
        locked(&self.failures).clone()
    }

    /// Rows that left.
    pub fn rows_out(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Event time that all input has reached, microseconds since 1970; 0 before that.
    pub fn frontier_us(&self) -> i64 {
        self.frontier_us.load(Ordering::Relaxed)
    }

    /// Commits of fold and of merge.
    pub fn commits(&self) -> (u64, u64) {
        (
            self.fold_commits.load(Ordering::Relaxed),
            self.merge_commits.load(Ordering::Relaxed),
        )
    }
}
