-- Whether an open Payment Error in the org names the command: whatever makes the command come true later resolves it.
ALTER TABLE commands ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
UPDATE commands SET told = 1 WHERE state = 'dead';
CREATE INDEX commands_told ON commands (record) WHERE told = 1;
