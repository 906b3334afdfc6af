//! The Pub/Sub API: one subscription, the schemas it needs, and publishing.

use std::sync::Arc;
use std::time::Duration;

use apache_avro::Schema;
use secrecy::ExposeSecret;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status, Streaming};

use super::eventbus::pub_sub_client::PubSubClient;
use super::eventbus::{
    FetchRequest, FetchResponse, ProducerEvent, PublishRequest, ReplayPreset, SchemaRequest, TopicRequest,
};
use super::{Class, Client, Error, Token, avro};

/// A hundred events of a megabyte.
const LARGEST_ANSWER: usize = 128 * 1024 * 1024;
/// Salesforce takes more as this.
const MOST_AT_ONCE: i32 = 100;

/// A topic.
#[derive(Clone, Debug)]
pub struct Topic {
    /// As /event/Payment_Command__e.
    pub name: String,
    /// Its schema now.
    pub schema_id: String,
    /// Whether we may publish to it.
    pub can_publish: bool,
    /// Whether we may subscribe to it.
    pub can_subscribe: bool,
}

/// Where a subscription begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// The oldest event that Salesforce still has.
    Earliest,
    /// What comes from now on.
    Latest,
    /// After this replay id.
    After(Vec<u8>),
}

/// One event, decoded or not.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The EventUuid.
    pub id: String,
    /// Which schema wrote it.
    pub schema_id: String,
    /// The bytes.
    pub payload: Vec<u8>,
    /// The text field asked for, or why it can't be read.
    pub text: Result<Option<String>, String>,
}

/// One answer of the stream; without events it is a sign of life.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The events.
    pub events: Vec<Incoming>,
    /// Where to go on after these.
    pub replay_id: Vec<u8>,
    /// How many events we may still get without asking.
    pub pending: i32,
}

/// An open stream.
pub struct Subscription {
    client: Client,
    topic: String,
    field: &'static str,
    asking: mpsc::Sender<FetchRequest>,
    stream: Streaming<FetchResponse>,
}

impl Client {
    async fn bus(&self) -> Result<PubSubClient<Channel>, Error> {
        let mut held = self.channel.lock().await;
        let channel = match held.as_ref() {
            Some(channel) => channel.clone(),
            None => {
                let channel = self.endpoint()?.connect_lazy();
                *held = Some(channel.clone());
                channel
            }
        };
        Ok(PubSubClient::new(channel).max_decoding_message_size(LARGEST_ANSWER))
    }

    /// Forgets the connection, so that the next call makes a new one: a stalled one is never heard of again.
    pub async fn hang_up(&self) {
        *self.channel.lock().await = None;
    }

    fn endpoint(&self) -> Result<Endpoint, Error> {
        let url = &self.settings.pubsub_url;
        let wrong = |error: tonic::transport::Error| Error::Settings(format!("salesforce.pubsub_url {url}: {error}"));
        let mut endpoint = Endpoint::from_shared(url.clone())
            .map_err(wrong)?
            .connect_timeout(Duration::from_secs(10))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(20))
            .keep_alive_while_idle(true);
        if url.starts_with("https://") {
            let mut tls = ClientTlsConfig::new().with_native_roots();
            if let Some(pem) = &self.settings.ca_pem {
                tls = tls.ca_certificate(Certificate::from_pem(pem));
            }
            endpoint = endpoint.tls_config(tls).map_err(wrong)?;
        }
        Ok(endpoint)
    }

    /// Reads a topic: that it is there, and what we may.
    pub async fn topic(&self, name: &str) -> Result<Topic, Error> {
        let info = self
            .bus_call("GetTopic", TopicRequest { topic_name: name.to_owned() }, async |mut bus, request| {
                bus.get_topic(request).await
            })
            .await?;
        Ok(Topic {
            name: info.topic_name,
            schema_id: info.schema_id,
            can_publish: info.can_publish,
            can_subscribe: info.can_subscribe,
        })
    }

    async fn schema(&self, id: &str) -> Result<Arc<Schema>, Error> {
        if let Some(schema) = self.schemas.get(id) {
            return Ok(schema);
        }
        let request = SchemaRequest { schema_id: id.to_owned() };
        let info = self.bus_call("GetSchema", request, async |mut bus, request| bus.get_schema(request).await).await?;
        let schema = Schema::parse_str(&info.schema_json)
            .map_err(|error| Error::Unreadable { call: "GetSchema", why: error.to_string() })?;
        let schema = Arc::new(schema);
        self.schemas.put(id, schema.clone());
        Ok(schema)
    }

    /// Reads one text field of an event's bytes, or says why it can't be read. An error means that it may be readable later.
    pub async fn decode(
        &self,
        schema_id: &str,
        payload: &[u8],
        field: &str,
    ) -> Result<Result<Option<String>, String>, Error> {
        match self.schema(schema_id).await {
            Ok(schema) => Ok(avro::text_field(&schema, payload, field)),
            // A schema that is not there will not come back; anything else may, and the event is fetched again.
            Err(error) if error.class() == Class::Refused => Ok(Err(error.to_string())),
            Err(Error::Unreadable { why, .. }) => Ok(Err(format!("its schema can't be read: {why}"))),
            Err(error) => Err(error),
        }
    }

    /// One unary call; if the token ended, once more with a new one.
    async fn bus_call<Q: Clone, A>(
        &self,
        call: &'static str,
        message: Q,
        send: impl AsyncFn(PubSubClient<Channel>, Request<Q>) -> Result<tonic::Response<A>, Status>,
    ) -> Result<A, Error> {
        let token = self.tokens.current().await?;
        let mut request = signed(&token, message.clone())?;
        request.set_timeout(self.settings.timeout);
        match send(self.bus().await?, request).await.map_err(|status| told(call, &status)) {
            Err(error) if error.wants_new_token() => {
                let token = self.tokens.instead_of(&token).await?;
                let mut request = signed(&token, message)?;
                request.set_timeout(self.settings.timeout);
                let answer = send(self.bus().await?, request).await;
                answer.map(tonic::Response::into_inner).map_err(|status| told(call, &status))
            }
            answer => answer.map(tonic::Response::into_inner),
        }
    }

    /// Opens a subscription and asks for the first `ask` events, of which one text field is decoded.
    pub async fn subscribe(
        &self,
        topic: &str,
        field: &'static str,
        from: &From,
        ask: i32,
    ) -> Result<Subscription, Error> {
        let token = self.tokens.current().await?;
        match self.subscribe_with(&token, topic, field, from, ask).await {
            Err(error) if error.wants_new_token() => {
                let token = self.tokens.instead_of(&token).await?;
                self.subscribe_with(&token, topic, field, from, ask).await
            }
            answer => answer,
        }
    }

    async fn subscribe_with(
        &self,
        token: &Token,
        topic: &str,
        field: &'static str,
        from: &From,
        ask: i32,
    ) -> Result<Subscription, Error> {
        let (preset, replay_id) = match from {
            From::Earliest => (ReplayPreset::Earliest, Vec::new()),
            From::Latest => (ReplayPreset::Latest, Vec::new()),
            From::After(id) => (ReplayPreset::Custom, id.clone()),
        };
        let first = FetchRequest {
            topic_name: topic.to_owned(),
            replay_preset: preset.into(),
            replay_id,
            num_requested: ask.clamp(1, MOST_AT_ONCE),
            auth_refresh: String::new(),
        };
        let (asking, requests) = mpsc::channel(8);
        let gone = || Error::Unreadable { call: "Subscribe", why: "the request stream ended".into() };
        asking.send(first).await.map_err(|_| gone())?;
        let request = signed(token, ReceiverStream::new(requests))?;
        let opening = async { self.bus().await?.subscribe(request).await.map_err(|status| told("Subscribe", &status)) };
        let stream = tokio::time::timeout(self.settings.timeout, opening)
            .await
            .map_err(|_| Error::Silent { after: self.settings.timeout })??
            .into_inner();
        Ok(Subscription { client: self.clone(), topic: topic.to_owned(), field, asking, stream })
    }

    /// A new token, after a stream ended because the old one did.
    pub async fn renew_session(&self) -> Result<(), Error> {
        let token = self.tokens.current().await?;
        self.tokens.instead_of(&token).await.map(|_| ())
    }

    /// Publishes events of text fields; answers for each whether Salesforce took it. The ids are the EventUuids.
    pub async fn publish(
        &self,
        topic: &str,
        now_ms: i64,
        events: &[(String, Vec<(&str, &str)>)],
    ) -> Result<Vec<Result<(), String>>, Error> {
        let schema_id = self.topic(topic).await?.schema_id;
        let schema = self.schema(&schema_id).await?;
        // The field is the system's: what is written here is replaced by the user that publishes.
        let user = "005000000000000AAA";
        let mut produced = Vec::with_capacity(events.len());
        for (id, texts) in events {
            let payload = avro::event(&schema, user, now_ms, texts).map_err(|why| Error::Bus {
                call: "Publish",
                code: "payload".into(),
                message: why,
                class: Class::Permission,
            })?;
            produced.push(ProducerEvent { id: id.clone(), schema_id: schema_id.clone(), payload, headers: vec![] });
        }
        let request = PublishRequest { topic_name: topic.to_owned(), events: produced, auth_refresh: String::new() };
        let answer = self.bus_call("Publish", request, async |mut bus, request| bus.publish(request).await).await?;
        Ok(events
            .iter()
            .enumerate()
            .map(|(place, (id, _))| {
                let by_id = answer.results.iter().find(|result| result.correlation_key == *id);
                match by_id.or_else(|| answer.results.get(place)) {
                    Some(result) => result.error.as_ref().map_or(Ok(()), |error| Err(error.msg.clone())),
                    None => Err("no result".into()),
                }
            })
            .collect())
    }
}

impl Subscription {
    /// Waits for the next answer, at most `watchdog` long. `None`: the stream ended in order.
    pub async fn next(&mut self, watchdog: Duration) -> Result<Option<Delivery>, Error> {
        let answer = tokio::time::timeout(watchdog, self.stream.message())
            .await
            .map_err(|_| Error::Silent { after: watchdog })?
            .map_err(|status| told("Subscribe", &status))?;
        let Some(answer) = answer else { return Ok(None) };
        let last = answer.events.last().map(|event| event.replay_id.clone()).filter(|id| !id.is_empty());
        let replay_id = last.unwrap_or(answer.latest_replay_id);
        let mut events = Vec::with_capacity(answer.events.len());
        for event in answer.events {
            let Some(event) = event.event else { continue };
            let text = self.client.decode(&event.schema_id, &event.payload, self.field).await?;
            events.push(Incoming { id: event.id, schema_id: event.schema_id, payload: event.payload, text });
        }
        Ok(Some(Delivery { events, replay_id, pending: answer.pending_num_requested }))
    }

    /// Asks for more, so many beside those that are pending.
    pub async fn ask(&self, more: i32) -> Result<(), Error> {
        let request = FetchRequest {
            topic_name: self.topic.clone(),
            num_requested: more.clamp(1, MOST_AT_ONCE),
            ..FetchRequest::default()
        };
        let gone = |_| Error::Unreadable { call: "Subscribe", why: "the request stream ended".into() };
        self.asking.send(request).await.map_err(gone)
    }
}

fn signed<T>(token: &Token, message: T) -> Result<Request<T>, Error> {
    let header = |text: &str| -> Result<MetadataValue<Ascii>, Error> {
        text.parse().map_err(|_| Error::Settings("Salesforce's token can't stand in a header".into()))
    };
    let mut request = Request::new(message);
    let mut access = header(token.access.expose_secret())?;
    access.set_sensitive(true);
    request.metadata_mut().insert("accesstoken", access);
    request.metadata_mut().insert("instanceurl", header(&token.instance_url)?);
    request.metadata_mut().insert("tenantid", header(token.org_id.as_str())?);
    Ok(request)
}

/// The trailer decides; without one it is the network or a balancer, and passes.
fn told(call: &'static str, status: &Status) -> Error {
    let trailer = status.metadata().get("error-code").and_then(|value| value.to_str().ok());
    let code = trailer.map(|code| code.trim_start_matches("sfdc.platform.eventbus.grpc.").to_owned());
    let class = match code.as_deref() {
        Some("service.auth.error") => Class::Session,
        Some(
            "service.auth.headers.invalid"
            | "service.tenant.license"
            | "topic.not.found"
            | "topic.meta.permission"
            | "schema.meta.permission"
            | "subscription.topic.cannot.subscribe",
        ) => Class::Permission,
        Some("subscription.limit.exceeded" | "concurrent.client.limit.exceeded" | "service.protection.triggered") => {
            Class::Later
        }
        Some(
            "subscription.fetch.replayid.corrupted"
            | "subscription.fetch.replayid.validation.failed"
            | "schema.validation.failed",
        ) => Class::Refused,
        Some(_) => Class::Retry,
        None => match status.code() {
            Code::Unauthenticated => Class::Session,
            Code::PermissionDenied => Class::Permission,
            Code::NotFound | Code::InvalidArgument => Class::Refused,
            Code::ResourceExhausted => Class::Later,
            _ => Class::Retry,
        },
    };
    let code = code.unwrap_or_else(|| format!("grpc_{:?}", status.code()).to_ascii_lowercase());
    Error::Bus { call, code, message: status.message().to_owned(), class }
}
