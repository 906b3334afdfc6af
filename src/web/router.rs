//! Which address leads where.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

use super::state::App;
use super::{assets, desk, health, mandate, numbers, pay, receipt, security, webhooks};

/// All pages. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: the peer's address is a rate-limit key.
pub fn router(app: App) -> Router {
    let pages = Router::new()
        .route("/p/{token}", get(pay::open::before).post(pay::open::go_on))
        .route("/p/{token}/renew", get(pay::renew::told).post(pay::renew::by_token))
        .route("/pay/{link}", get(pay::page::page))
        .route("/pay/{link}/renew", get(pay::renew::told_visitor).post(pay::renew::by_visitor))
        .route("/pay/{link}/attempts", post(pay::attempt::begin))
        .route("/pay/{link}/attempts/{attempt}", get(pay::status::page))
        .route("/pay/{link}/attempts/{attempt}/check", post(pay::status::check))
        .route("/pay/{link}/attempts/{attempt}/return", get(pay::status::back))
        .route("/pay/{link}/bank/link", post(pay::bank::open))
        .route("/pay/{link}/bank/chosen", post(pay::bank::chosen))
        .route("/pay/{link}/bank/{bank}", get(pay::bank::review).post(pay::bank::authorise))
        .route("/agent/{token}", get(desk::open::before).post(desk::open::go_on))
        .route("/desk/{link}", get(desk::page::page).post(desk::charge::charge))
        .route("/desk/{link}/attempts/{attempt}", get(desk::charge::outcome).post(desk::charge::check))
        .route("/desk/{link}/card", get(desk::card::page).post(desk::card::typed))
        .route("/desk/{link}/send", get(desk::send::sent).post(desk::send::send))
        .route("/desk/{link}/account", get(desk::account::page).post(desk::account::entered))
        .route("/desk/{link}/account/{method}", get(desk::agree::read_out).post(desk::agree::agreed))
        .route("/desk/{link}/verifications/{id}", get(desk::verification::page).post(desk::verification::deposits))
        .route("/desk/{link}/verifications/{id}/stop", post(desk::verification::stop))
        .route("/desk/{link}/verifications/{id}/mail", post(desk::mail::again))
        .route("/m/{token}", get(mandate::open::before).post(mandate::open::go_on))
        .route("/mandate/{id}", get(mandate::page::page).post(mandate::press::deposits))
        .route("/mandate/{id}/agree", get(mandate::page::back).post(mandate::press::agree))
        .route("/mandate/{id}/decline", get(mandate::page::back).post(mandate::press::decline))
        .route("/bank/return", get(pay::bank::returned))
        .route("/pay/{link}/code", post(pay::code::send))
        .route("/pay/{link}/verify", get(pay::code::ask).post(pay::code::verify))
        .route("/pay/{link}/methods/remove", post(pay::code::remove))
        .route("/pay/{link}/receipts/{number}", get(receipt::pdf))
        .layer(from_fn_with_state(app.clone(), numbers::none_here))
        .layer(DefaultBodyLimit::max(16 * 1024))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(45)));
    Router::new()
        .merge(pages)
        .route("/webhooks/stripe", post(webhooks::stripe).layer(DefaultBodyLimit::max(1024 * 1024)))
        .route("/webhooks/plaid", post(webhooks::plaid).layer(DefaultBodyLimit::max(256 * 1024)))
        .route("/assets/{name}", get(assets::asset))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/robots.txt", get(|| async { "User-agent: *\nDisallow: /\n" }))
        .fallback(not_found)
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(app.clone(), security::headers))
        .layer(CompressionLayer::new())
        .with_state(app)
}

async fn not_found(State(app): State<App>) -> Response {
    pay::say(&app, &super::states::unknown(), None)
}
