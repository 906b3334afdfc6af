-- A customer may ask for a fresh link, and how often is counted by invoice.
CREATE INDEX commands_renewals ON commands (lane, received_ms) WHERE kind = 'renew_link';
