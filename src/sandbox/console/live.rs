//! News for open pages: each notice of the org and each new mail, as server-sent events. They carry no data: the page
//! reads again what it shows.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use tokio::sync::watch;

use super::World;

const CHANNEL: &str = "/event/Payment_Notice__e";
/// Before the org is asked again after it hung up.
const PAUSE: Duration = Duration::from_secs(2);

struct Feed {
    world: Arc<World>,
    notices: Option<reqwest::Response>,
    mails: watch::Receiver<u64>,
}

pub(super) async fn stream(State(world): State<Arc<World>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let feed = Feed { notices: None, mails: world.mailbox.watch(), world };
    let stream = futures_util::stream::unfold(feed, |mut feed| async move {
        let news = feed.next().await;
        Some((Ok(Event::default().event(news).data("")), feed))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

impl Feed {
    async fn next(&mut self) -> &'static str {
        loop {
            tokio::select! {
                // The mailbox is held by the world, so its end does not come before ours.
                _ = self.mails.changed() => return "mail",
                noticed = notice(&self.world, &mut self.notices) => if noticed { return "notice" },
            }
        }
    }
}

/// Waits for the next notice. False when the org hung up; the caller asks again.
async fn notice(world: &World, open: &mut Option<reqwest::Response>) -> bool {
    let Some(stream) = open else {
        let url = format!("{}/_sandbox/events", world.instance_url);
        let asked = world
            .http
            .get(url)
            .query(&[("channel", CHANNEL), ("replay", "-1")])
            .bearer_auth(&world.clerk_token)
            .timeout(Duration::from_secs(24 * 3600))
            .send()
            .await;
        match asked {
            Ok(answer) if answer.status().is_success() => *open = Some(answer),
            _ => tokio::time::sleep(PAUSE).await,
        }
        return false;
    };
    match stream.chunk().await {
        // A comment keeps the line open and is no news.
        Ok(Some(chunk)) => chunk.windows(5).any(|part| part == b"data:"),
        Ok(None) | Err(_) => {
            *open = None;
            tokio::time::sleep(PAUSE).await;
            false
        }
    }
}
