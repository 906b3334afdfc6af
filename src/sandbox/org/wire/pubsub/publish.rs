//! Publishing: a final result for each event.

use std::time::Duration;

use tokio::sync::mpsc;
use tonic::{Status, Streaming};

use super::contract::{Error, ErrorCode, ProducerEvent, PublishRequest, PublishResponse, PublishResult};
use super::refusal::{
    AUTH, AUTH_REFRESH, PUBLISH_EMPTY, PUBLISH_MISMATCH, PUBLISH_TOPIC_EMPTY, Refusal, TOPIC_NOT_FOUND,
};
use super::service::PubSub;
use crate::sandbox::org::host::User;
use crate::sandbox::org::wire::oauth::Session;

/// The largest event that the bus takes.
const LARGEST_EVENT_BYTES: usize = 1 << 20;
/// A publish stream with no request for so long is closed.
const STREAM_IDLE_LIMIT: Duration = Duration::from_secs(70);

impl PubSub {
    /// Takes one request's events in. The payloads are not validated: rubbish breaks the subscribers, as it really does.
    pub(super) fn take(&self, user: &User, request: PublishRequest, rpc_id: &str) -> Result<PublishResponse, Refusal> {
        if !request.auth_refresh.is_empty() {
            return Err(AUTH_REFRESH);
        }
        if request.topic_name.is_empty() {
            return Err(PUBLISH_TOPIC_EMPTY);
        }
        if request.events.is_empty() {
            return Err(PUBLISH_EMPTY);
        }
        self.may_publish(user, &request.topic_name)?;
        let current = self.bus.topic_schema(&request.topic_name).ok_or(TOPIC_NOT_FOUND)?;
        let topic = &request.topic_name;
        let results = request.events.into_iter().map(|event| self.take_one(topic, event)).collect();
        Ok(PublishResponse { results, schema_id: current.id.clone(), rpc_id: rpc_id.to_owned() })
    }

    fn take_one(&self, topic: &str, event: ProducerEvent) -> PublishResult {
        let correlation_key = event.id.clone();
        let refused = |text: &str| PublishResult {
            replay_id: Vec::new(),
            error: Some(Error { code: ErrorCode::Publish.into(), msg: text.to_owned() }),
            correlation_key: correlation_key.clone(),
        };
        if event.payload.len() > LARGEST_EVENT_BYTES {
            return refused("The event is larger than the maximum size of 1 MB.");
        }
        let known = self.bus.schema(&event.schema_id);
        if !known.is_some_and(|schema| topic.strip_prefix("/event/") == Some(&schema.event)) {
            return refused("The schema ID doesn't belong to the topic.");
        }
        let uuid = if event.id.is_empty() { uuid::Uuid::new_v4().to_string() } else { event.id };
        match self.bus.append(topic, &uuid, &event.schema_id, event.payload) {
            Ok(replay) => PublishResult { replay_id: replay.to_bytes(), error: None, correlation_key },
            Err(error) => refused(&error.to_string()),
        }
    }

    pub(super) async fn take_all(
        self,
        session: Session,
        mut inbound: Streaming<PublishRequest>,
        rpc_id: String,
        out: mpsc::Sender<Result<PublishResponse, Status>>,
    ) {
        let mut topic = String::new();
        loop {
            let request = tokio::select! {
                () = session.ended.cancelled() => {
                    let _ = out.send(Err(AUTH.status(&rpc_id))).await;
                    return;
                }
                request = tokio::time::timeout(STREAM_IDLE_LIMIT, inbound.message()) => request,
            };
            let Ok(Ok(Some(mut request))) = request else { return };
            if topic.is_empty() {
                topic.clone_from(&request.topic_name);
            }
            let answer = if request.topic_name.is_empty() || request.topic_name == topic {
                request.topic_name.clone_from(&topic);
                self.take(&session.user, request, &rpc_id)
            } else {
                Err(PUBLISH_MISMATCH)
            };
            let ended = answer.is_err();
            if out.send(answer.map_err(|refusal| refusal.status(&rpc_id))).await.is_err() || ended {
                return;
            }
        }
    }
}
