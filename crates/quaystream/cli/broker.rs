//! `quaystream broker`: the embedded broker on its own.

use std::net::SocketAddr;
use std::time::Duration;

use broker::Broker;
use clap::Args;

use super::{CliError, print};
use crate::wiring::logging;
use crate::wiring::signals::StopRequest;

/// `quaystream broker`
#[derive(Debug, Args)]
pub(super) struct BrokerArgs {
    /// Address on loopback; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9092")]
    listen: SocketAddr,
    /// Bytes that all topics may hold together, MiB
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    memory: usize,
}

pub(super) fn broker(args: &BrokerArgs) -> Result<(), CliError> {
    logging::start("info");
    let stop = StopRequest::default();
    stop.on_signals()
        .map_err(CliError::system("cannot listen for signals"))?;
    let settings = broker::Settings {
        listen: args.listen,
        memory_max_bytes: args.memory.saturating_mul(1024 * 1024),
        ..broker::Settings::default()
    };
    let broker = Broker::start(settings)?;
    print(format!("{}\n", broker.bootstrap()));
    tracing::info!("in memory, loopback only, nothing is kept: for production run Apache Kafka");
    while !stop.is_requested() {
        std::thread::sleep(Duration::from_millis(100));
    }
    broker.stop();
    Ok(())
}
