//! The event stream: what ends it, and how it goes on.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::org::{Outside, until};
use crate::engine::intake::{self, TOPIC};
use crate::salesforce::eventbus::pub_sub_server::{PubSub, PubSubServer};
use crate::salesforce::eventbus::{
    ConsumerEvent, FetchRequest, FetchResponse, ProducerEvent, PublishRequest, PublishResponse, SchemaInfo,
    SchemaRequest, TopicInfo, TopicRequest,
};
use crate::store::harness::sqlite;

/// What the bus does with one subscription.
#[derive(Clone, Debug)]
enum Act {
    /// Delivers one event, then keeps still.
    Deliver(&'static str),
    /// Says nothing at all.
    Silence,
    /// Ends in order.
    Close,
    /// Ends with this trailer.
    Refuse(&'static str),
}

#[derive(Default)]
struct Script {
    acts: VecDeque<Act>,
    /// How each subscription began: preset and replay id.
    asked: Vec<(i32, Vec<u8>)>,
}

#[derive(Clone, Default)]
struct Bus(Arc<Mutex<Script>>);

const SCHEMA: &str = r#"{"type":"record","name":"Payment_Command__e","namespace":"x","fields":[
    {"name":"CreatedDate","type":"long"},{"name":"CreatedById","type":"string"},
    {"name":"Commands__c","type":["null","string"],"default":null}]}"#;

fn payload(id: &str) -> Vec<u8> {
    use apache_avro::types::Value;
    let json = format!(
        r#"{{"v":1,"commands":[{{"id":"{id}","type":"sync_now","record":"001D000000IqhSL","lane":"001D000000IqhSL"}}]}}"#
    );
    let schema = apache_avro::Schema::parse_str(SCHEMA).unwrap();
    let record = Value::Record(vec![
        ("CreatedDate".into(), Value::Long(0)),
        ("CreatedById".into(), Value::String("005".into())),
        ("Commands__c".into(), Value::Union(1, Box::new(Value::String(json)))),
    ]);
    apache_avro::writer::datum::GenericDatumWriter::builder(&schema)
        .build()
        .unwrap()
        .write_value_to_vec(record)
        .unwrap()
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl PubSub for Bus {
    type SubscribeStream = Answers<FetchResponse>;
    type PublishStreamStream = Answers<PublishResponse>;

    async fn subscribe(
        &self,
        request: Request<Streaming<FetchRequest>>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let mut asking = request.into_inner();
        let first = asking.message().await?.ok_or_else(|| Status::invalid_argument("nothing was asked for"))?;
        let act = {
            let mut script = self.0.lock().unwrap();
            script.asked.push((first.replay_preset, first.replay_id));
            script.acts.pop_front().unwrap_or(Act::Silence)
        };
        let (sender, answers) = tokio::sync::mpsc::channel(4);
        match act {
            Act::Deliver(id) => {
                let event =
                    ProducerEvent { id: id.into(), schema_id: "s".into(), payload: payload(id), headers: vec![] };
                let events = vec![ConsumerEvent { event: Some(event), replay_id: id.as_bytes().to_vec() }];
                let answer = FetchResponse { events, pending_num_requested: 99, ..FetchResponse::default() };
                sender.send(Ok(answer)).await.unwrap();
            }
            Act::Silence => {}
            Act::Close => return Ok(Response::new(Box::pin(tokio_stream::empty()))),
            Act::Refuse(code) => {
                let mut status = Status::invalid_argument("no");
                let code = format!("sfdc.platform.eventbus.grpc.{code}");
                status.metadata_mut().insert("error-code", code.parse().unwrap());
                return Err(status);
            }
        }
        tokio::spawn(async move {
            while let Ok(Some(_)) = asking.message().await {}
            drop(sender);
        });
        Ok(Response::new(Box::pin(tokio_stream::wrappers::ReceiverStream::new(answers))))
    }

    async fn get_schema(&self, request: Request<SchemaRequest>) -> Result<Response<SchemaInfo>, Status> {
        let schema_id = request.into_inner().schema_id;
        Ok(Response::new(SchemaInfo { schema_json: SCHEMA.into(), schema_id, rpc_id: String::new() }))
    }

    async fn get_topic(&self, _: Request<TopicRequest>) -> Result<Response<TopicInfo>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    async fn publish(&self, _: Request<PublishRequest>) -> Result<Response<PublishResponse>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    async fn publish_stream(
        &self,
        _: Request<Streaming<PublishRequest>>,
    ) -> Result<Response<Self::PublishStreamStream>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }
}

async fn listen(acts: &[Act]) -> (Outside, Bus, tempfile::TempDir) {
    let bus = Bus::default();
    bus.0.lock().unwrap().acts = acts.iter().cloned().collect();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tonic::transport::Server::builder().add_service(PubSubServer::new(bus.clone()));
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    tokio::spawn(async move { server.serve_with_incoming(incoming).await });
    let (store, folder) = sqlite().await;
    let outside = Outside::start_at(store, crate::engine::clock::wall_ms(), Some(url)).await;
    let settings = intake::Settings { watchdog: Duration::from_millis(300) };
    tokio::spawn(intake::run(outside.house.clone(), settings));
    (outside, bus, folder)
}

async fn is_in(outside: &Outside, id: &str) -> bool {
    outside.store.reading().await.unwrap().knows_command(id).await.unwrap()
}

const CUSTOM: i32 = 2;
const EARLIEST: i32 = 1;

#[tokio::test]
async fn a_stream_that_falls_silent_or_is_closed_is_opened_again_where_it_was() {
    let (outside, bus, _folder) = listen(&[Act::Deliver("one"), Act::Close, Act::Silence, Act::Deliver("two")]).await;
    until("both events", async || is_in(&outside, "one").await && is_in(&outside, "two").await).await;
    let asked = bus.0.lock().unwrap().asked.clone();
    assert_eq!(asked[0], (EARLIEST, vec![]));
    for later in &asked[1..4] {
        assert_eq!(*later, (CUSTOM, b"one".to_vec()), "{asked:?}");
    }
    assert_eq!(outside.store.replay_id(TOPIC).await.unwrap(), Some(b"two".to_vec()));
}

#[tokio::test]
async fn a_stream_that_ends_with_its_session_logs_in_again() {
    let (outside, bus, _folder) = listen(&[Act::Refuse("service.auth.error"), Act::Deliver("one")]).await;
    until("the event", async || is_in(&outside, "one").await).await;
    assert_eq!(outside.world().logins, 2);
    assert_eq!(bus.0.lock().unwrap().asked.len(), 2);
}

#[tokio::test]
async fn a_replay_id_that_salesforce_refuses_leads_to_the_earliest_event_and_a_look_at_the_org() {
    let acts = [Act::Deliver("one"), Act::Refuse("subscription.fetch.replayid.corrupted"), Act::Deliver("two")];
    let (outside, bus, _folder) = listen(&acts).await;
    until("both events", async || is_in(&outside, "one").await && is_in(&outside, "two").await).await;
    let asked = bus.0.lock().unwrap().asked.clone();
    assert_eq!(asked[1..3], [(CUSTOM, b"one".to_vec()), (EARLIEST, vec![])]);
    let wanted = outside.store.reading().await.unwrap().meta(crate::engine::reconcile::WANTED).await.unwrap();
    assert!(wanted.is_some(), "what is older than the earliest event is looked up");
}
