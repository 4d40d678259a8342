//! SIGTERM and SIGINT: the first asks to stop, the second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pipeline::worker::Stop;
use tokio::signal::unix::{SignalKind, signal};

/// A request to stop, in the forms that the engine and the Kafka client look at.
#[derive(Debug, Clone, Default)]
pub struct StopRequest {
    /// For the engine.
    pub engine: Stop,
    /// For waits inside the Kafka client.
    pub client: Arc<AtomicBool>,
    asked: Arc<AtomicBool>,
}

impl StopRequest {
    /// Asks everything to stop.
    pub fn request(&self) {
        self.engine.request();
        self.client.store(true, Ordering::Relaxed);
    }

    /// Was it asked for?
    pub fn is_requested(&self) -> bool {
        self.engine.is_requested()
    }

    /// Did a signal ask for it?
    pub fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Listens for signals from a thread of its own.
    pub fn on_signals(&self) -> std::io::Result<()> {
        let stop = self.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(stop.listen()))?;
        Ok(())
    }

    async fn listen(self) {
        let (Ok(mut terminate), Ok(mut interrupt)) = (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        ) else {
            tracing::error!("cannot listen for signals: stop with SIGKILL, nothing is lost");
            return;
        };
        let mut count = 0;
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            count += 1;
            if count > 1 {
                tracing::warn!("asked to stop again: ending at once, the last commit is undone");
                std::process::exit(130);
            }
            tracing::info!("asked to stop: finishing the commit");
            self.asked.store(true, Ordering::Relaxed);
            self.request();
        }
    }
}
