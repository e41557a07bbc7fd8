-- A secret is live once the Worker has it and what runs in its containers was started with it. What was pushed before this
-- was known counts as live: nobody is restarted because the plane was upgraded.
ALTER TABLE secret ADD COLUMN live_version INTEGER NOT NULL DEFAULT 0;  -- the newest that was live everywhere; 0: none
UPDATE secret SET live_version = pushed_version;
