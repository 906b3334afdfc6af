-- Which sidecar has a letter in hand, so that a restart waits for nobody.
ALTER TABLE bank_letters ADD COLUMN claimed_by TEXT;
