//! Keeps other web sites from pressing the console's buttons.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
    img-src 'self' data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'";

/// Only this machine's own names are answered (a foreign name that resolves to loopback is an attack), and a change
/// comes from the console's own pages or from a tool, never from another site in the browser.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|sign| sign.is_ascii_digit()) => name,
        _ => host,
    };
    if !matches!(name, "" | "localhost" | "127.0.0.1" | "[::1]") {
        let words = "The console answers on localhost only.\n";
        return (StatusCode::MISDIRECTED_REQUEST, words).into_response();
    }
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok()).unwrap_or("none");
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && !matches!(site, "none" | "same-origin") {
        return (StatusCode::FORBIDDEN, "Another site may not press the console's buttons.\n").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
