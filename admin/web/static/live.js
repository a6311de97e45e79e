// Keeps the part of a page fresh that changes while somebody looks. Without it the page loads itself anew.
"use strict";

const PAUSE = 1500;
const live = document.querySelector("[data-live]");

async function refresh() {
  try {
    const answer = await fetch(live.dataset.live, { credentials: "same-origin", redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 403) {
      location.reload(); // the session is over: the page says so
      return;
    }
    if (answer.ok) {
      const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = parsed.body.innerHTML.trim();
      // Only what changed is replaced, so that nobody loses the place of the keyboard for nothing.
      if (fresh !== live.dataset.shown) {
        live.dataset.shown = fresh;
        live.replaceChildren(...parsed.body.childNodes);
      }
    }
  } catch {
    // The console does not answer now; it is asked again.
  }
  next();
}

function next() {
  if (!live.querySelector("[data-over]")) {
    setTimeout(refresh, PAUSE);
  }
}

if (live) {
  next();
}
