-- What was paid with a method: a card that a clerk typed is used once, and a bank is kept while a debit of it is open.
CREATE INDEX attempts_method ON attempts (method) WHERE method IS NOT NULL;
