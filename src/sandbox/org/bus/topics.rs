//! The bus itself: who may be heard on which topic, what is retained, and what was delivered.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use super::allowance::{Allowance, Door};
use super::avro::EventSchema;
use super::journal::{self, Journal, Line};
use super::log::{ReplayId, Retained, TopicLog};
use crate::sandbox::faults::Faults;
use crate::sandbox::org::host::{Record, Value};
use crate::sandbox::org::schema::{ObjectKind, Schema};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the event journal in {} cannot be read or written", folder.display())]
    Journal {
        folder: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the platform event {event} has no valid Avro schema")]
    Definition {
        event: String,
        #[source]
        source: Box<apache_avro::Error>,
    },
    #[error("there is no topic {0}")]
    NoTopic(String),
    #[error("the replay id is unknown, older than 72 hours or of another org")]
    CorruptedReplayId,
}

/// How a bus is set up.
pub struct Options {
    /// Where events are kept between starts; `None` keeps them in memory alone.
    pub folder: Option<PathBuf>,
    /// What time it is, for retention and allowances.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Events delivered per rolling 24 hours; 25,000 in an Enterprise Edition org.
    pub delivered_per_day: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options { folder: None, clock: Arc::new(Timestamp::now), delivered_per_day: 25_000 }
    }
}

/// Where a subscriber wants to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// After whatever is there now.
    Latest,
    /// At the oldest retained event.
    Earliest,
    /// Strictly after this one.
    After(ReplayId),
}

pub struct Bus {
    state: Mutex<State>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    faults: Arc<Faults>,
    folder: Option<PathBuf>,
}

struct State {
    topics: BTreeMap<String, Topic>,
    /// Every schema that a retained event may need, by id.
    schemas: BTreeMap<String, Arc<EventSchema>>,
    allowance: Allowance,
    published: u64,
    journal: Option<Journal>,
}

struct Topic {
    log: TopicLog,
    /// The schema of today's definition; `None` while only an earlier run's events are known.
    schema: Option<Arc<EventSchema>>,
    news: watch::Sender<()>,
}

impl Topic {
    fn new() -> Topic {
        // Each org begins elsewhere, so that another org's ids are not taken for its own.
        TopicLog::new(u64::from(rand::random::<u32>() >> 8) + 1_000).into()
    }
}

impl From<TopicLog> for Topic {
    fn from(log: TopicLog) -> Topic {
        Topic { log, schema: None, news: watch::Sender::new(()) }
    }
}

impl Bus {
    /// Opens the bus with what an earlier run left in its folder. Topics come with [`Bus::define`].
    pub fn open(options: Options, faults: Arc<Faults>) -> Result<Bus, Error> {
        let now = (options.clock)();
        let mut state = State {
            topics: BTreeMap::new(),
            schemas: BTreeMap::new(),
            allowance: Allowance::new(options.delivered_per_day),
            published: 0,
            journal: None,
        };
        if let Some(folder) = &options.folder {
            let failed = |source| Error::Journal { folder: folder.clone(), source };
            for line in Journal::read(folder).map_err(failed)? {
                state.restore(line);
            }
            for topic in state.topics.values_mut() {
                topic.log.forget_old(now);
            }
            state.journal = Some(Journal::rewrite(folder, state.lines().into_iter()).map_err(failed)?);
        }
        Ok(Bus { state: Mutex::new(state), clock: options.clock, faults, folder: options.folder })
    }

    /// Makes a topic of every platform event. A changed definition gets a new schema; retained events keep theirs.
    pub fn define(&self, schema: &Schema) -> Result<(), Error> {
        let mut state = self.state();
        for object in schema.objects().filter(|object| matches!(object.kind, ObjectKind::PlatformEvent { .. })) {
            let definition = |source| Error::Definition { event: object.name.clone(), source: Box::new(source) };
            let schema = Arc::new(EventSchema::of(object).map_err(definition)?);
            if !state.schemas.contains_key(&schema.id) {
                state.write(&Line::Schema { json: schema.json.clone() });
                state.schemas.insert(schema.id.clone(), Arc::clone(&schema));
            }
            let name = format!("/event/{}", object.name);
            state.topics.entry(name.clone()).or_insert_with(Topic::new).schema = Some(schema);
            state.end(&name, self.now());
        }
        Ok(())
    }

    /// The schema of today's definition of a topic; `None` if there is no such topic.
    pub fn topic_schema(&self, topic: &str) -> Option<Arc<EventSchema>> {
        self.state().topics.get(topic)?.schema.clone()
    }

    /// A schema by its id, old ones too.
    pub fn schema(&self, id: &str) -> Option<Arc<EventSchema>> {
        self.state().schemas.get(id).cloned()
    }

    /// Takes an event in. The payload is not looked at, as on the real bus.
    pub fn append(&self, topic: &str, uuid: &str, schema_id: &str, payload: Vec<u8>) -> Result<ReplayId, Error> {
        let lost = self.faults.strikes("lost_event");
        let twice = self.faults.strikes("duplicate_event");
        let at = self.now();
        let mut state = self.state();
        let State { topics, journal, published, .. } = &mut *state;
        let found = topics.get_mut(topic).ok_or_else(|| Error::NoTopic(topic.to_owned()))?;
        found.log.forget_old(at);
        *published += 1;
        let first = found.log.next_id();
        if lost {
            found.log.mark(first, at);
            return Ok(first);
        }
        for _ in 0..if twice { 2 } else { 1 } {
            let event = Arc::new(Retained {
                replay: found.log.next_id(),
                uuid: uuid.to_owned(),
                schema_id: schema_id.to_owned(),
                payload: payload.clone(),
                at,
            });
            if let Some(journal) = journal {
                report(journal.append(&line_of(topic, &event)));
            }
            found.log.append(event);
        }
        found.news.send_replace(());
        Ok(first)
    }

    /// Turns a wish into a position. Fails for an id that this topic did not give out in the last 72 hours.
    pub fn position(&self, topic: &str, start: Start) -> Result<ReplayId, Error> {
        let now = self.now();
        let mut state = self.state();
        let found = state.topics.get_mut(topic).ok_or_else(|| Error::NoTopic(topic.to_owned()))?;
        found.log.forget_old(now);
        match start {
            Start::Earliest => Ok(ReplayId::START),
            Start::After(id) if found.log.knows(id, now) => Ok(id),
            Start::After(_) => Err(Error::CorruptedReplayId),
            Start::Latest => state.end(topic, now).ok_or_else(|| Error::NoTopic(topic.to_owned())),
        }
    }

    /// The id that a keepalive tells a subscriber who stands at `position`: where the stream ends now. `None` while there
    /// are events that it has not seen; an id beyond them would make it lose them.
    pub fn keepalive(&self, topic: &str, position: ReplayId) -> Option<ReplayId> {
        let now = self.now();
        let mut state = self.state();
        let nothing_new = state.topics.get(topic)?.log.after(position, 1, 0).is_empty();
        if nothing_new { state.end(topic, now) } else { None }
    }

    /// Retained events strictly after `position`, oldest first.
    pub fn after(&self, topic: &str, position: ReplayId, limit: usize, bytes: usize) -> Vec<Arc<Retained>> {
        let state = self.state();
        state.topics.get(topic).map(|topic| topic.log.after(position, limit, bytes)).unwrap_or_default()
    }

    /// Changes whenever the topic has a new event.
    pub fn news(&self, topic: &str) -> Option<watch::Receiver<()>> {
        Some(self.state().topics.get(topic)?.news.subscribe())
    }

    /// How many events may still be delivered in this rolling day.
    pub fn deliveries_left(&self) -> u64 {
        let now = self.now();
        self.state().allowance.left(now)
    }

    pub fn deliveries_allowed(&self) -> u64 {
        self.state().allowance.per_day
    }

    /// Counts events as delivered.
    pub fn delivered(&self, door: Door, events: usize) {
        let now = self.now();
        self.state().allowance.spend(now, door, events as u64);
    }

    /// Since the start: events published, delivered over Pub/Sub, delivered to browsers.
    pub fn counts(&self) -> (u64, u64, u64) {
        let state = self.state();
        (state.published, state.allowance.total(Door::PubSub), state.allowance.total(Door::Browser))
    }

    /// Publishes a record as an event of its object; returns its EventUuid.
    pub fn publish_record(&self, event: &Record) -> Result<String, Error> {
        let topic = format!("/event/{}", event.object);
        let schema = self.topic_schema(&topic).ok_or_else(|| Error::NoTopic(topic.clone()))?;
        let text = |name: &str| match event.fields.get(name) {
            Some(Value::Text(text) | Value::Id(text)) => Some(text.clone()),
            _ => None,
        };
        let uuid = text("EventUuid").unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let created_by = text("CreatedById").unwrap_or_default();
        match schema.encode(event, self.now().as_millisecond(), &created_by) {
            Ok(payload) => self.append(&topic, &uuid, &schema.id, payload).map(|_| uuid),
            Err(error) => {
                tracing::error!(%error, event = event.object, "an event could not be written as Avro and is lost");
                Ok(uuid)
            }
        }
    }

    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Where the bus keeps its events.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end(&mut self, topic: &str, now: Timestamp) -> Option<ReplayId> {
        let (id, new) = self.topics.get_mut(topic)?.log.end(now);
        if new {
            self.write(&Line::Position { topic: topic.to_owned(), replay: id.number(), at: now });
        }
        Some(id)
    }

    fn write(&mut self, line: &Line) {
        if let Some(journal) = &mut self.journal {
            report(journal.append(line));
        }
    }

    fn restore(&mut self, line: Line) {
        match line {
            Line::Schema { json } => match EventSchema::parse(&json) {
                Ok(schema) => {
                    self.schemas.insert(schema.id.clone(), Arc::new(schema));
                }
                Err(error) => tracing::warn!(%error, "a schema of the event journal cannot be read"),
            },
            Line::Event { topic, replay, uuid, schema, at, payload } => {
                let event = Retained {
                    replay: ReplayId::from_number(replay),
                    uuid,
                    schema_id: schema,
                    payload: journal::from_text(&payload),
                    at,
                };
                self.topics.entry(topic).or_insert_with(|| TopicLog::new(0).into()).log.restore(event);
            }
            Line::Position { topic, replay, at } => {
                let topic = self.topics.entry(topic).or_insert_with(|| TopicLog::new(0).into());
                topic.log.mark(ReplayId::from_number(replay), at);
            }
        }
    }

    fn lines(&self) -> Vec<Line> {
        let schemas = self.schemas.values().map(|schema| Line::Schema { json: schema.json.clone() });
        let mut lines: Vec<Line> = schemas.collect();
        for (name, topic) in &self.topics {
            lines.extend(topic.log.retained().map(|event| line_of(name, event)));
            let of_events: std::collections::BTreeSet<_> = topic.log.retained().map(|event| event.replay).collect();
            let positions = topic.log.known().filter(|(id, _)| !of_events.contains(id));
            lines.extend(positions.map(|(id, at)| Line::Position { topic: name.clone(), replay: id.number(), at }));
        }
        lines
    }
}

fn line_of(topic: &str, event: &Retained) -> Line {
    Line::Event {
        topic: topic.to_owned(),
        replay: event.replay.number(),
        uuid: event.uuid.clone(),
        schema: event.schema_id.clone(),
        at: event.at,
        payload: journal::to_text(&event.payload),
    }
}

/// The bus goes on when the disk does not: the events are in memory.
fn report(written: std::io::Result<()>) {
    if let Err(error) = written {
        tracing::error!(%error, "the event journal could not be written; a restart would lose this event");
    }
}

impl crate::sandbox::org::EventSink for Bus {
    fn publish(&self, event: Record) {
        if let Err(error) = self.publish_record(&event) {
            tracing::error!(%error, event = event.object, "a published event reached no topic");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::avro::tests::event_object;
    use super::*;
    use crate::sandbox::org::schema::FieldKind;

    const TOPIC: &str = "/event/Notice__e";

    fn schema(field: &str) -> Schema {
        let mut schema = Schema::default();
        schema.add(event_object("Notice__e", &[(field, FieldKind::Text { length: 80 })]));
        schema
    }

    fn event(text: &str) -> Record {
        let mut record = Record { object: "Notice__e".into(), ..Record::default() };
        record.fields.insert("State__c".into(), Value::Text(text.into()));
        record
    }

    fn bus(options: Options, field: &str) -> Bus {
        let bus = Bus::open(options, Arc::new(Faults::new(1))).unwrap();
        bus.define(&schema(field)).unwrap();
        bus
    }

    #[test]
    fn a_restart_keeps_events_ids_and_old_schemas() {
        let folder = tempfile::tempdir().unwrap();
        let options = || Options { folder: Some(folder.path().to_owned()), ..Options::default() };
        let before = bus(options(), "State__c");
        before.publish_record(&event("one")).unwrap();
        let middle = before.position(TOPIC, Start::Latest).unwrap();
        before.publish_record(&event("two")).unwrap();
        drop(before);

        let after = bus(options(), "Another__c");
        let position = after.position(TOPIC, Start::After(middle)).unwrap();
        let events = after.after(TOPIC, position, 100, 1 << 20);
        assert_eq!(events.len(), 1);
        let written_with = after.schema(&events[0].schema_id).unwrap();
        assert_eq!(written_with.decode(&events[0].payload).unwrap()["State__c"], "two");
        assert_ne!(after.topic_schema(TOPIC).unwrap().id, written_with.id);
        assert!(after.append(TOPIC, "u", "s", vec![]).unwrap() > events[0].replay);
    }

    #[test]
    fn a_foreign_id_is_corrupted_and_latest_sees_only_what_comes() {
        let bus = bus(Options::default(), "State__c");
        bus.publish_record(&event("one")).unwrap();
        let foreign = Start::After(ReplayId::from_number(7));
        assert!(matches!(bus.position(TOPIC, foreign), Err(Error::CorruptedReplayId)));
        let latest = bus.position(TOPIC, Start::Latest).unwrap();
        bus.publish_record(&event("two")).unwrap();
        assert_eq!(bus.after(TOPIC, latest, 100, 1 << 20).len(), 1);
        assert_eq!(bus.after(TOPIC, ReplayId::START, 100, 1 << 20).len(), 2);
    }

    #[test]
    fn a_duplicate_has_the_same_uuid_and_another_replay_id_and_a_lost_event_is_gone() {
        let faults = Arc::new(Faults::new(1));
        let bus = Bus::open(Options::default(), Arc::clone(&faults)).unwrap();
        bus.define(&schema("State__c")).unwrap();
        faults.set("duplicate_event", 1.0).unwrap();
        let uuid = bus.publish_record(&event("one")).unwrap();
        let events = bus.after(TOPIC, ReplayId::START, 100, 1 << 20);
        assert_eq!(events.iter().map(|event| event.uuid.as_str()).collect::<Vec<_>>(), [&uuid, &uuid]);
        assert_ne!(events[0].replay, events[1].replay);
        faults.set("lost_event", 1.0).unwrap();
        bus.publish_record(&event("two")).unwrap();
        assert_eq!(bus.after(TOPIC, ReplayId::START, 100, 1 << 20).len(), 2);
    }
}
