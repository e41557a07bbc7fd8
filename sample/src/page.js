// Fills in page.html. Everything that comes from outside goes through `escapeHtml`; the template has no scripts.

import template from "./page.html";

export function renderPage({ environment, secrets, sleep_after, counter, note, note_checksum, last_tick }) {
  const values = {
    environment: escapeHtml(environment ?? "(not set)"),
    secrets: secrets.length === 0 ? "<li>none</li>" : secrets.map((name) => `<li><code>${escapeHtml(name)}</code></li>`).join(""),
    sleep_after: escapeHtml(sleep_after),
    counter: String(counter),
    note: escapeHtml(note),
    note_checksum: escapeHtml(note_checksum),
    last_tick: last_tick === null ? "never" : new Date(last_tick.scheduled_time_ms).toISOString(),
  };
  return template.replace(/\{\{(\w+)\}\}/g, (_, name) => values[name]);
}

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export function escapeHtml(text) {
  return String(text).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}
