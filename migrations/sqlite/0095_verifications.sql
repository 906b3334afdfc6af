-- Bank accounts that a clerk typed in on the phone: they are verified by Stripe first, over days, and debited then.
-- No number of an account is here, only what Stripe says of the payment method that was made of it.
CREATE TABLE verifications (
    verification_id TEXT PRIMARY KEY,       -- the attempt that is charged in the end has the same id
    press TEXT NOT NULL UNIQUE,             -- one press is one verification
    link_id TEXT NOT NULL,                  -- the clerk's page
    record_id TEXT NOT NULL,                -- the Payment_Request__c to answer
    invoice_id TEXT NOT NULL,
    invoice_number TEXT NOT NULL,
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,             -- what was authorised
    currency TEXT NOT NULL,
    method_id TEXT NOT NULL UNIQUE,         -- Stripe's
    bank TEXT NOT NULL,
    last4 TEXT NOT NULL,
    routing TEXT,
    holder TEXT NOT NULL,
    holder_type TEXT NOT NULL,              -- company, individual
    mail_to TEXT,                           -- where the mandate page of an individual went
    token_hash TEXT,                        -- of its address
    version TEXT NOT NULL,                  -- of the mandate's wording
    text TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    accepted_ms INTEGER,                       -- on the wall clock
    address TEXT,                           -- from where, if it was accepted on a page
    user_agent TEXT,
    setup_id TEXT,                          -- Stripe's SetupIntent
    mandate_id TEXT,                        -- Stripe's mandate
    way TEXT,                               -- amounts, descriptor_code
    hosted_url TEXT,                        -- Stripe's own page for the customer
    arrives_s INTEGER,
    tries_left INTEGER,
    stage TEXT NOT NULL,                    -- agreeing, starting, waiting, verified, charging, charged, unpayable, failed, stopped
    reason TEXT,                            -- the code of what ended it
    made_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX verifications_invoice ON verifications (invoice_id);
CREATE INDEX verifications_link ON verifications (link_id);
CREATE INDEX verifications_customer ON verifications (customer_id);
CREATE UNIQUE INDEX verifications_setup ON verifications (setup_id);
CREATE INDEX verifications_open ON verifications (stage) WHERE stage IN ('agreeing', 'starting', 'waiting', 'verified', 'charging');
