-- Bank accounts: what a customer chose in Plaid Link, the accounts as Stripe has them, and what was agreed to.

-- One visit to Plaid Link. The permanent access to the login is sealed with a key that is not in this database.
CREATE TABLE bank_choices (
    choice_id TEXT PRIMARY KEY,
    public_token_hash TEXT NOT NULL UNIQUE, -- the same token again is the same choice
    session_hash TEXT NOT NULL,             -- the browser that chose may pay with it before any code
    link_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    item_id TEXT NOT NULL,
    access_token TEXT NOT NULL,
    plaid_account TEXT NOT NULL,
    institution TEXT,
    save INTEGER NOT NULL,
    bank_id TEXT,                           -- once it is at Stripe
    state TEXT NOT NULL,                    -- open, kept, leaving, removed
    made_ms INTEGER NOT NULL,
    next_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX bank_choices_item ON bank_choices (item_id);
CREATE INDEX bank_choices_leaving ON bank_choices (next_at_ms) WHERE state = 'leaving';
CREATE INDEX bank_choices_bank ON bank_choices (bank_id);

CREATE TABLE banks (
    bank_id TEXT PRIMARY KEY,               -- Stripe's
    customer_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    institution TEXT NOT NULL,
    last4 TEXT NOT NULL,
    routing TEXT,
    holder TEXT,
    save INTEGER NOT NULL,                  -- the customer wants it kept for the next payment
    state TEXT NOT NULL,                    -- ready, needs_authorisation, needs_login, blocked, leaving, gone
    reason TEXT,                            -- the code of what made it so
    mandate TEXT,                           -- the attempt whose standing mandate is in force
    made_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX banks_customer ON banks (customer_id, fingerprint);
CREATE INDEX banks_leaving ON banks (changed_ms) WHERE state = 'leaving' OR save = 0;

-- Evidence of what was agreed to, kept for two years after the last debit under it.
CREATE TABLE mandates (
    attempt_id TEXT PRIMARY KEY,
    bank_id TEXT NOT NULL,
    version TEXT NOT NULL,
    text TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    standing INTEGER NOT NULL,
    accepted_ms INTEGER NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    ended_ms INTEGER,
    ended_why TEXT,
    forget_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX mandates_bank ON mandates (bank_id);
CREATE INDEX mandates_forget ON mandates (forget_ms);

-- Letters about bank payments, by their Message-ID: written down in the transaction that books the step.
CREATE TABLE bank_letters (
    message_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,                     -- started, failed, returned
    stripe_id TEXT NOT NULL,
    facts TEXT NOT NULL,
    mail_to TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_at_ms INTEGER NOT NULL,
    mailed_ms INTEGER
) STRICT;
CREATE INDEX bank_letters_due ON bank_letters (next_at_ms) WHERE mailed_ms IS NULL;
