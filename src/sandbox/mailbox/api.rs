//! The mailbox over HTTP, for tests, tools and the console.
//!
//! `GET /api/messages` lists (`?after=ID`, `?to=ADDRESS`; `&wait=SECONDS` waits until there is something to list) ·
//! `DELETE /api/messages` · `GET /api/messages/{id}` · `…/raw` · `…/html` · `…/text` · `…/attachments/{n}` ·
//! `GET /api/events` (server-sent events, one for each new mail, its id as data).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::Stream;
use serde::{Deserialize, Serialize};

use super::{Mail, Mailbox};

/// Longest wait for a mail, in seconds.
const LONGEST_WAIT: u64 = 60;

/// To be mounted where the mailbox shall be found.
pub fn router(mailbox: Arc<Mailbox>) -> Router {
    Router::new()
        .route("/api/messages", get(list).delete(clear))
        .route("/api/events", get(events))
        .route("/api/messages/{id}", get(one))
        .route("/api/messages/{id}/raw", get(raw))
        .route("/api/messages/{id}/text", get(text))
        .route("/api/messages/{id}/html", get(html))
        .route("/api/messages/{id}/attachments/{nth}", get(attachment))
        .with_state(mailbox)
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    after: u64,
    to: Option<String>,
    #[serde(default)]
    wait: u64,
}

/// A line of the list.
#[derive(Serialize)]
struct Summary {
    #[serde(serialize_with = "super::reader::as_text")]
    id: u64,
    received_at: jiff::Timestamp,
    from: String,
    to: Vec<String>,
    envelope_to: Vec<String>,
    subject: String,
    message_id: Option<String>,
    attachments: usize,
    size: usize,
}

async fn list(State(mailbox): State<Arc<Mailbox>>, Query(wanted): Query<Wanted>) -> Json<Vec<Summary>> {
    let fits = |mail: &Mail| {
        wanted.to.as_ref().is_none_or(|address| mail.to.iter().any(|to| to.eq_ignore_ascii_case(address)))
    };
    let listed = || mailbox.since(wanted.after).into_iter().filter(fits).collect::<Vec<_>>();
    let mut mails = listed();
    if mails.is_empty() && wanted.wait > 0 {
        let arrival = async {
            let mut watch = mailbox.watch();
            loop {
                let found = listed();
                if !found.is_empty() || watch.changed().await.is_err() {
                    return found;
                }
            }
        };
        let limit = Duration::from_secs(wanted.wait.min(LONGEST_WAIT));
        mails = tokio::time::timeout(limit, arrival).await.unwrap_or_default();
    }
    Json(mails.iter().map(summary).collect())
}

fn summary(mail: &Mail) -> Summary {
    let opened = mail.open();
    Summary {
        id: opened.id,
        received_at: opened.received_at,
        from: opened.from,
        to: opened.to,
        envelope_to: opened.envelope_to,
        subject: opened.subject,
        message_id: opened.message_id,
        attachments: opened.attachments.len(),
        size: opened.size,
    }
}

async fn clear(State(mailbox): State<Arc<Mailbox>>) -> Response {
    match mailbox.clear() {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("the mails could not be thrown away: {error}\n"))
            .into_response(),
    }
}

async fn one(State(mailbox): State<Arc<Mailbox>>, Path(id): Path<u64>) -> Response {
    mailbox.get(id).map_or_else(missing, |mail| Json(mail.open()).into_response())
}

async fn raw(State(mailbox): State<Arc<Mailbox>>, Path(id): Path<u64>) -> Response {
    mailbox.get(id).map_or_else(missing, |mail| typed("text/plain; charset=utf-8", mail.raw))
}

async fn text(State(mailbox): State<Arc<Mailbox>>, Path(id): Path<u64>) -> Response {
    let text = mailbox.get(id).and_then(|mail| mail.open().text);
    text.map_or_else(missing, |text| typed("text/plain; charset=utf-8", text.into_bytes()))
}

/// The letter as the customer sees it. Scripts stay off and nothing is fetched, whatever the letter holds.
async fn html(State(mailbox): State<Arc<Mailbox>>, Path(id): Path<u64>) -> Response {
    const SAFE: (HeaderName, &str) = (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups allow-popups-to-escape-sandbox",
    );
    let html = mailbox.get(id).and_then(|mail| mail.open().html);
    html.map_or_else(missing, |html| {
        // Links open beside the console: the payment page refuses to stand in a frame.
        let html = html.replacen("<head>", "<head><base target=\"_blank\">", 1);
        ([SAFE], typed("text/html; charset=utf-8", html.into_bytes())).into_response()
    })
}

async fn attachment(State(mailbox): State<Arc<Mailbox>>, Path((id, nth)): Path<(u64, usize)>) -> Response {
    let file = mailbox.get(id).and_then(|mail| mail.open().attachments.into_iter().nth(nth));
    file.map_or_else(missing, |file| {
        // Only a PDF is shown in place: a web page from a mail would run as the console's own.
        let (kind, place) = match file.content_type.as_str() {
            "application/pdf" => ("application/pdf", "inline"),
            _ => ("application/octet-stream", "attachment"),
        };
        let name: String = file
            .name
            .chars()
            .map(|sign| if sign.is_ascii_alphanumeric() || "-_.".contains(sign) { sign } else { '_' })
            .collect();
        let place = [(header::CONTENT_DISPOSITION, format!("{place}; filename=\"{name}\""))];
        (place, typed(kind, file.bytes)).into_response()
    })
}

fn typed(kind: &'static str, bytes: Vec<u8>) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, Bytes::from(bytes)).into_response()
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, "there is no such mail\n").into_response()
}

async fn events(
    State(mailbox): State<Arc<Mailbox>>,
) -> Sse<impl Stream<Item = Result<Event, std::convert::Infallible>>> {
    let watch = mailbox.watch();
    // The mailbox goes along, so that its end is the server's and not the stream's.
    let stream = futures_util::stream::unfold((watch, mailbox), |(mut watch, mailbox)| async move {
        watch.changed().await.ok()?;
        let id = *watch.borrow_and_update();
        Some((Ok(Event::default().event("mail").data(id.to_string())), (watch, mailbox)))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
