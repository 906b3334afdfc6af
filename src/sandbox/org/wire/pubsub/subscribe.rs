//! One subscription: the client says how many events it can take, and gets no more.

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tonic::{Status, Streaming};

use super::contract::{ConsumerEvent, FetchRequest, FetchResponse, ProducerEvent, ReplayPreset};
use super::refusal::{
    AUTH, AUTH_REFRESH, CANNOT_SUBSCRIBE, DELIVERY_LIMIT, REPLAY_CORRUPTED, REPLAY_MISSING, REQUESTED_INVALID, Refusal,
    TOPIC_EMPTY, TOPIC_MISMATCH, TOPIC_NOT_FOUND, broken,
};
use super::service::PubSub;
use crate::sandbox::org::bus::{Door, Error, ReplayId, Retained, Start};
use crate::sandbox::org::wire::oauth::Session;

/// More outstanding events than this are silently taken for this many.
const MOST_OUTSTANDING: i32 = 100;
/// A response is filled up to about here; clients take 4 MB unless told otherwise.
const RESPONSE_BYTES: usize = 3 << 20;

pub(super) struct Subscription {
    service: PubSub,
    session: Session,
    rpc_id: String,
    out: mpsc::Sender<Result<FetchResponse, Status>>,
    topic: String,
    position: ReplayId,
    pending: i32,
    /// When a keepalive is due (while events are outstanding) or the stream is closed (while none are).
    deadline: Instant,
}

/// Why a subscription is over.
enum End {
    /// Without an error: the client went, or was silent for too long.
    Quietly,
    Refused(Refusal),
    Broken,
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> End {
        End::Refused(refusal)
    }
}

impl Subscription {
    pub fn new(
        service: PubSub,
        session: Session,
        rpc_id: String,
        out: mpsc::Sender<Result<FetchResponse, Status>>,
    ) -> Subscription {
        let deadline = Instant::now() + service.idle_limit;
        let (topic, position) = (String::new(), ReplayId::START);
        Subscription { service, session, rpc_id, out, topic, position, pending: 0, deadline }
    }

    pub async fn run(mut self, inbound: Streaming<FetchRequest>) {
        let status = match self.converse(inbound).await {
            End::Quietly => return,
            End::Refused(refusal) => refusal.status(&self.rpc_id),
            End::Broken => broken(),
        };
        let _ = self.out.send(Err(status)).await;
    }

    async fn converse(&mut self, mut inbound: Streaming<FetchRequest>) -> End {
        let first = tokio::time::timeout_at(self.deadline, inbound.message()).await;
        let Ok(Ok(Some(first))) = first else { return End::Quietly };
        if let Err(end) = self.begin(&first) {
            return end;
        }
        let Some(mut news) = self.service.bus.news(&self.topic) else { return TOPIC_NOT_FOUND.into() };
        let ended = self.session.ended.clone();
        let mut client_listens_only = false;
        loop {
            news.mark_unchanged();
            if let Err(end) = self.deliver().await {
                return end;
            }
            if client_listens_only && self.pending == 0 {
                return End::Quietly;
            }
            tokio::select! {
                () = ended.cancelled() => return AUTH.into(),
                () = self.out.closed() => return End::Quietly,
                request = inbound.message(), if !client_listens_only => match request {
                    Ok(Some(request)) => {
                        if let Err(refusal) = self.ask_more(&request) {
                            return refusal.into();
                        }
                    }
                    Ok(None) => client_listens_only = true,
                    Err(_) => return End::Quietly,
                },
                changed = news.changed() => {
                    if changed.is_err() {
                        return End::Quietly;
                    }
                }
                () = sleep_until(self.deadline) => {
                    if self.pending == 0 {
                        return End::Quietly;
                    }
                    if let Err(end) = self.keep_alive().await {
                        return end;
                    }
                }
            }
        }
    }

    /// Topic, preset and replay id count in the first request only.
    fn begin(&mut self, first: &FetchRequest) -> Result<(), End> {
        if self.service.faults.strikes("salesforce_down") {
            return Err(End::Broken);
        }
        if first.topic_name.is_empty() {
            return Err(TOPIC_EMPTY.into());
        }
        if !self.service.access(&self.session.user, &first.topic_name)?.subscribe {
            return Err(CANNOT_SUBSCRIBE.into());
        }
        let start = match first.replay_preset() {
            ReplayPreset::Latest => Start::Latest,
            ReplayPreset::Earliest => Start::Earliest,
            ReplayPreset::Custom if first.replay_id.is_empty() => return Err(REPLAY_MISSING.into()),
            ReplayPreset::Custom if self.service.faults.strikes("corrupted_replay_id") => {
                return Err(REPLAY_CORRUPTED.into());
            }
            ReplayPreset::Custom => Start::After(ReplayId::from_bytes(&first.replay_id).ok_or(REPLAY_CORRUPTED)?),
        };
        self.topic.clone_from(&first.topic_name);
        self.ask_more(first)?;
        self.position = self.service.bus.position(&self.topic, start).map_err(|error| match error {
            Error::CorruptedReplayId => REPLAY_CORRUPTED,
            _ => TOPIC_NOT_FOUND,
        })?;
        Ok(())
    }

    fn ask_more(&mut self, request: &FetchRequest) -> Result<(), Refusal> {
        if !request.auth_refresh.is_empty() {
            return Err(AUTH_REFRESH);
        }
        if !request.topic_name.is_empty() && request.topic_name != self.topic {
            return Err(TOPIC_MISMATCH);
        }
        if request.num_requested <= 0 {
            return Err(REQUESTED_INVALID);
        }
        self.pending = self.pending.saturating_add(request.num_requested).min(MOST_OUTSTANDING);
        self.deadline = Instant::now() + self.service.keepalive;
        Ok(())
    }

    /// Sends what there is, as far as it was asked for.
    async fn deliver(&mut self) -> Result<(), End> {
        while let Ok(limit @ 1..) = usize::try_from(self.pending) {
            let bus = &self.service.bus;
            let mut events = bus.after(&self.topic, self.position, limit, RESPONSE_BYTES);
            if events.is_empty() {
                return Ok(());
            }
            events.truncate(usize::try_from(bus.deliveries_left()).unwrap_or(usize::MAX));
            let Some(last) = events.last() else { return Err(DELIVERY_LIMIT.into()) };
            if self.service.faults.strikes("dropped_stream") || self.service.faults.strikes("salesforce_down") {
                return Err(End::Broken);
            }
            let latest = last.replay;
            self.pending -= i32::try_from(events.len()).unwrap_or(self.pending);
            bus.delivered(Door::PubSub, events.len());
            let wait = if self.pending > 0 { self.service.keepalive } else { self.service.idle_limit };
            self.deadline = Instant::now() + wait;
            self.send(events.iter().map(|event| on_the_wire(event)).collect(), latest).await?;
            self.position = latest;
        }
        Ok(())
    }

    async fn keep_alive(&mut self) -> Result<(), End> {
        if let Some(end) = self.service.bus.keepalive(&self.topic, self.position) {
            self.position = end;
            self.send(Vec::new(), end).await?;
        }
        self.deadline = Instant::now() + self.service.keepalive;
        Ok(())
    }

    async fn send(&self, events: Vec<ConsumerEvent>, latest: ReplayId) -> Result<(), End> {
        let response = FetchResponse {
            events,
            latest_replay_id: latest.to_bytes(),
            rpc_id: self.rpc_id.clone(),
            pending_num_requested: self.pending,
        };
        self.out.send(Ok(response)).await.map_err(|_| End::Quietly)
    }
}

fn on_the_wire(event: &Retained) -> ConsumerEvent {
    ConsumerEvent {
        event: Some(ProducerEvent {
            id: event.uuid.clone(),
            schema_id: event.schema_id.clone(),
            payload: event.payload.clone(),
            headers: Vec::new(),
        }),
        replay_id: event.replay.to_bytes(),
    }
}
