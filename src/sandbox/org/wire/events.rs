//! Events for browsers: what `lightning/empApi` gives a component, as server-sent events from the same bus.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use http::HeaderMap;
use serde_json::json;
use tokio::sync::watch;

use super::rest::{Refusal, parameters};
use super::shared::{Shared, no_session, refused};
use crate::sandbox::org::bus::{Bus, Door, ReplayId, Retained, Start};

/// One page's worth of events taken from the bus at a time.
const AT_ONCE: usize = 100;

/// `GET /_sandbox/events?channel=/event/X__e&replay=-1`: -1 what comes, -2 all that is stored, n after n.
pub(super) async fn stream(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let parameters = parameters(&query.unwrap_or_default());
    let Some(session) = shared.session_or_parameter(&headers, &parameters) else { return refused(&no_session()) };
    let channel = parameters.get("channel").cloned().unwrap_or_default();
    let event = channel.strip_prefix("/event/").unwrap_or_default().to_owned();
    let Some(news) = shared.bus.news(&channel).filter(|_| shared.org.object_access(&session.user, &event).read) else {
        return refused(&Refusal::new(404, "NOT_FOUND", format!("There is no channel {channel} for this user")));
    };
    // A browser that reconnects tells the last id that it saw.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let replay = last.or(parameters.get("replay").map(String::as_str)).unwrap_or("-1");
    let start = match replay.parse::<i64>() {
        Ok(-1) => Start::Latest,
        Ok(-2) => Start::Earliest,
        Ok(number) => Start::After(ReplayId::from_number(number.unsigned_abs())),
        Err(_) => return refused(&Refusal::bad("INVALID_INPUT", format!("replay {replay:?} is no number"))),
    };
    match shared.bus.position(&channel, start) {
        Ok(position) => {
            let feed = Feed { bus: Arc::clone(&shared.bus), channel, position, news, ready: VecDeque::new() };
            Sse::new(feed.stream()).keep_alive(KeepAlive::default()).into_response()
        }
        Err(error) => refused(&Refusal::bad("INVALID_REPLAY_ID", error.to_string())),
    }
}

struct Feed {
    bus: Arc<Bus>,
    channel: String,
    position: ReplayId,
    news: watch::Receiver<()>,
    ready: VecDeque<Arc<Retained>>,
}

impl Feed {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        futures_util::stream::unfold(self, |mut feed| async move {
            let event = feed.next().await?;
            Some((Ok(event), feed))
        })
    }

    /// The next event; `None` ends the stream, as an exhausted allowance does.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(retained) = self.ready.pop_front() {
                self.position = retained.replay;
                if self.bus.deliveries_left() == 0 {
                    return None;
                }
                if let Some(event) = self.message(&retained) {
                    self.bus.delivered(Door::Browser, 1);
                    return Some(event);
                }
            }
            self.news.mark_unchanged();
            self.ready = self.bus.after(&self.channel, self.position, AT_ONCE, usize::MAX).into();
            if self.ready.is_empty() {
                self.news.changed().await.ok()?;
            }
        }
    }

    /// What `empApi`'s callback gets. A payload that is not Avro of its schema is left out.
    fn message(&self, event: &Retained) -> Option<Event> {
        let payload = self.bus.schema(&event.schema_id)?.decode(&event.payload);
        let payload =
            payload.inspect_err(|error| tracing::warn!(%error, "an event can't be shown to browsers")).ok()?;
        let message = json!({
            "channel": self.channel,
            "data": {
                "schema": event.schema_id,
                "payload": payload,
                "event": {"replayId": event.replay.number(), "EventUuid": event.uuid},
            },
        });
        Event::default().id(event.replay.number().to_string()).json_data(message).ok()
    }
}
