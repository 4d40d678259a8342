//! The door: accepts connections up to the limit, and tends to the timers.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

use crate::connection;
use crate::shared::Shared;

/// Serves until `stopped` says so; then all connections close.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    listener: TcpListener,
    stopped: oneshot::Receiver<()>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the embedded broker cannot accept connections");
            return;
        }
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(Arc::clone(&shared).tend());
    let places = Arc::new(Semaphore::new(shared.settings.connections_max));
    tokio::select! {
        () = accept(&shared, &listener, &places, &mut tasks) => {}
        _ = stopped => {}
    }
    tasks.shutdown().await;
}

async fn accept(
    shared: &Arc<Shared>,
    listener: &tokio::net::TcpListener,
    places: &Arc<Semaphore>,
    tasks: &mut JoinSet<()>,
) {
    loop {
        while tasks.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Ok(place) = Arc::clone(places).try_acquire_owned() else {
                    tracing::warn!(%peer, connections_max = shared.settings.connections_max, "too many connections: refused");
                    continue;
                };
                let shared = Arc::clone(shared);
                tasks.spawn(async move {
                    connection::serve(shared, stream, peer).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
