//! Headers that every page carries.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::state::{App, Settings};

/// Nothing inline, nothing but Stripe's own hosts beside ours, and Plaid's where customers pay by bank.
pub fn policy(settings: &Settings) -> String {
    let more = settings.stripe_hosts.iter().map(|host| format!(" {host}")).collect::<String>();
    let (script, hosts) = match &settings.banks {
        Some(banks) => (format!(" {}", banks.js_url), banks.hosts.iter().map(|host| format!(" {host}")).collect()),
        None => (String::new(), String::new()),
    };
    format!(
        "default-src 'none'; base-uri 'none'; object-src 'none'; form-action 'self'{more} https:; frame-ancestors 'none'; \
         script-src 'self' https://js.stripe.com https://*.js.stripe.com{more}{script}; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; manifest-src 'none'; \
         connect-src 'self' https://api.stripe.com{more}{hosts}; \
         frame-src 'self' https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com{more}{hosts}"
    )
}

/// Adds them to whatever a handler answers.
pub async fn headers(State(app): State<App>, request: Request, next: Next) -> Response {
    let asset = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if !headers.contains_key(&name)
            && let Ok(value) = HeaderValue::from_str(value)
        {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_SECURITY_POLICY, &app.csp);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(HeaderName::from_static("x-robots-tag"), "noindex, nofollow");
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(self \"https://js.stripe.com\")",
    );
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin-allow-popups");
    if app.payments().settings().public_url.starts_with("https:") {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    if !asset {
        set(header::CACHE_CONTROL, "no-store");
    }
    response
}
