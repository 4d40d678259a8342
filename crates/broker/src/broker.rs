//! Starting and stopping: the broker runs on threads of its own, so that callers with and without a runtime can use it.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::Error;
use crate::server;
use crate::settings::Settings;
use crate::shared::Shared;

/// How long requests that are under way may take when the broker stops.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// A running broker. It stops, and all that it holds is gone, with [`Broker::stop`] or when it is dropped.
pub struct Broker {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Broker {
    /// Starts a broker and returns as soon as it accepts connections.
    ///
    /// # Errors
    /// When the address is not on loopback or is taken, when a limit is too small, or when there are no threads to be had.
    pub fn start(settings: Settings) -> Result<Self, Error> {
        check(&settings)?;
        let listen = settings.listen;
        let in_listening = |source| Error::Listen { listen, source };
        // On Unix the standard library sets SO_REUSEADDR, so a restart on the same port works at once.
        let listener = TcpListener::bind(listen).map_err(in_listening)?;
        listener.set_nonblocking(true).map_err(in_listening)?;
        let address = listener.local_addr().map_err(in_listening)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(settings.worker_threads)
            .thread_name("broker")
            .enable_all()
            .build()
            .map_err(|source| Error::Threads { source })?;
        let shared = Arc::new(Shared::new(settings, address));
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("broker-main".to_owned())
            .spawn(move || {
                runtime.block_on(server::serve(served, listener, stopped));
                runtime.shutdown_timeout(STOP_WITHIN);
            })
            .map_err(|source| Error::Threads { source })?;
        Ok(Self {
            address,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The address that the broker listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to put into a client's `bootstrap.servers`.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        self.address.to_string()
    }

    /// Bytes that all topics hold together, book-keeping included.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.shared.memory.used_bytes()
    }

    /// Stops the broker: connections close, threads end, the port is free.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the broker's main thread had panicked");
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Broker")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

fn check(settings: &Settings) -> Result<(), Error> {
    if !settings.listen.ip().is_loopback() {
        return Err(Error::NotLoopback {
            listen: settings.listen,
        });
    }
    let least = [
        ("memory_max_bytes", settings.memory_max_bytes, 1024 * 1024),
        ("connections_max", settings.connections_max, 1),
        ("request_max_bytes", settings.request_max_bytes, 1024),
        (
            "requests_in_flight_max_bytes",
            settings.requests_in_flight_max_bytes,
            settings.request_max_bytes,
        ),
        ("partitions_max", settings.partitions_max, 1),
        ("groups_max", settings.groups_max, 1),
        ("worker_threads", settings.worker_threads, 1),
    ];
    for (name, value, least) in least {
        if value < least {
            return Err(Error::Limit { name, value, least });
        }
    }
    Ok(())
}
