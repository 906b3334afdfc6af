//! The retained events of one topic and the replay ids that the topic has given out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// How long an event, and with it its replay id, is kept.
pub(super) const RETENTION: SignedDuration = SignedDuration::from_hours(72);
/// On a quiet topic a keepalive gives out a new position this often, so that a subscriber's stored id stays young.
const NEW_POSITION_EVERY: SignedDuration = SignedDuration::from_mins(30);

/// A place in a topic's stream. Opaque to clients: ten bytes, of which they may send back the first eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplayId(pub(super) u64);

impl ReplayId {
    /// Before every event.
    pub const START: ReplayId = ReplayId(0);

    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.0.to_be_bytes().to_vec();
        bytes.extend([0, 0]);
        bytes
    }

    /// `None` for anything but 8 or 10 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<ReplayId> {
        match bytes.len() {
            8 | 10 => Some(ReplayId(u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?))),
            _ => None,
        }
    }

    /// The number that browsers see.
    pub fn number(self) -> u64 {
        self.0
    }

    pub fn from_number(number: u64) -> ReplayId {
        ReplayId(number)
    }
}

/// An event as the bus keeps it.
#[derive(Debug)]
pub struct Retained {
    pub replay: ReplayId,
    /// The EventUuid. Two events with the same one are the same event delivered twice.
    pub uuid: String,
    pub schema_id: String,
    pub payload: Vec<u8>,
    pub at: Timestamp,
}

/// One topic's stream.
pub(super) struct TopicLog {
    last: u64,
    retained: VecDeque<Arc<Retained>>,
    /// Every id given out in the last 72 hours: those of events and those of keepalives.
    known: BTreeMap<u64, Timestamp>,
}

impl TopicLog {
    /// `base` is where the ids begin; another org begins elsewhere, so that its ids are unknown here.
    pub fn new(base: u64) -> TopicLog {
        TopicLog { last: base, retained: VecDeque::new(), known: BTreeMap::new() }
    }

    /// Takes back what was written down. Ids only ever rise.
    pub fn restore(&mut self, event: Retained) {
        self.mark(event.replay, event.at);
        self.retained.push_back(Arc::new(event));
    }

    pub fn mark(&mut self, id: ReplayId, at: Timestamp) {
        self.last = self.last.max(id.0);
        self.known.insert(id.0, at);
    }

    /// The id of the next event. Ids have gaps, as on the real bus: nobody may count with them.
    pub fn next_id(&self) -> ReplayId {
        ReplayId(self.last + 1 + self.last % 3)
    }

    pub fn append(&mut self, event: Arc<Retained>) {
        self.mark(event.replay, event.at);
        self.retained.push_back(event);
    }

    /// Where the stream ends now, and whether the id is a new one that must be written down.
    pub fn end(&mut self, now: Timestamp) -> (ReplayId, bool) {
        match self.known.get(&self.last) {
            Some(given) if now - NEW_POSITION_EVERY < *given => (ReplayId(self.last), false),
            _ => {
                let id = self.next_id();
                self.mark(id, now);
                (id, true)
            }
        }
    }

    /// Whether a subscriber may resume after this id: it was given out here, less than 72 hours ago.
    pub fn knows(&self, id: ReplayId, now: Timestamp) -> bool {
        self.known.get(&id.0).is_some_and(|given| now - RETENTION < *given)
    }

    /// Events strictly after `position`, at most `limit` and about `bytes`, but always one if there is one.
    pub fn after(&self, position: ReplayId, limit: usize, bytes: usize) -> Vec<Arc<Retained>> {
        let first = self.retained.partition_point(|event| event.replay <= position);
        let mut size = 0;
        let mut events = Vec::new();
        for event in self.retained.range(first..).take(limit) {
            size += event.payload.len();
            if size > bytes && !events.is_empty() {
                break;
            }
            events.push(Arc::clone(event));
        }
        events
    }

    pub fn forget_old(&mut self, now: Timestamp) {
        let oldest = now - RETENTION;
        while self.retained.front().is_some_and(|event| event.at <= oldest) {
            self.retained.pop_front();
        }
        self.known.retain(|id, given| *given > oldest || *id == self.last);
    }

    pub fn retained(&self) -> impl Iterator<Item = &Arc<Retained>> {
        self.retained.iter()
    }

    pub fn known(&self) -> impl Iterator<Item = (ReplayId, Timestamp)> {
        self.known.iter().map(|(id, at)| (ReplayId(*id), *at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(log: &TopicLog, at: Timestamp, payload: usize) -> Arc<Retained> {
        let (uuid, schema_id) = (String::from("u"), String::from("s"));
        Arc::new(Retained { replay: log.next_id(), uuid, schema_id, payload: vec![0; payload], at })
    }

    #[test]
    fn replay_ids_are_ten_bytes_and_eight_are_taken_too() {
        let id = ReplayId(0x0102);
        assert_eq!(id.to_bytes(), [0, 0, 0, 0, 0, 0, 1, 2, 0, 0]);
        assert_eq!(ReplayId::from_bytes(&id.to_bytes()), Some(id));
        assert_eq!(ReplayId::from_bytes(&id.to_bytes()[..8]), Some(id));
        assert_eq!(ReplayId::from_bytes(b"258"), None);
    }

    #[test]
    fn a_subscriber_resumes_strictly_after_its_id_and_the_ids_have_gaps() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut log = TopicLog::new(700);
        let mut ids = Vec::new();
        for _ in 0..6 {
            let event = event(&log, now, 1);
            ids.push(event.replay);
            log.append(event);
        }
        assert!(ids.windows(2).any(|pair| pair[1].0 - pair[0].0 > 1), "{ids:?}");
        let seen: Vec<_> = log.after(ids[2], 100, 1000).iter().map(|event| event.replay).collect();
        assert_eq!(seen, ids[3..]);
    }

    #[test]
    fn an_id_older_than_72_hours_or_never_given_out_is_unknown() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut log = TopicLog::new(700);
        let event = event(&log, now, 1);
        let id = event.replay;
        log.append(event);
        assert!(log.knows(id, now + SignedDuration::from_hours(71)));
        assert!(!log.knows(id, now + SignedDuration::from_hours(73)));
        assert!(!log.knows(ReplayId(12), now));
        log.forget_old(now + SignedDuration::from_hours(73));
        assert!(log.after(ReplayId::START, 10, 10).is_empty());
    }

    #[test]
    fn a_quiet_topic_gives_out_young_positions() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut log = TopicLog::new(700);
        let (first, new) = log.end(now);
        assert!(new);
        assert_eq!(log.end(now + SignedDuration::from_mins(1)), (first, false));
        let later = now + SignedDuration::from_hours(80);
        let (second, new) = log.end(later);
        assert!(new && second > first);
        assert!(log.knows(second, later) && !log.knows(first, later));
    }

    #[test]
    fn a_response_is_cut_by_size_but_never_empty() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut log = TopicLog::new(0);
        for _ in 0..3 {
            let event = event(&log, now, 600);
            log.append(event);
        }
        assert_eq!(log.after(ReplayId::START, 100, 1000).len(), 1);
        assert_eq!(log.after(ReplayId::START, 100, 10).len(), 1);
        assert_eq!(log.after(ReplayId::START, 2, 10_000).len(), 2);
    }
}
