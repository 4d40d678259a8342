//! Both planners over a simulated port, with the shipped inputs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use events::Message;
use events::v1::{BerthPlan, PlanDelta, RailSlotPlan};
use pipeline::memory::MemoryLog;
use pipeline::outcome::Tally;
use pipeline::plans::PlannerRun;
use pipeline::settings::Settings;
use windows::sql::parse::SqlFile;

use crate::fixture::{port, run, settings};

/// The shipped SQL files of one folder, named as the engine names them.
fn shipped(folder: &str) -> Vec<SqlFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/pipelines/duisburg");
    let entries = std::fs::read_dir(root.join(folder)).expect(folder);
    let mut paths: Vec<_> = entries.map(|entry| entry.expect(folder).path()).collect();
    paths.sort();
    let named = |path: &std::path::PathBuf| {
        let stem = path.file_stem().expect("a name").to_string_lossy();
        let name = match folder.strip_prefix("planners/") {
            Some(planner) => format!("{planner}/{stem}"),
            None => stem.into_owned(),
        };
        SqlFile::new(name, std::fs::read_to_string(path).expect("readable"))
    };
    paths.iter().map(named).collect()
}

fn planning(every_min: u64) -> Settings {
    let mut settings = settings(2, 1);
    settings.queries = shipped("tables");
    let planner = |inputs, iterations| PlannerRun {
        is_on: true,
        inputs,
        every: Duration::from_secs(60 * every_min),
        iterations,
        seed: 1,
    };
    settings.planners.berths = planner(shipped("planners/berths"), 300);
    settings.planners.rail = planner(shipped("planners/rail"), 2_000);
    settings
}

struct Plans {
    log: MemoryLog,
    tally: Arc<Tally>,
}

fn plans(hours: u32, rows_max: usize, abort_every: usize) -> Plans {
    let settings = planning(60);
    let (log, _) = port(5, hours, 12_000, &settings);
    let tally = run(&log, settings, rows_max, abort_every);
    Plans { log, tally }
}

type Bytes = (Option<Vec<u8>>, Option<Vec<u8>>);

impl Plans {
    /// Keys and values of a topic.
    fn bytes(&self, topic: &str) -> Vec<Bytes> {
        let records = self.log.records(topic).into_iter().flatten();
        records.map(|record| (record.key, record.value)).collect()
    }

    /// Every message of a topic with its key; none is a tombstone.
    fn messages<M: Message + Default>(&self, topic: &str) -> Vec<(String, Option<M>)> {
        let read = |(key, value): Bytes| {
            let key = String::from_utf8(key.expect("a key")).expect("a text");
            (
                key,
                value.map(|value| M::decode(value.as_slice()).expect("a message")),
            )
        };
        self.bytes(topic).into_iter().map(read).collect()
    }

    fn deltas(&self) -> Vec<PlanDelta> {
        let deltas = self.messages::<PlanDelta>("plan-deltas");
        deltas
            .into_iter()
            .map(|(_, delta)| delta.expect("no tombstone"))
            .collect()
    }
}

#[test]
fn both_planners_publish_plans_with_bounds() {
    let plans = plans(8, 3_000, 0);
    assert_eq!(plans.tally.failures(), Vec::<String>::new());
    let deltas = plans.deltas();
    for planner in ["berths", "rail"] {
        let of: Vec<&PlanDelta> = deltas
            .iter()
            .filter(|delta| delta.planner == planner)
            .collect();
        assert!(of.len() >= 7, "{} plans of {planner}", of.len());
        assert!(
            of.iter()
                .map(|delta| delta.plan_seq)
                .eq(1..=of.len() as u64)
        );
        for delta in &of {
            println!(
                "{planner} {} value {} bound {} assigned {} unassigned {} changes {}",
                delta.plan_seq,
                delta.value,
                delta.bound,
                delta.assigned,
                delta.unassigned,
                delta.changes.len()
            );
            assert!(delta.bound <= delta.value && delta.bound >= 0, "{delta:?}");
        }
        let last = of[of.len() - 1];
        assert!(last.assigned > 10, "{planner} assigns {}", last.assigned);
    }
    for (key, plan) in plans.messages::<BerthPlan>("berth-plan") {
        if let Some(plan) = plan {
            if !plan.is_assigned {
                println!(
                    "{key} {} {} {}",
                    plan.plan_seq, plan.reason, plan.terminal_id
                );
            }
        }
    }
    let mut reasons = BTreeMap::new();
    for (_, plan) in plans.messages::<RailSlotPlan>("rail-plan") {
        if let Some(plan) = plan {
            *reasons.entry((plan.is_assigned, plan.reason)).or_insert(0) += 1;
        }
    }
    println!("{reasons:?}");
}
