-- The money side. Amounts are minor units of the currency beside them; times are milliseconds; hashes are hex.

CREATE TABLE links (
    link_id TEXT PRIMARY KEY,           -- the request id of the send
    token_hash TEXT NOT NULL UNIQUE,    -- the token itself is never stored
    kind TEXT NOT NULL,                 -- mailed, copied
    invoice_id TEXT NOT NULL,
    sent_to TEXT,
    note TEXT,
    state TEXT NOT NULL,                -- open, replaced, revoked
    made_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    locked_until_ms INTEGER
) STRICT;
CREATE INDEX links_invoice ON links (invoice_id, state);

CREATE TABLE declines (
    decline_key TEXT PRIMARY KEY,       -- the failed charge: one decline counts once however often it is seen
    link_id TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX declines_link ON declines (link_id, at_ms);

CREATE TABLE sessions (
    session_hash TEXT PRIMARY KEY,
    link_id TEXT NOT NULL,
    made_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    verified_until_ms INTEGER           -- a one-time code was given: stored methods show until then
) STRICT;
CREATE INDEX sessions_age ON sessions (expires_ms);

CREATE TABLE codes (
    code_id TEXT PRIMARY KEY,
    link_id TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    sent_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    wrong INTEGER NOT NULL,
    used INTEGER NOT NULL
) STRICT;
CREATE INDEX codes_link ON codes (link_id, sent_ms);

-- What was last read of an invoice. Pay works on it for 15 minutes if Salesforce doesn't answer.
CREATE TABLE invoices (
    invoice_id TEXT PRIMARY KEY,
    read_ms INTEGER NOT NULL,
    copy TEXT NOT NULL
) STRICT;

CREATE TABLE attempts (
    attempt_id TEXT PRIMARY KEY,
    press TEXT NOT NULL UNIQUE,         -- the form's own id: one press is one attempt, however often it arrives
    invoice_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    link_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    save INTEGER NOT NULL,
    method TEXT,                        -- a stored one that the payer chose
    customer_id TEXT NOT NULL,
    intent_id TEXT UNIQUE,
    state TEXT NOT NULL,                -- open, declined, processing: they hold room; settled, canceled, closed: they don't
    seen_status TEXT,                   -- Stripe's word at the last reading
    secret_left INTEGER NOT NULL,
    confirm_sent INTEGER NOT NULL,
    confirms INTEGER NOT NULL,          -- how many confirms of ours, a part of the key of each
    decline_code TEXT,
    started_ms INTEGER NOT NULL,
    touched_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX attempts_open ON attempts (invoice_id) WHERE state IN ('open', 'declined', 'processing');
CREATE INDEX attempts_idle ON attempts (touched_ms) WHERE state IN ('open', 'declined');
CREATE INDEX attempts_link ON attempts (link_id, started_ms);

-- Our ledger: the last reading of every payment at Stripe that concerns this org.
CREATE TABLE payments (
    stripe_id TEXT PRIMARY KEY,         -- PaymentIntent id, else charge id
    charge_id TEXT,
    attempt_id TEXT,
    invoice_id TEXT,
    account_id TEXT,
    link_id TEXT,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,               -- link, elsewhere
    currency TEXT NOT NULL,
    asked_minor INTEGER NOT NULL,
    received_minor INTEGER NOT NULL,
    refunded_minor INTEGER NOT NULL,
    lost_minor INTEGER NOT NULL,
    kept_minor INTEGER NOT NULL CHECK (kept_minor >= 0),
    state TEXT NOT NULL,                -- processing, declined, settled, canceled
    method_detail TEXT,
    descriptor TEXT,
    failure TEXT,
    received_s INTEGER,
    receipt_number TEXT UNIQUE,
    changed_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX payments_invoice ON payments (invoice_id);
CREATE INDEX payments_unfinished ON payments (state) WHERE state = 'processing';

CREATE TABLE receipts (
    number TEXT PRIMARY KEY,
    stripe_id TEXT NOT NULL UNIQUE,
    facts TEXT NOT NULL,                -- what the receipt says, as it was when the payment settled: the same bytes for ever
    message_id TEXT NOT NULL,
    mail_to TEXT,
    mailed_ms INTEGER,
    filed_ms INTEGER,
    attempts INTEGER NOT NULL,
    next_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX receipts_due ON receipts (next_at_ms) WHERE mailed_ms IS NULL OR filed_ms IS NULL;

-- Mails by their Message-ID, recorded before they go.
CREATE TABLE mails (
    message_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL,
    sent_ms INTEGER
) STRICT;

CREATE TABLE webhook_events (
    event_id TEXT PRIMARY KEY,
    received_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_events_age ON webhook_events (received_ms);

-- What is to be read again at Stripe. A hint that comes while the object is being read moves the version.
CREATE TABLE hints (
    stripe_id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_at_ms INTEGER NOT NULL,
    asked_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX hints_due ON hints (next_at_ms);
INSERT INTO counters (name, value) VALUES ('receipts', 0);
