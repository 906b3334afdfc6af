//! Serving until the daemon stops.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{App, router};

/// How long a stop waits for requests in hand.
const FINISHING: Duration = Duration::from_secs(12);

/// Serves the pages until `stop`; requests in hand are finished.
pub async fn serve(app: App, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let ended = stop.clone();
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move { ended.cancelled().await });
    tokio::select! {
        outcome = serving => outcome,
        () = async { stop.cancelled().await; tokio::time::sleep(FINISHING).await } => Ok(()),
    }
}
