-- The page on which a customer authorises a debit, and tells the deposits, goes out by mail.
ALTER TABLE verifications ADD COLUMN mail_state TEXT; -- of the last letter: sending, retrying, sent, refused
CREATE UNIQUE INDEX verifications_token ON verifications (token_hash);
