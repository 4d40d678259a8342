//! The stage of a bounded run: a broker, its topics, a simulated port in them, and the processor over them to their end.
//! The demo and the end-to-end tests set it up alike.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::Broker;
use kafka::admin::Admin;
use kafka::feed::Feeder;
use pipeline::outcome::Tally;
use pipeline::settings::Bounded;
use portsim::{Simulation, Truth};

use crate::cli::CliError;
use crate::config::Config;
use crate::wiring::clock::process_cpu_s;
use crate::wiring::feed;
use crate::wiring::processor::Processor;
use crate::wiring::signals::StopRequest;

/// From one snapshot to the next in a run without an end: soon, because they let the log in memory be trimmed.
const FOREVER_SNAPSHOTS: Duration = Duration::from_secs(20);

/// Memory of the embedded broker, bytes.
const BROKER_BYTES: usize = 512 * 1024 * 1024;

/// A cluster with the topics of a configuration in it.
pub struct Scene {
    /// The configuration, with the cluster's address in it.
    pub config: Config,
    /// Where the records are.
    pub broker: Option<Broker>,
}

/// What producing came to.
pub struct Produced {
    /// The simulator's own counts.
    pub truth: Truth,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// What processing came to.
pub struct Processed {
    /// The processor's own counts.
    pub tally: Arc<Tally>,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Processor seconds of the process, the embedded broker's among them.
    pub cpu_s: f64,
}

impl Scene {
    /// As [`Scene::embedded`], for a run without an end: what is oldest in a topic goes when its share of the memory is full.
    pub fn embedded_for_ever(config: Config) -> Result<Scene, CliError> {
        Scene::embedded(Scene::for_ever(config))
    }

    /// The configuration of a run without an end: topics that a broker in memory can hold.
    pub fn for_ever(mut config: Config) -> Config {
        let partitions: usize = config.topics.iter().map(|topic| topic.partitions).sum();
        let share = BROKER_BYTES / 2 / partitions.max(1);
        // What is left of the engine's own topics is all needed: the engine itself trims what it can.
        let own = config.engine.topics.clone();
        let own = [own.partials, own.snapshots, own.intake_state];
        let is_own = |name: &str| own.iter().any(|own| **own == *name);
        config.engine.snapshots.interval = FOREVER_SNAPSHOTS;
        for topic in &mut config.topics {
            if is_own(&topic.name) {
                continue;
            }
            let bound = ("retention.bytes".to_owned(), share.to_string());
            topic.settings.push(bound);
        }
        config
    }

    /// The embedded broker on a free port of loopback, with all topics.
    pub fn embedded(config: Config) -> Result<Scene, CliError> {
        Scene::embedded_with(config, broker::Settings::default())
    }

    /// As [`Scene::embedded`], with settings for the broker; its memory is the scene's.
    pub fn embedded_with(
        mut config: Config,
        settings: broker::Settings,
    ) -> Result<Scene, CliError> {
        let broker = Broker::start(broker::Settings {
            memory_max_bytes: BROKER_BYTES,
            ..settings
        })?;
        config.kafka.bootstrap = broker.bootstrap();
        Scene {
            config,
            broker: Some(broker),
        }
        .with_topics()
    }

    /// A Kafka that runs already. All topics and groups get `prefix`, so that nothing of an earlier run is read.
    pub fn at(mut config: Config, bootstrap: &str, prefix: &str) -> Result<Scene, CliError> {
        config.kafka.bootstrap = bootstrap.to_owned();
        rename(&mut config, prefix);
        Scene {
            config,
            broker: None,
        }
        .with_topics()
    }

    fn with_topics(mut self) -> Result<Scene, CliError> {
        // Simulated records carry simulated timestamps: no retention by time, and none may be too new. What the engine
        // keeps of its state is compacted as it is anywhere.
        let topics = &self.config.engine.topics;
        let state = [topics.snapshots.clone(), topics.intake_state.clone()];
        for topic in &mut self.config.topics {
            if state.iter().any(|state| **state == *topic.name) {
                continue;
            }
            for (key, value) in &mut topic.settings {
                match key.as_str() {
                    "retention.ms" => "-1".clone_into(value),
                    "cleanup.policy" => "delete".clone_into(value),
                    _ => {}
                }
            }
        }
        let admin = Admin::connect(&self.config.kafka, Duration::from_secs(15))?;
        admin.ensure(&self.config.topics)?;
        Ok(self)
    }

    /// Writes the simulated port.
    pub fn produce(
        &self,
        settings: portsim::Settings,
        pace: feed::Pace,
        stop: &StopRequest,
        look: impl FnMut(u64, i64),
    ) -> Result<Produced, CliError> {
        let began = Instant::now();
        let settings = portsim::Settings {
            partitions: feed::partitions(&self.config),
            ..settings
        };
        let mut simulation = Simulation::new(settings)?;
        let mut feeder = Feeder::connect(
            &self.config.kafka,
            self.config.engine.record_bytes_max,
            self.config.patience,
        )?;
        feed::simulation(
            &mut simulation,
            &mut feeder,
            &feed::topics(&self.config),
            pace,
            stop,
            look,
        )?;
        Ok(Produced {
            truth: simulation.truth().clone(),
            seconds: began.elapsed().as_secs_f64(),
        })
    }

    /// Runs the processor to the end of all input.
    pub fn process(
        &self,
        stop: &StopRequest,
        look: impl FnMut(&Tally),
    ) -> Result<Processed, CliError> {
        let mut config = self.config.clone();
        config.engine.bounded = Bounded::UntilEnd;
        let (began, cpu_s) = (Instant::now(), process_cpu_s());
        let processor = Processor::start(&config, stop)
            .map_err(CliError::system("cannot start the workers' threads"))?;
        let tally = processor.wait(Duration::from_millis(500), look)?;
        Ok(Processed {
            tally,
            seconds: began.elapsed().as_secs_f64(),
            cpu_s: process_cpu_s() - cpu_s,
        })
    }
}

fn rename(config: &mut Config, prefix: &str) {
    let named = |name: &str| format!("{prefix}{name}");
    config.application = named(&config.application);
    for topic in &mut config.topics {
        topic.name = named(&topic.name);
    }
    config.messages = config
        .messages
        .iter()
        .map(|(topic, message)| (named(topic), *message))
        .collect();
    for input in &mut config.engine.inputs {
        input.topic = named(&input.topic).into();
    }
    let topics = &mut config.engine.topics;
    for topic in [
        &mut topics.partials,
        &mut topics.intake_state,
        &mut topics.snapshots,
        &mut topics.rejects,
        &mut topics.berth_plan,
        &mut topics.rail_plan,
        &mut topics.plan_deltas,
        &mut topics.plan_explanations,
        &mut topics.train_loads,
    ] {
        *topic = named(topic).into();
    }
    for topic in topics.sinks.values_mut() {
        *topic = named(topic).into();
    }
}
