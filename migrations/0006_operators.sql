-- What operators do: who did what to whom, and tenants whose rounds wait until somebody says otherwise.

ALTER TABLE tenant ADD COLUMN paused_at_ms INTEGER;         -- since when no round begins; NULL: rounds run

-- Every act of an operator, written with what it does, all or nothing. Kept for ever; nothing changes or deletes a line.
-- Everything that is said of an act is in its entry, and the hash is of the line before it and of the entry, so that a line
-- that was changed, removed or slipped in shows.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,                                  -- 1, 2, 3, …: of two acts at once one gets a number
  entry TEXT NOT NULL CHECK (json_valid(entry)),            -- the line as it is exported and hashed
  hash TEXT NOT NULL,                                       -- SHA-256, hexadecimal: of the hash before it, a line feed, and entry
  actor TEXT GENERATED ALWAYS AS (entry ->> 'actor') VIRTUAL,
  target TEXT GENERATED ALWAYS AS (entry ->> 'target') VIRTUAL
) STRICT;
CREATE INDEX audit_of_actor ON audit (actor, seq);
CREATE INDEX audit_of_target ON audit (target, seq);
