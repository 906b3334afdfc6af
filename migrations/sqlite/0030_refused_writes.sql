-- A write that Salesforce refuses stays: it goes again when somebody presses Retry, when more is merged into it, or in time.
ALTER TABLE outbox ADD COLUMN refused TEXT; -- why, in words
CREATE INDEX outbox_refused ON outbox (target) WHERE refused IS NOT NULL;
