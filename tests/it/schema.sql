-- The registry's schema as the migrations leave it, without comments; see the migrations for those.
-- Made by: UPDATE_SCHEMA=1 cargo test --test it schema

CREATE TABLE event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  at_ms INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;

CREATE INDEX event_of_tenant ON event (tenant_id, id);

CREATE TABLE release (
  id TEXT PRIMARY KEY,
  manifest TEXT NOT NULL CHECK (json_valid(manifest)),
  created_at_ms INTEGER NOT NULL,
  default_since_ms INTEGER
) STRICT;

CREATE TABLE resource (
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  kind TEXT NOT NULL CHECK (kind IN ('bucket', 'script', 'application', 'route', 'schedule')),
  name TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('absent', 'unknown', 'present')),
  external_id TEXT,
  applied TEXT CHECK (json_valid(applied)),
  asked_at_ms INTEGER,
  confirmed_at_ms INTEGER,
  PRIMARY KEY (tenant_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE secret (
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  name TEXT NOT NULL,
  wanted TEXT NOT NULL CHECK (wanted IN ('set', 'deleted')),
  version INTEGER NOT NULL CHECK (version >= 1),
  pushed_version INTEGER NOT NULL DEFAULT 0,
  sealed TEXT,
  updated_at_ms INTEGER NOT NULL,
  pushed_at_ms INTEGER,
  PRIMARY KEY (tenant_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenant (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('pending', 'ready', 'updating', 'failed', 'deleting', 'deleted')),
  generation INTEGER NOT NULL CHECK (generation >= 1),
  observed_generation INTEGER NOT NULL DEFAULT 0 CHECK (observed_generation <= generation),
  spec TEXT NOT NULL CHECK (json_valid(spec)),
  release_id TEXT NOT NULL REFERENCES release (id),
  conditions TEXT NOT NULL CHECK (json_valid(conditions)),
  delete_asked_at_ms INTEGER,
  keep_data_until_ms INTEGER,
  due_at_ms INTEGER,
  lease_token TEXT,
  lease_expires_ms INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  deleted_at_ms INTEGER,
  CHECK ((phase = 'deleted') = (deleted_at_ms IS NOT NULL))
) STRICT;

CREATE INDEX tenant_due ON tenant (due_at_ms) WHERE due_at_ms IS NOT NULL;

CREATE UNIQUE INDEX tenant_name ON tenant (name) WHERE deleted_at_ms IS NULL;

CREATE TABLE token (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  hash TEXT NOT NULL UNIQUE,
  created_at_ms INTEGER NOT NULL
) STRICT;
