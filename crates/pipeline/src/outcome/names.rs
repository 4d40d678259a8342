//! The metrics of the engine. What is counted under each name stands in the [`Tally`](super::Tally).

/// Names of all metrics of the engine, with their kind and unit.
pub const METRICS: [(&str, &str, &str); 49] = [
    (
        "quaystream_records_total",
        "counter",
        "input records read, by stream",
    ),
    (
        "quaystream_accepted_total",
        "counter",
        "rows that count, by stream",
    ),
    (
        "quaystream_duplicates_total",
        "counter",
        "exact copies, by stream",
    ),
    (
        "quaystream_heartbeats_total",
        "counter",
        "heartbeats of sources, by stream",
    ),
    (
        "quaystream_corrected_total",
        "counter",
        "accepted rows that count in place of a version before, by stream",
    ),
    (
        "quaystream_retracted_total",
        "counter",
        "retractions, by stream",
    ),
    (
        "quaystream_superseded_total",
        "counter",
        "versions that came after a newer one, by stream",
    ),
    (
        "quaystream_rejects_total",
        "counter",
        "records written to the reject topic, by reason; of late_in_merge and key_limit, where one of them points at many, rows",
    ),
    (
        "quaystream_flagged_total",
        "counter",
        "accepted rows with something doubtful, by reason",
    ),
    (
        "quaystream_fold_commits_total",
        "counter",
        "commits of the first stage",
    ),
    (
        "quaystream_fold_seconds",
        "histogram",
        "decode and partial aggregates of one commit, seconds",
    ),
    (
        "quaystream_partial_bytes_total",
        "counter",
        "bytes from fold to merge",
    ),
    (
        "quaystream_merge_commits_total",
        "counter",
        "commits of the second stage",
    ),
    (
        "quaystream_merge_splits_total",
        "counter",
        "commits of the second stage that hold a part of what a record brought",
    ),
    (
        "quaystream_merge_seconds",
        "histogram",
        "work of one step of merge, seconds",
    ),
    (
        "quaystream_snapshot_bytes",
        "gauge",
        "bytes of the last snapshot of merge, by partition",
    ),
    (
        "quaystream_snapshot_seconds",
        "histogram",
        "from taking a snapshot of merge to its last commit, seconds",
    ),
    (
        "quaystream_snapshot_age_seconds",
        "gauge",
        "since the state in the newest snapshot was taken, or since the start, by partition, seconds",
    ),
    (
        "quaystream_store_written_bytes_total",
        "counter",
        "bytes of snapshots written to the object store",
    ),
    (
        "quaystream_store_failures_total",
        "counter",
        "calls of the object store that failed, by operation (put, get, list, delete)",
    ),
    (
        "quaystream_takeover_seconds",
        "histogram",
        "from the assignment of partitions of fold to the state of their intake, seconds",
    ),
    (
        "quaystream_takeover_events_total",
        "counter",
        "events not yet late that fold knows again at its takeovers",
    ),
    (
        "quaystream_restore_seconds",
        "histogram",
        "from the assignment of a partition of merge to its state, seconds",
    ),
    (
        "quaystream_memory_bytes",
        "gauge",
        "what the engine holds in this process, by the formula of docs/CONFIGURATION.md",
    ),
    (
        "quaystream_ids_bytes",
        "gauge",
        "of that the ids of events that are not yet late, by which fold tells copies and corrections",
    ),
    ("quaystream_memory_bytes_max", "gauge", "the bound on it"),
    (
        "quaystream_state_bytes",
        "gauge",
        "what merge holds in memory, by query or table and partition",
    ),
    (
        "quaystream_spilled_bytes",
        "gauge",
        "rows of merge that are kept on disk",
    ),
    (
        "quaystream_spilled_bytes_total",
        "counter",
        "rows of merge that were written to disk",
    ),
    (
        "quaystream_paused",
        "gauge",
        "1 while a stage reads nothing for want of memory, by stage",
    ),
    (
        "quaystream_pauses_total",
        "counter",
        "pauses for want of memory, by stage",
    ),
    (
        "quaystream_frontier_seconds",
        "gauge",
        "event time that all input has reached, seconds since 1970",
    ),
    (
        "quaystream_rows_total",
        "counter",
        "rows that left, by query",
    ),
    (
        "quaystream_late_in_merge_total",
        "counter",
        "rows that some final window lacks, since they came too late for it, by query",
    ),
    (
        "quaystream_backfill_share",
        "gauge",
        "how much of the input of before a backfill has read, 0 to 1, by partition of merge",
    ),
    (
        "quaystream_partials_passed_over_total",
        "counter",
        "rows of partials of a query or table that merge does not run (yet, or any more), by name",
    ),
    (
        "quaystream_keys_refused_total",
        "counter",
        "rows with new keys beyond the bound, by query or table",
    ),
    (
        "quaystream_query_failures_total",
        "counter",
        "queries that stopped at an error, by query",
    ),
    (
        "quaystream_ticks_total",
        "counter",
        "ticks of the clock read, by outcome (applied, passed_over)",
    ),
    (
        "quaystream_tick_seconds",
        "gauge",
        "last tick of the clock, seconds since 1970",
    ),
    (
        "quaystream_query_stopped",
        "gauge",
        "1 where a query has stopped at an error, by query and partition",
    ),
    (
        "quaystream_plans_total",
        "counter",
        "planning runs, by planner and cause (tick, trigger)",
    ),
    (
        "quaystream_plan_gap_ratio",
        "gauge",
        "(value - bound) / value of the last plan, by planner",
    ),
    (
        "quaystream_plan_seconds",
        "histogram",
        "time of a planning run, from rows to records, seconds, by planner",
    ),
    (
        "quaystream_plan_iterations_total",
        "counter",
        "iterations of the solvers, by planner",
    ),
    (
        "quaystream_plan_changes_total",
        "counter",
        "rows of plans that changed, by planner",
    ),
    (
        "quaystream_plan_moved_total",
        "counter",
        "visits and units that a plan moved: planned before, and now elsewhere, at another time or not at all, by planner",
    ),
    (
        "quaystream_plan_assigned",
        "gauge",
        "visits and units with a place in the last plan, by planner",
    ),
    (
        "quaystream_plan_unassigned",
        "gauge",
        "visits and units without a place in the last plan, by planner",
    ),
];
