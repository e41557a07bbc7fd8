-- Self-service: tokens with scopes and an end, invites, keys of repeated requests, owners, and the fleet in numbers.
-- Every row stays as it is: tokens that exist may do everything and never expire, tenants that exist have no owner.

ALTER TABLE token ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read write secrets';  -- what it is good for, words of that list
ALTER TABLE token ADD COLUMN expires_at_ms INTEGER;         -- good for nothing from then on; NULL: never expires
ALTER TABLE token ADD COLUMN last_used_at_ms INTEGER;       -- written once an hour at most; NULL: not since this was kept
ALTER TABLE token ADD COLUMN revoked_at_ms INTEGER;         -- good for nothing since; NULL: not revoked

-- At most two tokens of a tenant are good at once: those are found without a look at the revoked ones.
DROP INDEX token_of_tenant;
CREATE INDEX token_of_tenant ON token (tenant_id, revoked_at_ms);
CREATE INDEX token_revoked ON token (revoked_at_ms) WHERE revoked_at_ms IS NOT NULL;
CREATE INDEX token_expires ON token (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

ALTER TABLE tenant ADD COLUMN owner TEXT;                   -- who counts for the limit of tenants per owner; NULL: nobody does
CREATE INDEX tenant_created ON tenant (created_at_ms);
CREATE INDEX tenant_of_owner ON tenant (owner) WHERE owner IS NOT NULL AND deleted_at_ms IS NULL;

-- Codes that the operator hands out, each good for one sign-up.
CREATE TABLE invite (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,                                -- SHA-256 of the code, hexadecimal
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,                           -- good for nothing from then on
  tenant_name TEXT,                                         -- the only name it is good for; NULL: any
  largest TEXT,                                             -- the largest instance type it is good for; NULL: any
  owner TEXT,                                               -- its tenant's; NULL: as without an invite
  note TEXT,                                                -- the operator's, for people
  revoked_at_ms INTEGER,                                    -- good for nothing since; NULL: not revoked
  used_at_ms INTEGER,                                       -- NULL: not used
  used_by TEXT,                                             -- with used_at_ms: the tenant's id. The row may outlive the tenant's
  CHECK ((used_at_ms IS NULL) = (used_by IS NULL)),
  CHECK (used_at_ms IS NULL OR revoked_at_ms IS NULL)
) STRICT;
CREATE INDEX invite_by_age ON invite (created_at_ms, id);
CREATE INDEX invite_expires ON invite (expires_at_ms);

-- Requests that came with an Idempotency-Key, and what they were answered. A row is written with the effect of its request,
-- all or nothing, so that there is none of a request under way.
CREATE TABLE idempotency (
  scope TEXT NOT NULL,                                      -- who asked; two callers' keys have nothing to do with each other
  key_hash TEXT NOT NULL,                                   -- SHA-256 of the key, hexadecimal
  fingerprint TEXT NOT NULL,                                -- of the request: the same key on another one is refused
  status INTEGER NOT NULL,                                  -- of the answer
  answer TEXT NOT NULL,                                     -- encrypted: it may hold tokens that are shown once
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (scope, key_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created_at_ms);

-- How many tenants there are, and the instances that they may have at once, so that counting reads a few rows and not all
-- tenants. Kept by the triggers below whoever writes; a migration that makes `tenant` anew has to make them anew, too.
-- Deleted tenants are not counted. A row may say 0.
CREATE TABLE fleet (
  phase TEXT NOT NULL,
  instance_type TEXT NOT NULL,
  tenants INTEGER NOT NULL,
  instances INTEGER NOT NULL,                               -- sum of max_instances
  PRIMARY KEY (phase, instance_type)
) STRICT, WITHOUT ROWID;

-- A spec that does not fit counts under '' and 0: whoever reads the tenant complains, counting stands in nobody's way.
INSERT INTO fleet (phase, instance_type, tenants, instances)
SELECT phase, COALESCE(spec ->> 'instance_type', ''), COUNT(*), SUM(CAST(COALESCE(spec ->> 'max_instances', 0) AS INTEGER))
FROM tenant WHERE phase <> 'deleted' GROUP BY 1, 2;

CREATE TRIGGER fleet_comes AFTER INSERT ON tenant WHEN NEW.phase <> 'deleted'
BEGIN
  INSERT INTO fleet (phase, instance_type, tenants, instances)
  VALUES (NEW.phase, COALESCE(NEW.spec ->> 'instance_type', ''), 1, CAST(COALESCE(NEW.spec ->> 'max_instances', 0) AS INTEGER))
  ON CONFLICT (phase, instance_type) DO UPDATE SET tenants = tenants + 1, instances = instances + excluded.instances;
END;

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

CREATE TRIGGER fleet_goes AFTER DELETE ON tenant WHEN OLD.phase <> 'deleted'
BEGIN
  UPDATE fleet
  SET tenants = tenants - 1, instances = instances - CAST(COALESCE(OLD.spec ->> 'max_instances', 0) AS INTEGER)
  WHERE phase = OLD.phase AND instance_type = COALESCE(OLD.spec ->> 'instance_type', '');
END;
