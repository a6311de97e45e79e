/* Fresh figures without loading the page again: the same piece of the page, made by the gateway, put in the place of
   the old one. Nothing is computed or translated here. The request says that it is the page's own: it keeps no session
   alive for which nobody is there. */
(() => {
  "use strict";
  const EVERY = 10_000;
  const place = document.getElementById("live");
  const ended = document.getElementById("ended");

  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch(place.dataset.source, {
        headers: { "X-Live": "1" }, redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(EVERY),
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      put([...fresh.children]);
      ended.hidden = true;
    } catch {
      ended.hidden = false;
    }
  }

  /* Only what has changed is replaced, and never what somebody is standing on with the keyboard. */
  function put(fresh) {
    const old = [...place.children];
    if (fresh.length !== old.length) {
      place.replaceChildren(...fresh);
      return;
    }
    fresh.forEach((one, index) => {
      if (one.outerHTML !== old[index].outerHTML && !old[index].contains(document.activeElement)) old[index].replaceWith(one);
    });
  }

  if (place) {
    setInterval(refresh, EVERY);
    document.addEventListener("visibilitychange", refresh);
  }
})();
