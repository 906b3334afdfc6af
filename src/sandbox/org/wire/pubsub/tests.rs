//! The Pub/Sub API as a client sees it, over real HTTP/2.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Server};
use tonic::{Code, Request, Status, Streaming};

use super::contract::pub_sub_client::PubSubClient;
use super::contract::pub_sub_server::PubSubServer;
use super::contract::{FetchRequest, FetchResponse, ProducerEvent, PublishRequest, ReplayPreset, TopicRequest};
use super::service::{EventAccess, PubSub};
use crate::sandbox::faults::Faults;
use crate::sandbox::org::bus::{Bus, Options};
use crate::sandbox::org::host::{Record, User, Value};
use crate::sandbox::org::schema::{Field, FieldKind, Object, ObjectKind, Schema};
use crate::sandbox::org::wire::oauth::Sessions;
use crate::sandbox::tls::{Alpn, Authority, TlsListener};

const TOPIC: &str = "/event/Notice__e";
const ORG: &str = "00Dxx0000001gERAAY";
const SOON: Duration = Duration::from_secs(5);

struct House {
    bus: Arc<Bus>,
    sessions: Arc<Sessions>,
    faults: Arc<Faults>,
    client: PubSubClient<Channel>,
    token: String,
    _folder: tempfile::TempDir,
}

fn schema() -> Schema {
    let field = Field {
        name: "State__c".into(),
        label: "State".into(),
        kind: FieldKind::Text { length: 80 },
        required: false,
        unique: false,
        case_sensitive: false,
        external_id: false,
        default_formula: None,
        formula: None,
        blank_as_zero: false,
        writable: true,
    };
    let mut object = Object {
        name: "Notice__e".into(),
        label: "Notice".into(),
        plural_label: "Notices".into(),
        key_prefix: "e01".into(),
        kind: ObjectKind::PlatformEvent { after_commit: true },
        fields: Default::default(),
        validation_rules: Vec::new(),
    };
    object.add(field);
    let mut schema = Schema::default();
    schema.add(object);
    schema
}

fn user() -> User {
    User {
        id: "005xx0000000001AAA".into(),
        username: "robot@example.com".into(),
        name: "Robot".into(),
        permission_sets: Some(vec![]),
        time_zone: "UTC".into(),
        language: "en_US".into(),
    }
}

impl House {
    async fn start(keepalive: Duration, idle_limit: Duration, delivered_per_day: u64) -> House {
        let faults = Arc::new(Faults::new(1));
        let bus =
            Arc::new(Bus::open(Options { delivered_per_day, ..Options::default() }, Arc::clone(&faults)).unwrap());
        bus.define(&schema()).unwrap();
        let clock = Arc::new(jiff::Timestamp::now);
        let sessions = Arc::new(Sessions::new(ORG, SignedDuration::from_hours(2), clock, Arc::clone(&faults)));
        let token = sessions.start(user()).token;
        let service = PubSub {
            bus: Arc::clone(&bus),
            sessions: Arc::clone(&sessions),
            faults: Arc::clone(&faults),
            rights: Arc::new(|_, event| EventAccess { publish: true, subscribe: event == "Notice__e" }),
            keepalive,
            idle_limit,
        };
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::open(folder.path()).unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TlsListener::bind(any, &authority, Alpn::Grpc).await.unwrap();
        let address = format!("https://localhost:{}", listener.addr().port());
        let server = Server::builder().add_service(PubSubServer::new(service));
        tokio::spawn(server.serve_with_incoming(listener.into_stream()));
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.ca_pem()));
        let channel = Endpoint::from_shared(address).unwrap().tls_config(tls).unwrap().connect().await.unwrap();
        House { bus, sessions, faults, client: PubSubClient::new(channel), token, _folder: folder }
    }

    async fn usual() -> House {
        House::start(Duration::from_secs(60), Duration::from_secs(60), 1_000).await
    }

    fn ask<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let headers = request.metadata_mut();
        headers.insert("accesstoken", self.token.parse().unwrap());
        headers.insert("instanceurl", "https://my.my.salesforce.com".parse().unwrap());
        headers.insert("tenantid", ORG[..15].parse().unwrap());
        request
    }

    fn publish(&self, texts: &[&str]) {
        for text in texts {
            let mut event = Record { object: "Notice__e".into(), ..Record::default() };
            event.fields.insert("State__c".into(), Value::Text((*text).into()));
            self.bus.publish_record(&event).unwrap();
        }
    }

    async fn subscribe(&self, first: FetchRequest) -> (mpsc::Sender<FetchRequest>, Streaming<FetchResponse>) {
        let (sender, receiver) = mpsc::channel(8);
        sender.send(first).await.unwrap();
        let request = self.ask(ReceiverStream::new(receiver));
        (sender, self.client.clone().subscribe(request).await.unwrap().into_inner())
    }

    fn texts(&self, response: &FetchResponse) -> Vec<String> {
        let events = response.events.iter().map(|event| event.event.as_ref().unwrap());
        events
            .map(|event| {
                let seen = self.bus.schema(&event.schema_id).unwrap().decode(&event.payload).unwrap();
                seen["State__c"].as_str().unwrap().to_owned()
            })
            .collect()
    }
}

fn fetch(preset: ReplayPreset, replay_id: &[u8], num_requested: i32) -> FetchRequest {
    FetchRequest {
        topic_name: TOPIC.into(),
        replay_preset: preset.into(),
        replay_id: replay_id.to_vec(),
        num_requested,
        auth_refresh: String::new(),
    }
}

async fn next(stream: &mut Streaming<FetchResponse>) -> Result<Option<FetchResponse>, Status> {
    tokio::time::timeout(SOON, stream.message()).await.expect("the server said nothing")
}

fn error_code(status: &Status) -> &str {
    let code = status.metadata().get("error-code").map(|code| code.to_str().unwrap()).unwrap_or_default();
    code.strip_prefix("sfdc.platform.eventbus.grpc.").unwrap_or_default()
}

#[tokio::test]
async fn a_subscriber_gets_what_it_asked_for_and_no_more() {
    let house = House::usual().await;
    house.publish(&["1", "2", "3"]);
    let (more, mut stream) = house.subscribe(fetch(ReplayPreset::Earliest, &[], 2)).await;
    let response = next(&mut stream).await.unwrap().unwrap();
    assert_eq!((house.texts(&response), response.pending_num_requested), (vec!["1".into(), "2".into()], 0));
    assert!(tokio::time::timeout(Duration::from_millis(200), stream.message()).await.is_err());
    // A later request may leave the topic out.
    more.send(FetchRequest { num_requested: 5, ..FetchRequest::default() }).await.unwrap();
    let response = next(&mut stream).await.unwrap().unwrap();
    assert_eq!((house.texts(&response), response.pending_num_requested), (vec!["3".into()], 4));
    house.publish(&["4"]);
    let response = next(&mut stream).await.unwrap().unwrap();
    assert_eq!((house.texts(&response), response.pending_num_requested), (vec!["4".into()], 3));
    assert_eq!(house.bus.counts(), (4, 4, 0));
}

#[tokio::test]
async fn more_than_a_hundred_outstanding_events_are_a_hundred() {
    let house = House::usual().await;
    let (more, mut stream) = house.subscribe(fetch(ReplayPreset::Latest, &[], 90)).await;
    more.send(fetch(ReplayPreset::Latest, &[], 90)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    house.publish(&["1"]);
    assert_eq!(next(&mut stream).await.unwrap().unwrap().pending_num_requested, 99);
}

#[tokio::test]
async fn a_quiet_stream_tells_that_it_lives_and_its_id_can_be_resumed_from() {
    let house = House::start(Duration::from_millis(150), Duration::from_secs(60), 1_000).await;
    let (_more, mut stream) = house.subscribe(fetch(ReplayPreset::Latest, &[], 5)).await;
    let alive = next(&mut stream).await.unwrap().unwrap();
    assert_eq!((alive.events.len(), alive.pending_num_requested, alive.latest_replay_id.len()), (0, 5, 10));
    house.publish(&["1"]);
    let (_more, mut resumed) = house.subscribe(fetch(ReplayPreset::Custom, &alive.latest_replay_id[..8], 5)).await;
    assert_eq!(house.texts(&next(&mut resumed).await.unwrap().unwrap()), ["1"]);
}

#[tokio::test]
async fn a_stream_that_is_owed_nothing_is_closed() {
    let house = House::start(Duration::from_secs(60), Duration::from_millis(150), 1_000).await;
    house.publish(&["1"]);
    let (_more, mut stream) = house.subscribe(fetch(ReplayPreset::Earliest, &[], 1)).await;
    assert!(next(&mut stream).await.unwrap().is_some());
    assert!(next(&mut stream).await.unwrap().is_none());
}

#[tokio::test]
async fn a_subscriber_resumes_strictly_after_its_replay_id() {
    let house = House::usual().await;
    house.publish(&["1", "2", "3"]);
    let (_more, mut stream) = house.subscribe(fetch(ReplayPreset::Earliest, &[], 1)).await;
    let first = next(&mut stream).await.unwrap().unwrap();
    let (_more, mut stream) = house.subscribe(fetch(ReplayPreset::Custom, &first.events[0].replay_id, 10)).await;
    assert_eq!(house.texts(&next(&mut stream).await.unwrap().unwrap()), ["2", "3"]);
}

#[tokio::test]
async fn each_mistake_has_its_own_error_code() {
    let house = House::usual().await;
    let cases = [
        (fetch(ReplayPreset::Latest, &[], 0), "subscription.fetch.requested.events.invalid"),
        (fetch(ReplayPreset::Custom, &[], 1), "subscription.fetch.replayid.validation.failed"),
        (fetch(ReplayPreset::Custom, b"12345", 1), "subscription.fetch.replayid.corrupted"),
        (fetch(ReplayPreset::Custom, &[9; 10], 1), "subscription.fetch.replayid.corrupted"),
        (FetchRequest { topic_name: String::new(), ..fetch(ReplayPreset::Latest, &[], 1) }, "topic.validation.empty"),
        (
            FetchRequest { auth_refresh: "x".into(), ..fetch(ReplayPreset::Latest, &[], 1) },
            "service.auth.refresh.invalid",
        ),
    ];
    for (request, expected) in cases {
        let (_more, mut stream) = house.subscribe(request).await;
        let status = next(&mut stream).await.unwrap_err();
        assert_eq!((error_code(&status), status.code()), (expected, Code::InvalidArgument));
        let rpc_id = status.metadata().get("rpc-id").unwrap().to_str().unwrap();
        assert!(status.message().ends_with(&format!("rpcId: {rpc_id}")), "{}", status.message());
    }
    let (more, mut stream) = house.subscribe(fetch(ReplayPreset::Latest, &[], 1)).await;
    more.send(FetchRequest { topic_name: "/event/Other__e".into(), ..fetch(ReplayPreset::Latest, &[], 1) })
        .await
        .unwrap();
    assert_eq!(error_code(&next(&mut stream).await.unwrap_err()), "subscription.fetch.topic.mismatch");
    let unknown = house.ask(TopicRequest { topic_name: "/event/Nope__e".into() });
    let status = house.client.clone().get_topic(unknown).await.unwrap_err();
    assert_eq!((error_code(&status), status.code()), ("topic.not.found", Code::NotFound));
}

#[tokio::test]
async fn a_wrong_token_and_missing_headers_are_told_apart() {
    let mut house = House::usual().await;
    let bare = Request::new(TopicRequest { topic_name: TOPIC.into() });
    let status = house.client.clone().get_topic(bare).await.unwrap_err();
    assert_eq!((error_code(&status), status.code()), ("service.auth.headers.invalid", Code::Unauthenticated));
    house.token = "00D!wrong".into();
    let request = house.ask(TopicRequest { topic_name: TOPIC.into() });
    let status = house.client.clone().get_topic(request).await.unwrap_err();
    assert_eq!((error_code(&status), status.code()), ("service.auth.error", Code::Unauthenticated));
}

#[tokio::test]
async fn revoking_a_session_ends_its_live_streams() {
    let house = House::usual().await;
    let (_more, mut stream) = house.subscribe(fetch(ReplayPreset::Latest, &[], 1)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(house.sessions.revoke(&house.token));
    assert_eq!(error_code(&next(&mut stream).await.unwrap_err()), "service.auth.error");
}

#[tokio::test]
async fn the_delivery_allowance_ends_the_stream() {
    let house = House::start(Duration::from_secs(60), Duration::from_secs(60), 2).await;
    house.publish(&["1", "2", "3"]);
    let (_more, mut stream) = house.subscribe(fetch(ReplayPreset::Earliest, &[], 10)).await;
    assert_eq!(next(&mut stream).await.unwrap().unwrap().events.len(), 2);
    let status = next(&mut stream).await.unwrap_err();
    assert_eq!((error_code(&status), status.code()), ("subscription.limit.exceeded", Code::ResourceExhausted));
}

#[tokio::test]
async fn faults_break_the_stream_and_spoil_the_replay_id() {
    let house = House::usual().await;
    house.publish(&["1"]);
    house.faults.set("dropped_stream", 1.0).unwrap();
    let (_more, mut stream) = house.subscribe(fetch(ReplayPreset::Earliest, &[], 1)).await;
    let status = next(&mut stream).await.unwrap_err();
    assert_eq!((status.code(), error_code(&status)), (Code::Unavailable, ""));
    house.faults.set("dropped_stream", 0.0).unwrap();
    let (_more, mut stream) = house.subscribe(fetch(ReplayPreset::Earliest, &[], 1)).await;
    let seen = next(&mut stream).await.unwrap().unwrap();
    house.faults.set("corrupted_replay_id", 1.0).unwrap();
    let (_more, mut stream) = house.subscribe(fetch(ReplayPreset::Custom, &seen.latest_replay_id, 1)).await;
    assert_eq!(error_code(&next(&mut stream).await.unwrap_err()), "subscription.fetch.replayid.corrupted");
}

#[tokio::test]
async fn a_published_event_keeps_the_clients_id_and_a_too_large_one_fails_alone() {
    let house = House::usual().await;
    let topic = house.ask(TopicRequest { topic_name: TOPIC.into() });
    let schema_id = house.client.clone().get_topic(topic).await.unwrap().into_inner().schema_id;
    let event = |id: &str, payload: Vec<u8>| ProducerEvent {
        id: id.into(),
        schema_id: schema_id.clone(),
        payload,
        headers: vec![],
    };
    let events = vec![event("mine", vec![1, 2, 3]), event("large", vec![0; (1 << 20) + 1])];
    let request = house.ask(PublishRequest { topic_name: TOPIC.into(), events, auth_refresh: String::new() });
    let response = house.client.clone().publish(request).await.unwrap().into_inner();
    assert_eq!((response.results[0].correlation_key.as_str(), response.results[0].replay_id.len()), ("mine", 10));
    assert!(response.results[0].error.is_none() && response.results[1].error.is_some());
    let (_more, mut stream) = house.subscribe(fetch(ReplayPreset::Earliest, &[], 5)).await;
    let seen = next(&mut stream).await.unwrap().unwrap();
    let ids: Vec<_> = seen.events.iter().map(|event| event.event.as_ref().unwrap().id.clone()).collect();
    assert_eq!(ids, ["mine"]);
    let empty = house.ask(PublishRequest { topic_name: TOPIC.into(), events: vec![], auth_refresh: String::new() });
    assert_eq!(error_code(&house.client.clone().publish(empty).await.unwrap_err()), "publish.event.count.invalid");
}
