-- Suspension, trials, receipts of deletion, the shared budget of calls, and what runs by itself.
-- `tenant` gets another phase, which its CHECK does not allow, and SQLite cannot change a CHECK: so the table is made anew, and
-- with it whatever refers to it. Every row stays as it is.

ALTER TABLE tenant RENAME TO tenant_0001;
DROP INDEX tenant_name;
DROP INDEX tenant_due;

CREATE TABLE tenant (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,                                       -- never changes
  phase TEXT NOT NULL
    CHECK (phase IN ('pending', 'ready', 'updating', 'suspended', 'failed', 'deleting', 'deleted')),
  generation INTEGER NOT NULL CHECK (generation >= 1),      -- counts changes of what is wanted; never falls
  observed_generation INTEGER NOT NULL DEFAULT 0 CHECK (observed_generation <= generation),
  spec TEXT NOT NULL CHECK (json_valid(spec)),
  release_id TEXT NOT NULL REFERENCES release (id),
  conditions TEXT NOT NULL CHECK (json_valid(conditions)),
  wanted_since_ms INTEGER NOT NULL,                         -- when the present generation was asked for, or its last repair began
  suspended_at_ms INTEGER,                                  -- NULL: it is to run
  expires_at_ms INTEGER,                                    -- end of a trial; NULL: it has none
  delete_asked_at_ms INTEGER,                               -- NULL: nobody asked
  keep_data_until_ms INTEGER,                               -- with delete_asked_at_ms: the bucket stays until then
  due_at_ms INTEGER,                                        -- wants a round from then on; NULL: wants none
  lease_token TEXT,                                         -- who may run the round now; NULL: nobody
  lease_expires_ms INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,                      -- rounds since the last progress
  booked_calls INTEGER NOT NULL DEFAULT 0,                  -- calls that the round at due_at_ms may make, paid for already
  checked_at_ms INTEGER NOT NULL DEFAULT 0,                 -- when it was last compared with what Cloudflare has
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  deleted_at_ms INTEGER,                                    -- NULL: not a tombstone
  CHECK ((phase = 'deleted') = (deleted_at_ms IS NOT NULL))
) STRICT;

INSERT INTO tenant
  (id, name, phase, generation, observed_generation, spec, release_id, conditions, wanted_since_ms, delete_asked_at_ms,
   keep_data_until_ms, due_at_ms, lease_token, lease_expires_ms, attempts, created_at_ms, updated_at_ms, deleted_at_ms)
SELECT
   id, name, phase, generation, observed_generation, spec, release_id, conditions, updated_at_ms, delete_asked_at_ms,
   keep_data_until_ms, due_at_ms, lease_token, lease_expires_ms, attempts, created_at_ms, updated_at_ms, deleted_at_ms
FROM tenant_0001;

-- The ledger: everything that may exist in Cloudflare for a tenant. A row is here before the first call that makes it.
-- A life begins with the first asking and ends when a read shows that nothing is left; then asked_at_ms is NULL again, and
-- the row is the receipt.
CREATE TABLE resource_0002 (
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  kind TEXT NOT NULL CHECK (kind IN ('bucket', 'script', 'application', 'route', 'schedule')),
  name TEXT NOT NULL,                                       -- in Cloudflare; fixed at sign-up, never changes
  state TEXT NOT NULL CHECK (state IN ('absent', 'unknown', 'present')),  -- unknown: a call was sent, its end not seen
  external_id TEXT,                                         -- Cloudflare's id in this life, or in the last one
  applied TEXT CHECK (json_valid(applied)),                 -- what it was last made to be; NULL: not known
  asked_at_ms INTEGER,                                      -- when it was first asked for in its present life
  removal_asked_at_ms INTEGER,                              -- when it was first asked to go
  removed_at_ms INTEGER,                                    -- when Cloudflare said that it is deleted
  gone_at_ms INTEGER,                                       -- when a read after that showed that it is gone
  confirmed_at_ms INTEGER,                                  -- when an answer last confirmed the state
  PRIMARY KEY (tenant_id, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO resource_0002 (tenant_id, kind, name, state, external_id, applied, asked_at_ms, confirmed_at_ms)
SELECT tenant_id, kind, name, state, external_id, applied, asked_at_ms, confirmed_at_ms FROM resource;
DROP TABLE resource;
ALTER TABLE resource_0002 RENAME TO resource;

CREATE TABLE secret_0002 (
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  name TEXT NOT NULL,
  wanted TEXT NOT NULL CHECK (wanted IN ('set', 'deleted')),
  version INTEGER NOT NULL CHECK (version >= 1),            -- counts changes; never falls
  pushed_version INTEGER NOT NULL DEFAULT 0,                -- the one that Cloudflare has; 0: none
  sealed TEXT,                                              -- encrypted value; erased once pushed
  updated_at_ms INTEGER NOT NULL,
  pushed_at_ms INTEGER,
  PRIMARY KEY (tenant_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO secret_0002 SELECT * FROM secret;
DROP TABLE secret;
ALTER TABLE secret_0002 RENAME TO secret;

CREATE TABLE token_0002 (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  hash TEXT NOT NULL UNIQUE,                                -- SHA-256 of the token, hexadecimal
  created_at_ms INTEGER NOT NULL
) STRICT;
INSERT INTO token_0002 SELECT * FROM token;
DROP TABLE token;
ALTER TABLE token_0002 RENAME TO token;
CREATE INDEX token_of_tenant ON token (tenant_id);

CREATE TABLE event_0002 (
  id INTEGER PRIMARY KEY AUTOINCREMENT,                     -- never used again, so that "after" is safe to page by
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  at_ms INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL                                     -- for people; never a secret value
) STRICT;
INSERT INTO event_0002 SELECT * FROM event;
DROP TABLE event;
ALTER TABLE event_0002 RENAME TO event;
CREATE INDEX event_of_tenant ON event (tenant_id, id);
CREATE INDEX event_by_age ON event (at_ms);

DROP TABLE tenant_0001;

-- A name belongs to one living tenant at most; this is what decides between two sign-ups at once.
CREATE UNIQUE INDEX tenant_name ON tenant (name) WHERE deleted_at_ms IS NULL;
CREATE INDEX tenant_due ON tenant (due_at_ms) WHERE due_at_ms IS NOT NULL;
CREATE INDEX tenant_expires ON tenant (expires_at_ms) WHERE expires_at_ms IS NOT NULL AND delete_asked_at_ms IS NULL;
CREATE INDEX tenant_checked ON tenant (checked_at_ms) WHERE phase IN ('ready', 'suspended');
CREATE INDEX tenant_tombstone ON tenant (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;
CREATE INDEX resource_name ON resource (name, kind);

-- Calls to the Cloudflare API, of which all tenants share one allowance: one row.
CREATE TABLE api_budget (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  booked_until_ms INTEGER NOT NULL,                         -- when everything booked so far is paid for at the steady pace
  blocked_until_ms INTEGER NOT NULL                         -- Cloudflare asked for no call before then
) STRICT;
INSERT INTO api_budget (id, booked_until_ms, blocked_until_ms) VALUES (1, 0, 0);

-- What runs by itself: where it is, and what it last found.
CREATE TABLE job (
  name TEXT PRIMARY KEY,
  started_at_ms INTEGER NOT NULL,
  finished_at_ms INTEGER,                                   -- NULL: under way, or cut off
  cursor TEXT,                                              -- where the next run goes on; NULL: at the beginning
  report TEXT NOT NULL CHECK (json_valid(report))
) STRICT, WITHOUT ROWID;

-- What is in the account under the plane's names or tags, and on nobody's ledger.
CREATE TABLE orphan (
  kind TEXT NOT NULL CHECK (kind IN ('bucket', 'script', 'application')),
  name TEXT NOT NULL,
  external_id TEXT,                                         -- Cloudflare's id, where it has one beside the name
  is_ours INTEGER NOT NULL CHECK (is_ours IN (0, 1)),       -- 1: it carries the plane's own mark
  first_seen_ms INTEGER NOT NULL,
  last_seen_ms INTEGER NOT NULL,
  delete_asked_at_ms INTEGER,                               -- an operator's word
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
