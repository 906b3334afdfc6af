-- Take Payment: the request behind an agent's page. The page is a link of the kind agent under the same id.
CREATE TABLE desk_requests (
    link_id TEXT PRIMARY KEY,
    record_id TEXT NOT NULL,                -- the Payment_Request__c to answer
    token_expires_ms BIGINT NOT NULL,
    used_ms BIGINT,                        -- the token was used up by Continue
    done_ms BIGINT                         -- a payment was taken
);
