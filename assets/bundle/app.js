// What makes the pages live. All of them work without it.

import "@github/clipboard-copy-element";
import "@github/relative-time-element";
import "htmx.org/dist/htmx.esm.js";

/** How long a button says that it has copied. */
const saidMs = 2_000;

document.addEventListener("clipboard-copy", ({ target: button }) => {
  button.textContent = "Copied";
  document.getElementById("said").textContent = `${button.getAttribute("aria-label")}: done`;
  setTimeout(() => (button.textContent = "Copy"), saidMs);
});
