-- An invite's size cap holds as long as its tenant lives. Tenants that exist have none.
ALTER TABLE tenant ADD COLUMN largest TEXT;                 -- the largest instance type that it may have; NULL: any
