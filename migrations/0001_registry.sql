-- The tenant registry. Times are milliseconds since the Unix epoch, UTC, given by the plane and never by the database.
-- What is not kept here: secret values, once they are pushed; API tokens, of which only a hash is stored; the files of a
-- release, which rest in the RELEASES bucket.

-- Immutable bundles that tenants are deployed from. Written by the publishing tool.
CREATE TABLE release (
  id TEXT PRIMARY KEY,                                      -- rel_ and a hash of the manifest; never changes
  manifest TEXT NOT NULL CHECK (json_valid(manifest)),      -- what it consists of; never changes
  created_at_ms INTEGER NOT NULL,
  default_since_ms INTEGER                                  -- the newest of these is what sign-ups get; NULL: never was
) STRICT;

CREATE TABLE tenant (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,                                       -- never changes
  phase TEXT NOT NULL CHECK (phase IN ('pending', 'ready', 'updating', 'failed', 'deleting', 'deleted')),
  generation INTEGER NOT NULL CHECK (generation >= 1),      -- counts changes of what is wanted; never falls
  observed_generation INTEGER NOT NULL DEFAULT 0 CHECK (observed_generation <= generation),
  spec TEXT NOT NULL CHECK (json_valid(spec)),
  release_id TEXT NOT NULL REFERENCES release (id),
  conditions TEXT NOT NULL CHECK (json_valid(conditions)),
  delete_asked_at_ms INTEGER,                               -- NULL: nobody asked
  keep_data_until_ms INTEGER,                               -- with delete_asked_at_ms: the bucket stays until then
  due_at_ms INTEGER,                                        -- wants a round from then on; NULL: wants none
  lease_token TEXT,                                         -- who may run the round now; NULL: nobody
  lease_expires_ms INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,                      -- rounds since the last progress
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  deleted_at_ms INTEGER,                                    -- NULL: not a tombstone
  CHECK ((phase = 'deleted') = (deleted_at_ms IS NOT NULL))
) STRICT;

-- A name belongs to one living tenant at most; this is what decides between two sign-ups at once.
CREATE UNIQUE INDEX tenant_name ON tenant (name) WHERE deleted_at_ms IS NULL;
CREATE INDEX tenant_due ON tenant (due_at_ms) WHERE due_at_ms IS NOT NULL;

-- The ledger: everything that may exist in Cloudflare for a tenant. A row is here before the first call that makes it.
CREATE TABLE resource (
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  kind TEXT NOT NULL CHECK (kind IN ('bucket', 'script', 'application', 'route', 'schedule')),
  name TEXT NOT NULL,                                       -- in Cloudflare; fixed at sign-up, never changes
  state TEXT NOT NULL CHECK (state IN ('absent', 'unknown', 'present')),  -- unknown: a call was sent, its end not seen
  external_id TEXT,                                         -- Cloudflare's id, where it has one beside the name
  applied TEXT CHECK (json_valid(applied)),                 -- what it was last made to be; NULL: not known
  asked_at_ms INTEGER,                                      -- when it was first asked for in its present life
  confirmed_at_ms INTEGER,                                  -- when an answer last confirmed the state
  PRIMARY KEY (tenant_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE secret (
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

CREATE TABLE token (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  hash TEXT NOT NULL UNIQUE,                                -- SHA-256 of the token, hexadecimal
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,                     -- never used again, so that "after" is safe to page by
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  at_ms INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL                                     -- for people; never a secret value
) STRICT;
CREATE INDEX event_of_tenant ON event (tenant_id, id);
