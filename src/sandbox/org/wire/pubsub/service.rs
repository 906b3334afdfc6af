//! The service: who calls, what topics and schemas there are, and the way to the streams.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use super::contract::pub_sub_server::PubSub as Contract;
use super::contract::{
    FetchRequest, FetchResponse, PublishRequest, PublishResponse, SchemaInfo, SchemaRequest, TopicInfo, TopicRequest,
};
use super::refusal::{AUTH, CANNOT_PUBLISH, HEADERS, Refusal, SCHEMA_INVALID, TOPIC_EMPTY, TOPIC_NOT_FOUND};
use super::subscribe::Subscription;
use crate::sandbox::faults::Faults;
use crate::sandbox::org::bus::Bus;
use crate::sandbox::org::host::User;
use crate::sandbox::org::wire::oauth::{Session, Sessions};

/// What a user may do with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventAccess {
    pub publish: bool,
    pub subscribe: bool,
}

/// Looks up what a user may do with the event of an API name.
pub type EventRights = Arc<dyn Fn(&User, &str) -> EventAccess + Send + Sync>;

/// The Pub/Sub API of one org.
#[derive(Clone)]
pub struct PubSub {
    pub bus: Arc<Bus>,
    pub sessions: Arc<Sessions>,
    pub faults: Arc<Faults>,
    pub rights: EventRights,
    /// After how long without an event a subscriber hears that the stream is alive.
    pub keepalive: Duration,
    /// How long a subscriber that is owed nothing may stay silent.
    pub idle_limit: Duration,
}

type Outgoing<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl PubSub {
    /// The session of a call, from its three headers.
    fn session(&self, metadata: &MetadataMap, rpc_id: &str) -> Result<Session, Status> {
        let header = |name| metadata.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
        let (token, instance, tenant) = (header("accesstoken"), header("instanceurl"), header("tenantid"));
        if token.is_empty() || tenant.len() < 15 || !instance.starts_with("http") {
            return Err(HEADERS.status(rpc_id));
        }
        // Ids of 15 and of 18 characters are the same id.
        if tenant.get(..15) != self.sessions.organization().get(..15) {
            return Err(AUTH.status(rpc_id));
        }
        self.sessions.find(token).ok_or_else(|| AUTH.status(rpc_id))
    }

    /// What the user may do with a topic; a topic that is not there and one that is not to be seen are the same.
    pub(super) fn access(&self, user: &User, topic: &str) -> Result<EventAccess, Refusal> {
        let event = topic.strip_prefix("/event/").ok_or(TOPIC_NOT_FOUND)?;
        self.bus.topic_schema(topic).ok_or(TOPIC_NOT_FOUND)?;
        let access = (self.rights)(user, event);
        if access.publish || access.subscribe { Ok(access) } else { Err(TOPIC_NOT_FOUND) }
    }
}

pub(super) fn new_rpc_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

#[tonic::async_trait]
impl Contract for PubSub {
    type SubscribeStream = Outgoing<FetchResponse>;
    type PublishStreamStream = Outgoing<PublishResponse>;

    async fn subscribe(
        &self,
        request: Request<Streaming<FetchRequest>>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let rpc_id = new_rpc_id();
        let session = self.session(request.metadata(), &rpc_id)?;
        let (sender, receiver) = mpsc::channel(1);
        let subscription = Subscription::new(self.clone(), session, rpc_id, sender);
        // The task ends with the stream: every send fails once the client is gone.
        tokio::spawn(subscription.run(request.into_inner()));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn get_schema(&self, request: Request<SchemaRequest>) -> Result<Response<SchemaInfo>, Status> {
        let rpc_id = new_rpc_id();
        self.session(request.metadata(), &rpc_id)?;
        let id = &request.get_ref().schema_id;
        let schema = self.bus.schema(id).ok_or_else(|| SCHEMA_INVALID.status(&rpc_id))?;
        Ok(Response::new(SchemaInfo { schema_json: schema.json.clone(), schema_id: schema.id.clone(), rpc_id }))
    }

    async fn get_topic(&self, request: Request<TopicRequest>) -> Result<Response<TopicInfo>, Status> {
        let rpc_id = new_rpc_id();
        let session = self.session(request.metadata(), &rpc_id)?;
        let topic = request.into_inner().topic_name;
        if topic.is_empty() {
            return Err(TOPIC_EMPTY.status(&rpc_id));
        }
        let access = self.access(&session.user, &topic).map_err(|refusal| refusal.status(&rpc_id))?;
        let schema = self.bus.topic_schema(&topic).ok_or_else(|| TOPIC_NOT_FOUND.status(&rpc_id))?;
        Ok(Response::new(TopicInfo {
            topic_name: topic,
            tenant_guid: format!("core/{}", self.sessions.organization()),
            can_publish: access.publish,
            can_subscribe: access.subscribe,
            schema_id: schema.id.clone(),
            rpc_id,
        }))
    }

    async fn publish(&self, request: Request<PublishRequest>) -> Result<Response<PublishResponse>, Status> {
        let rpc_id = new_rpc_id();
        let session = self.session(request.metadata(), &rpc_id)?;
        let answer = self.take(&session.user, request.into_inner(), &rpc_id);
        answer.map(Response::new).map_err(|refusal| refusal.status(&rpc_id))
    }

    async fn publish_stream(
        &self,
        request: Request<Streaming<PublishRequest>>,
    ) -> Result<Response<Self::PublishStreamStream>, Status> {
        let rpc_id = new_rpc_id();
        let session = self.session(request.metadata(), &rpc_id)?;
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(self.clone().take_all(session, request.into_inner(), rpc_id, sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

impl PubSub {
    /// Whether the user may publish on a topic.
    pub(super) fn may_publish(&self, user: &User, topic: &str) -> Result<(), Refusal> {
        if self.access(user, topic)?.publish { Ok(()) } else { Err(CANNOT_PUBLISH) }
    }
}
