-- The registry's schema as the migrations leave it, without comments; see the migrations for those.
-- Made by: UPDATE_SCHEMA=1 cargo test --test it schema

CREATE TABLE api_budget (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  booked_until_ms INTEGER NOT NULL,
  blocked_until_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  entry TEXT NOT NULL CHECK (json_valid(entry)),
  hash TEXT NOT NULL,
  actor TEXT GENERATED ALWAYS AS (entry ->> 'actor') VIRTUAL,
  target TEXT GENERATED ALWAYS AS (entry ->> 'target') VIRTUAL
) STRICT;

CREATE INDEX audit_of_actor ON audit (actor, seq);

CREATE INDEX audit_of_target ON audit (target, seq);

CREATE TABLE "event" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  at_ms INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;

CREATE INDEX event_by_age ON event (at_ms);

CREATE INDEX event_of_tenant ON event (tenant_id, id);

CREATE TABLE fleet (
  phase TEXT NOT NULL,
  instance_type TEXT NOT NULL,
  tenants INTEGER NOT NULL,
  instances INTEGER NOT NULL,
  PRIMARY KEY (phase, instance_type)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
  scope TEXT NOT NULL,
  key_hash TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  status INTEGER NOT NULL,
  answer TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (scope, key_hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_age ON idempotency (created_at_ms);

CREATE TABLE invite (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  tenant_name TEXT,
  largest TEXT,
  owner TEXT,
  note TEXT,
  revoked_at_ms INTEGER,
  used_at_ms INTEGER,
  used_by TEXT,
  CHECK ((used_at_ms IS NULL) = (used_by IS NULL)),
  CHECK (used_at_ms IS NULL OR revoked_at_ms IS NULL)
) STRICT;

CREATE INDEX invite_by_age ON invite (created_at_ms, id);

CREATE INDEX invite_expires ON invite (expires_at_ms);

CREATE TABLE job (
  name TEXT PRIMARY KEY,
  started_at_ms INTEGER NOT NULL,
  finished_at_ms INTEGER,
  cursor TEXT,
  report TEXT NOT NULL CHECK (json_valid(report))
) STRICT, WITHOUT ROWID;

CREATE TABLE orphan (
  kind TEXT NOT NULL CHECK (kind IN ('bucket', 'script', 'application')),
  name TEXT NOT NULL,
  external_id TEXT,
  is_ours INTEGER NOT NULL CHECK (is_ours IN (0, 1)),
  first_seen_ms INTEGER NOT NULL,
  last_seen_ms INTEGER NOT NULL,
  delete_asked_at_ms INTEGER,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE release (
  id TEXT PRIMARY KEY,
  manifest TEXT NOT NULL CHECK (json_valid(manifest)),
  created_at_ms INTEGER NOT NULL,
  default_since_ms INTEGER
) STRICT;

CREATE TABLE "resource" (
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  kind TEXT NOT NULL CHECK (kind IN ('bucket', 'script', 'application', 'route', 'schedule')),
  name TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('absent', 'unknown', 'present')),
  external_id TEXT,
  applied TEXT CHECK (json_valid(applied)),
  asked_at_ms INTEGER,
  removal_asked_at_ms INTEGER,
  removed_at_ms INTEGER,
  gone_at_ms INTEGER,
  confirmed_at_ms INTEGER,
  PRIMARY KEY (tenant_id, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX resource_name ON resource (name, kind);

CREATE TABLE "secret" (
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  name TEXT NOT NULL,
  wanted TEXT NOT NULL CHECK (wanted IN ('set', 'deleted')),
  version INTEGER NOT NULL CHECK (version >= 1),
  pushed_version INTEGER NOT NULL DEFAULT 0,
  sealed TEXT,
  updated_at_ms INTEGER NOT NULL,
  pushed_at_ms INTEGER, live_version INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, name)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER fleet_changes AFTER UPDATE OF phase, spec ON tenant WHEN NEW.phase <> OLD.phase OR NEW.spec <> OLD.spec
BEGIN
  UPDATE fleet
  SET tenants = tenants - 1, instances = instances - CAST(COALESCE(OLD.spec ->> 'max_instances', 0) AS INTEGER)
  WHERE phase = OLD.phase AND instance_type = COALESCE(OLD.spec ->> 'instance_type', '');
  INSERT INTO fleet (phase, instance_type, tenants, instances)
  SELECT NEW.phase, COALESCE(NEW.spec ->> 'instance_type', ''), 1, CAST(COALESCE(NEW.spec ->> 'max_instances', 0) AS INTEGER)
  WHERE NEW.phase <> 'deleted'
  ON CONFLICT (phase, instance_type) DO UPDATE SET tenants = tenants + 1, instances = instances + excluded.instances;
END;

CREATE TRIGGER fleet_comes AFTER INSERT ON tenant WHEN NEW.phase <> 'deleted'
BEGIN
  INSERT INTO fleet (phase, instance_type, tenants, instances)
  VALUES (NEW.phase, COALESCE(NEW.spec ->> 'instance_type', ''), 1, CAST(COALESCE(NEW.spec ->> 'max_instances', 0) AS INTEGER))
  ON CONFLICT (phase, instance_type) DO UPDATE SET tenants = tenants + 1, instances = instances + excluded.instances;
END;

CREATE TRIGGER fleet_goes AFTER DELETE ON tenant WHEN OLD.phase <> 'deleted'
BEGIN
  UPDATE fleet
  SET tenants = tenants - 1, instances = instances - CAST(COALESCE(OLD.spec ->> 'max_instances', 0) AS INTEGER)
  WHERE phase = OLD.phase AND instance_type = COALESCE(OLD.spec ->> 'instance_type', '');
END;

CREATE TABLE tenant (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  phase TEXT NOT NULL
    CHECK (phase IN ('pending', 'ready', 'updating', 'suspended', 'failed', 'deleting', 'deleted')),
  generation INTEGER NOT NULL CHECK (generation >= 1),
  observed_generation INTEGER NOT NULL DEFAULT 0 CHECK (observed_generation <= generation),
  spec TEXT NOT NULL CHECK (json_valid(spec)),
  release_id TEXT NOT NULL REFERENCES release (id),
  conditions TEXT NOT NULL CHECK (json_valid(conditions)),
  wanted_since_ms INTEGER NOT NULL,
  suspended_at_ms INTEGER,
  expires_at_ms INTEGER,
  delete_asked_at_ms INTEGER,
  keep_data_until_ms INTEGER,
  due_at_ms INTEGER,
  lease_token TEXT,
  lease_expires_ms INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  booked_calls INTEGER NOT NULL DEFAULT 0,
  checked_at_ms INTEGER NOT NULL DEFAULT 0,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  deleted_at_ms INTEGER, owner TEXT, largest TEXT, paused_at_ms INTEGER,
  CHECK ((phase = 'deleted') = (deleted_at_ms IS NOT NULL))
) STRICT;

CREATE INDEX tenant_by_phase ON tenant (phase, name, id);

CREATE INDEX tenant_changed ON tenant (updated_at_ms, id);

CREATE INDEX tenant_checked ON tenant (checked_at_ms) WHERE phase IN ('ready', 'suspended');

CREATE INDEX tenant_created ON tenant (created_at_ms, id);

CREATE INDEX tenant_due ON tenant (due_at_ms) WHERE due_at_ms IS NOT NULL;

CREATE INDEX tenant_expires ON tenant (expires_at_ms) WHERE expires_at_ms IS NOT NULL AND delete_asked_at_ms IS NULL;

CREATE INDEX tenant_lacks_secrets ON tenant (name)
  WHERE deleted_at_ms IS NULL AND (instr(conditions, '"type":"SecretsReady","status":"False","reason":"Missing"') > 0
    OR instr(conditions, '"type":"SecretsReady","status":"False","reason":"Lost"') > 0);

CREATE UNIQUE INDEX tenant_name ON tenant (name) WHERE deleted_at_ms IS NULL;

CREATE INDEX tenant_of_owner ON tenant (owner, name) WHERE owner IS NOT NULL AND deleted_at_ms IS NULL;

CREATE INDEX tenant_of_release ON tenant (release_id, name) WHERE deleted_at_ms IS NULL;

CREATE INDEX tenant_of_size ON tenant (spec ->> 'instance_type', name) WHERE deleted_at_ms IS NULL;

CREATE INDEX tenant_on_its_way ON tenant (phase, MAX(COALESCE(keep_data_until_ms, 0), wanted_since_ms))
  WHERE phase IN ('pending', 'updating', 'failed', 'deleting');

CREATE INDEX tenant_secrets_unready ON tenant (name)
  WHERE deleted_at_ms IS NULL AND instr(conditions, '"type":"SecretsReady","status":"False"') > 0;

CREATE INDEX tenant_stalled ON tenant (name)
  WHERE deleted_at_ms IS NULL AND instr(conditions, '"type":"Stalled","status":"True"') > 0;

CREATE INDEX tenant_tombstone ON tenant (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;

CREATE INDEX tenant_unready ON tenant (name)
  WHERE deleted_at_ms IS NULL AND instr(conditions, '"type":"Ready","status":"True"') = 0;

CREATE TABLE "token" (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  hash TEXT NOT NULL UNIQUE,
  created_at_ms INTEGER NOT NULL
, scopes TEXT NOT NULL DEFAULT 'read write secrets', expires_at_ms INTEGER, last_used_at_ms INTEGER, revoked_at_ms INTEGER) STRICT;

CREATE INDEX token_expires ON token (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

CREATE INDEX token_of_tenant ON token (tenant_id, revoked_at_ms);

CREATE INDEX token_revoked ON token (revoked_at_ms) WHERE revoked_at_ms IS NOT NULL;
