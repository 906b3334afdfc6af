-- The cards and banks that customers stored with Stripe, as the org was last told of them.
CREATE TABLE stored_methods (
    method_id TEXT PRIMARY KEY,             -- Stripe's
    customer_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    told TEXT,                              -- the fields as last written out; NULL: the org doesn't know it yet
    gone BIGINT NOT NULL DEFAULT 0,        -- no longer at Stripe
    consent_text TEXT,                      -- what the customer agreed to when a card was stored; a bank's is its mandate
    consent_ms BIGINT,
    later_charges BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX stored_methods_customer ON stored_methods (customer_id);

-- What a payer agreed to by the box for storing a card, word for word. It becomes the card's once the payment is made.
CREATE TABLE consents (
    attempt_id TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    given_ms BIGINT NOT NULL
);

-- What was stored before this version is read once.
INSERT INTO hints (stripe_id, version, attempts, next_at_ms, asked_ms)
    SELECT customer_id, 1, 0, 0, 0 FROM attempts WHERE save = 1 AND kind = 'card' AND state = 'settled' AND customer_id LIKE 'cus_%'
    UNION SELECT customer_id, 1, 0, 0, 0 FROM banks WHERE save = 1 AND state <> 'gone'
    ON CONFLICT DO NOTHING;
