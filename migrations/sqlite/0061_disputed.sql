-- What the customer's bank asks back and has not decided, and when money went back last: the pages tell of both.
ALTER TABLE payments ADD COLUMN disputed_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN returned_s INTEGER;
