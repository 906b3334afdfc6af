-- Payments at Stripe that belong to no org we know of: counted and shown by `status`, never booked.
CREATE TABLE ownerless (stripe_id TEXT PRIMARY KEY, seen_ms INTEGER NOT NULL) STRICT;
CREATE INDEX ownerless_age ON ownerless (seen_ms);
CREATE INDEX links_locked ON links (locked_until_ms) WHERE locked_until_ms IS NOT NULL;
