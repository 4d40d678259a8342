//! The simulated port through Kafka to outputs: counts against the simulator and against a recount, one windowed figure
//! recomputed, and the same bytes again on every run and every broker.

use std::cell::RefCell;

use quaystream::demo::outputs::Outputs;
use quaystream::demo::recount::Recount;
use quaystream::demo::scene::Scene;
use quaystream::wiring::feed::Pace;
use quaystream::wiring::signals::StopRequest;

use super::cluster;

fn hours(hours: u32, seed: u64) -> portsim::Settings {
    portsim::Settings {
        hours,
        seed,
        chatter_percent: 20,
        ..portsim::Settings::default()
    }
}

struct Ran {
    outputs: Outputs,
    recount: Recount,
}

fn run(scene: &Scene, settings: portsim::Settings) -> Ran {
    let stop = StopRequest::default();
    let produced = scene
        .produce(settings, Pace::default(), &stop, |_, _| {})
        .expect("produced");
    let processed = scene.process(&stop, |_| {}).expect("processed");
    let recount = Recount::read(&scene.config).expect("recounted");
    let outputs = Outputs::read(&scene.config).expect("outputs");
    let counts = processed.tally.intake_counts();
    assert_eq!(
        counts.records, produced.truth.records,
        "every record was read once"
    );
    assert_eq!(
        counts.duplicates,
        produced.truth.duplicates(),
        "every copy was found"
    );
    assert_eq!(counts.heartbeats, produced.truth.heartbeats());
    assert_eq!(
        recount.differences(&processed.tally, &outputs),
        Vec::<String>::new()
    );
    let rejects = processed.tally.rejects();
    let rejected: u64 = rejects.values().sum();
    assert_eq!(
        outputs.rejects.len() as u64,
        rejected,
        "every reject is in its topic: {rejects:?}"
    );
    assert_eq!(
        counts.accepted
            + counts.retracted
            + counts.duplicates
            + counts.superseded
            + counts.heartbeats
            + recount.late
            + recount.unusable,
        counts.records
    );
    assert_eq!(processed.tally.failures(), Vec::<String>::new());
    Ran { outputs, recount }
}

#[test]
fn the_simulated_port_gives_the_same_rows_and_plans_on_every_broker() {
    let digests = RefCell::new(Vec::new());
    cluster::on_each("the simulated port", "", |scene, place| {
        let ran = run(scene, hours(4, 7));
        assert!(ran.recount.gate_outs > 0, "{place}: no lorry left");
        let queries: Vec<String> = ran
            .outputs
            .final_rows()
            .keys()
            .map(|query| (*query).to_owned())
            .collect();
        assert!(
            queries.len() >= 8,
            "{place}: few queries gave rows: {queries:?}"
        );
        digests
            .borrow_mut()
            .push((place.to_owned(), ran.outputs.digest));
    });
    let again = Scene::embedded(cluster::config("")).expect("the embedded broker");
    digests
        .borrow_mut()
        .push(("again".to_owned(), run(&again, hours(4, 7)).outputs.digest));
    let digests = digests.into_inner();
    assert!(
        digests.iter().all(|(_, digest)| *digest == digests[0].1),
        "{digests:x?}"
    );
}

#[test]
fn more_workers_and_another_cut_into_commits_change_no_final_row() {
    let one = Scene::embedded(cluster::config("")).expect("the embedded broker");
    let settings = "[workers]\nfold = 2\n\n[delivery]\ncommit_interval_ms = 50\n";
    let two = Scene::embedded(cluster::config(settings)).expect("the embedded broker");
    let (one, two) = (run(&one, hours(2, 3)), run(&two, hours(2, 3)));
    assert_eq!(one.outputs.digest, two.outputs.digest);
}
