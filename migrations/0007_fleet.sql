-- The fleet as operators look at it: by owner, phase, release, size and what is wrong, by name, by age, by latest change.
-- Each of these walks one index in order, so that a page reads as many rows as it shows, however many tenants there are.

-- Living tenants have a name each; deleted ones may share it, so that their phase needs the id as well.
CREATE INDEX tenant_by_phase ON tenant (phase, name, id);
CREATE INDEX tenant_of_release ON tenant (release_id, name) WHERE deleted_at_ms IS NULL;
CREATE INDEX tenant_of_size ON tenant (spec ->> 'instance_type', name) WHERE deleted_at_ms IS NULL;
CREATE INDEX tenant_changed ON tenant (updated_at_ms, id);

-- The same two as before, each with what orders a page.
DROP INDEX tenant_created;
CREATE INDEX tenant_created ON tenant (created_at_ms, id);
DROP INDEX tenant_of_owner;
CREATE INDEX tenant_of_owner ON tenant (owner, name) WHERE owner IS NOT NULL AND deleted_at_ms IS NULL;

-- By a condition that does not say what it should. A quote inside a text of the JSON has a backslash before it, so that none
-- of these can be found in what somebody wrote.
CREATE INDEX tenant_unready ON tenant (name)
  WHERE deleted_at_ms IS NULL AND instr(conditions, '"type":"Ready","status":"True"') = 0;
CREATE INDEX tenant_secrets_unready ON tenant (name)
  WHERE deleted_at_ms IS NULL AND instr(conditions, '"type":"SecretsReady","status":"False"') > 0;
CREATE INDEX tenant_stalled ON tenant (name)
  WHERE deleted_at_ms IS NULL AND instr(conditions, '"type":"Stalled","status":"True"') > 0;

-- What a person has to see to: secrets that only their owner can set, and what is on its way, by since when.
CREATE INDEX tenant_lacks_secrets ON tenant (name)
  WHERE deleted_at_ms IS NULL AND (instr(conditions, '"type":"SecretsReady","status":"False","reason":"Missing"') > 0
    OR instr(conditions, '"type":"SecretsReady","status":"False","reason":"Lost"') > 0);
CREATE INDEX tenant_on_its_way ON tenant (phase, MAX(COALESCE(keep_data_until_ms, 0), wanted_since_ms))
  WHERE phase IN ('pending', 'updating', 'failed', 'deleting');
