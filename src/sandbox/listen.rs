//! The listening half that the stand-ins for Stripe and Plaid share: HTTP/1 on loopback, where an answer can be lost on
//! purpose.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Marks an answer that must not arrive: the connection is closed instead.
#[derive(Clone, Copy, Debug)]
pub struct HangUp;

pub async fn accept(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many open files, for one: others may close theirs in a moment.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| answer(router.clone(), request));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                // A client that goes away, and the answers that we refuse to give, both end here.
                _ = connection => {}
                () = shutdown.cancelled() => {}
            }
        });
    }
}

/// An answer, or the error that makes the server close the connection without one.
async fn answer(router: Router, request: hyper::Request<hyper::body::Incoming>) -> Result<Response, io::Error> {
    let request: Request = request.map(Body::new);
    let response = router.oneshot(request).await.unwrap_or_else(|never: Infallible| match never {});
    if response.extensions().get::<HangUp>().is_some() {
        return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the reply is lost on purpose"));
    }
    Ok(response)
}
