// The tenant's Durable Object. In the real Worker it drives the container; here it keeps one number in its own SQLite.
// One object per tenant, always named "moltbot", as in the Worker that it stands for.

import { DurableObject } from "cloudflare:workers";

export class Sandbox extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), views INTEGER NOT NULL)");
  }

  /** Counts one view and returns the new number. One statement, so that two views at once count as two. */
  view() {
    return this.ctx.storage.sql
      .exec("INSERT INTO counter (id, views) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET views = views + 1 RETURNING views")
      .one().views;
  }

  /** The number of views so far, without counting this one. */
  views() {
    return this.ctx.storage.sql.exec("SELECT views FROM counter").toArray()[0]?.views ?? 0;
  }
}
