//! The package's own Lightning components on live data, for whoever has built them (`tests/lightning/build`): a shell,
//! its assets, and the calls of the components, each as one of the org's people with that person's rights.

use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::Stream;
use maud::{DOCTYPE, Markup, html};

use super::frame::{self, Place};
use super::world::{Desk, Problem};

/// The base components set styles on elements by script, and the design system's icons are data.
const POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; \
    img-src 'self' data:; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'";
/// How long one call of a component may take.
const LIMIT: Duration = Duration::from_secs(60);
const STREAM_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// Somebody of the org as whom the components can be used.
#[derive(Clone)]
pub struct Person {
    /// How addresses name this person: `clerk`.
    pub key: &'static str,
    pub token: String,
}

/// The built components and who may use them.
#[derive(Clone, Default)]
pub struct Lightning {
    /// Where `tests/lightning/build` put them.
    pub assets: PathBuf,
    pub people: Vec<Person>,
}

pub(super) async fn first() -> Redirect {
    Redirect::to("/lightning/clerk")
}

/// One shell for every page; the script in it reads the address.
pub(super) async fn shell(State(world): State<Arc<Desk>>, Path(path): Path<String>) -> Response {
    let who = path.split('/').next().unwrap_or_default();
    if !world.lightning.people.iter().any(|person| person.key == who) {
        return frame::missing().await;
    }
    if !world.lightning.assets.join("app.js").is_file() {
        let body = html! {
            h1 { "The components are not built" }
            p { "They need Node 20 or newer. Run " code { "tests/lightning/build" } " in the repository, then open this page again." }
            p { a href="/org/invoices" { "The plain console works without them" } }
        };
        return (StatusCode::NOT_FOUND, frame::page(Place::Org, "Not built", &body)).into_response();
    }
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], page()).into_response()
}

fn page() -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Lightning components – Quittance sandbox" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/lightning/assets/slds/styles/salesforce-lightning-design-system.min.css";
                link rel="stylesheet" href="/lightning/assets/page.css";
                script type="module" src="/lightning/assets/app.js" {}
            }
            body class="slds-scope" { main { p { "Loading" } } }
        }
    }
}

pub(super) async fn asset(State(world): State<Arc<Desk>>, Path(path): Path<String>) -> Response {
    let inside = FilePath::new(&path).components().all(|part| matches!(part, Component::Normal(_)));
    if !inside {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Ok(bytes) = tokio::fs::read(world.lightning.assets.join(&path)).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match FilePath::new(&path).extension().and_then(|extension| extension.to_str()) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    };
    ([(header::CONTENT_TYPE, kind)], bytes).into_response()
}

/// A component's call to Apex.
pub(super) async fn apex(
    State(world): State<Arc<Desk>>,
    Path((who, class, method)): Path<(String, String, String)>,
    body: Bytes,
) -> Response {
    let url = format!("{}/_sandbox/apex/{class}/{method}", world.outside.endpoints.salesforce.instance_url);
    let request = world.outside.http.post(url).body(body).header(header::CONTENT_TYPE, "application/json");
    pass(&world, &who, request.timeout(LIMIT)).await
}

/// A component's or the page's reading of records.
pub(super) async fn data(
    State(world): State<Arc<Desk>>,
    Path((who, path)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let request = world.outside.http.get(format!("{}{query}", world.rest(&path)));
    pass(&world, &who, request.timeout(LIMIT)).await
}

pub(super) async fn me(State(world): State<Arc<Desk>>, Path(who): Path<String>) -> Response {
    let url = format!("{}/_sandbox/me", world.outside.endpoints.salesforce.instance_url);
    pass(&world, &who, world.outside.http.get(url).timeout(LIMIT)).await
}

/// A component's subscription to an event channel.
pub(super) async fn events(
    State(world): State<Arc<Desk>>,
    Path(who): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let instance = &world.outside.endpoints.salesforce.instance_url;
    let url = format!("{instance}/_sandbox/events?{}", query.unwrap_or_default());
    let mut request = world.outside.http.get(url).timeout(STREAM_LIMIT);
    if let Some(last) = headers.get("last-event-id") {
        request = request.header("last-event-id", last);
    }
    pass(&world, &who, request).await
}

/// Hands a call on as this person, and the answer back as it comes: what the org says is what the component gets.
async fn pass(world: &Desk, who: &str, request: reqwest::RequestBuilder) -> Response {
    let Some(person) = world.lightning.people.iter().find(|person| person.key == who) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(answer) = request.bearer_auth(&person.token).send().await else {
        let silent = Problem::Silent { who: "The org" }.to_string();
        return (StatusCode::BAD_GATEWAY, axum::Json(serde_json::json!({ "message": silent }))).into_response();
    };
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
    let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    (status, [(header::CONTENT_TYPE, kind)], Body::from_stream(chunks(answer))).into_response()
}

/// As the answer comes: events stand in it one by one.
fn chunks(answer: reqwest::Response) -> impl Stream<Item = reqwest::Result<Bytes>> {
    futures_util::stream::try_unfold(answer, |mut answer| async move {
        Ok(answer.chunk().await?.map(|chunk| (chunk, answer)))
    })
}

/// A receipt or other file of a record, by its document.
pub(super) async fn file(State(world): State<Arc<Desk>>, Path(document): Path<String>) -> Response {
    if !document.chars().all(|sign| sign.is_ascii_alphanumeric()) {
        return frame::missing().await;
    }
    let soql = format!("SELECT LatestPublishedVersionId FROM ContentDocument WHERE Id = '{document}'");
    match world.query(&soql).await {
        Ok(rows) => match rows.first().and_then(|row| row["LatestPublishedVersionId"].as_str()) {
            Some(version) => Redirect::to(&format!("/org/file/{version}")).into_response(),
            None => frame::missing().await,
        },
        Err(problem) => frame::problem_page(Place::Org, &problem, "/org/payments"),
    }
}
