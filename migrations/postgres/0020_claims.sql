-- Who has a hint or a receipt in hand: what a dead sidecar held is free as soon as its death is known, and not only when
-- the time is up that a living one gets.

ALTER TABLE hints ADD COLUMN claimed_by TEXT;
ALTER TABLE receipts ADD COLUMN claimed_by TEXT;
