-- One-row facts: whose database this is, the clock's high water, what a person asked for.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE locks (name TEXT PRIMARY KEY);
CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO counters (name, value) VALUES ('commands', 0), ('outbox', 0);

CREATE TABLE commands (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    record TEXT NOT NULL,
    lane TEXT NOT NULL,
    seq BIGINT NOT NULL,               -- order of arrival; a new run goes to the end
    state TEXT NOT NULL,                -- waiting, working, done, dead
    run BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    priority BIGINT NOT NULL,
    next_at_ms BIGINT NOT NULL,
    claimed_by TEXT,
    received_ms BIGINT NOT NULL,
    done_ms BIGINT,
    code TEXT, sentence TEXT, remedy TEXT -- what went wrong last
);
CREATE INDEX commands_waiting ON commands (priority, seq) WHERE state = 'waiting';
CREATE INDEX commands_lane ON commands (lane, seq) WHERE state IN ('waiting', 'working');
CREATE UNIQUE INDEX commands_one_a_lane ON commands (lane) WHERE state = 'working';
CREATE INDEX commands_ended ON commands (state, done_ms) WHERE state IN ('done', 'dead');

CREATE TABLE seen_events (id TEXT PRIMARY KEY, seen_ms BIGINT NOT NULL);
CREATE INDEX seen_events_age ON seen_events (seen_ms);
CREATE TABLE bad_events (
    id TEXT PRIMARY KEY, schema_id TEXT NOT NULL, payload BYTEA NOT NULL, why TEXT NOT NULL, received_ms BIGINT NOT NULL
);
CREATE TABLE replay (
    topic TEXT PRIMARY KEY, replay_id BYTEA NOT NULL, updated_ms BIGINT NOT NULL
);

CREATE TABLE sidecars (id TEXT PRIMARY KEY, counter BIGINT NOT NULL, started_ms BIGINT NOT NULL);
CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT, token BIGINT NOT NULL);

CREATE TABLE effects (
    key TEXT PRIMARY KEY,               -- Stripe's Idempotency-Key
    method TEXT NOT NULL, path TEXT NOT NULL, body TEXT NOT NULL,
    first_tried_ms BIGINT NOT NULL, answered_ms BIGINT, answer TEXT
);
CREATE INDEX effects_age ON effects (first_tried_ms);

CREATE TABLE outbox (
    target TEXT PRIMARY KEY,            -- object and record: one row a record, so writes to it coalesce and keep their order
    object TEXT NOT NULL,
    key_field TEXT,                     -- NULL: update by Id
    record_key TEXT NOT NULL,
    fields TEXT NOT NULL,
    notice TEXT,
    command TEXT,
    bulk BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    version BIGINT NOT NULL,           -- moves with each merge; a confirmation of an older one leaves the row
    attempts BIGINT NOT NULL,
    next_at_ms BIGINT NOT NULL,
    queued_ms BIGINT NOT NULL,
    claimed_by TEXT
);
CREATE INDEX outbox_waiting ON outbox (bulk, seq) WHERE claimed_by IS NULL;

CREATE TABLE notices (
    id TEXT PRIMARY KEY, record_id TEXT NOT NULL, request_id TEXT NOT NULL, state TEXT NOT NULL, queued_ms BIGINT NOT NULL
);

CREATE TABLE files (
    id TEXT PRIMARY KEY,
    parent_object TEXT NOT NULL, parent_key_field TEXT NOT NULL, parent_key TEXT NOT NULL,
    title TEXT NOT NULL, file_name TEXT NOT NULL, content BYTEA NOT NULL,
    attempts BIGINT NOT NULL, next_at_ms BIGINT NOT NULL, queued_ms BIGINT NOT NULL, uploaded_ms BIGINT, document TEXT
);
CREATE INDEX files_waiting ON files (next_at_ms) WHERE uploaded_ms IS NULL;

CREATE TABLE customers (
    account_id TEXT PRIMARY KEY, customer_id TEXT, fingerprint TEXT, generation BIGINT NOT NULL
);
