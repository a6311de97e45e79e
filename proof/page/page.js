// The page: takes two files, has them checked, shows what came of it. Sends nothing; the browser would not let it.

import { certificatesIn, looksLikeExport } from "./files.js";
import { judgeAll, serve } from "./pool.js";
import { Refusal } from "./refusal.js";
import { View, element, say, sign } from "./report.js";
import { verify } from "./verify.js";

if (typeof document === "undefined") serve(self);
else begin();

function begin() {
  const program = document.getElementById("program").textContent;
  const find = (name) => document.getElementById(name);
  const state = {
    language: /^de\b/.test(navigator.language) ? "de" : "en",
    export: null,
    root: null,
    result: null,
    refusal: null,
    running: false,
  };

  const translate = () => {
    document.documentElement.lang = state.language;
    document.title = say(state.language, "page.title");
    for (const each of document.querySelectorAll("[data-say]")) each.textContent = say(state.language, each.dataset.say);
    find("language").lang = state.language === "de" ? "en" : "de";
  };

  const show = () => {
    translate();
    for (const kind of ["export", "root"]) {
      const file = state[kind];
      find(`${kind}-name`).textContent = file === null ? "" : file.name;
      find(`${kind}-box`).classList.toggle("there", file !== null);
    }
    find("check").disabled = state.running;
    find("save").hidden = state.result === null;
    const view = new View(state.language);
    if (state.result !== null) find("result").replaceChildren(...view.whole(state.result));
    else if (state.refusal !== null) find("result").replaceChildren(refused(state.refusal));
    else find("result").replaceChildren();
  };

  const refused = (reason) =>
    element(
      "section",
      { class: "card hero bad", id: "verdict", "data-genuine": "refused", "data-reason": reason },
      sign("bad"),
      element(
        "div",
        {},
        element("h2", {}, say(state.language, "page.refused")),
        element("p", {}, say(state.language, `page.refused.${reason}`)),
      ),
    );

  const progress = (text, done, all) => {
    find("progress").hidden = text === "";
    find("progress-text").textContent = text;
    if (all > 0) {
      find("bar").max = all;
      find("bar").value = done;
    } else {
      find("bar").removeAttribute("value");
    }
  };

  const check = async () => {
    if (state.running) return;
    Object.assign(state, { result: null, refusal: null, running: true });
    show();
    try {
      if (state.export === null) throw new Refusal("export");
      if (state.root === null) throw new Refusal("root");
      progress(say(state.language, "page.read"), 0, 0);
      const [data, root] = await Promise.all([octets(state.export), octets(state.root)]);
      const run = (ground, readings) => {
        const all = readings.length;
        const told = (done) => progress(say(state.language, "page.progress", { done, all }), done, all);
        return judgeAll(ground, readings, program, told);
      };
      state.result = await verify(data, certificatesIn(root), run);
    } catch (error) {
      // Whatever else went wrong is no verdict: it is said to be none.
      if (!(error instanceof Refusal)) console.error(error);
      state.refusal = error instanceof Refusal ? error.reason : "fault";
    }
    state.running = false;
    progress("", 0, 0);
    show();
    window.verdict = state.result === null ? { refused: state.refusal } : state.result.report;
    find("result").focus({ preventScroll: true });
    find("result").scrollIntoView({ block: "start" });
  };

  const take = async (files) => {
    for (const file of files) {
      const first = new Uint8Array(await file.slice(0, 1).arrayBuffer());
      state[looksLikeExport(first) ? "export" : "root"] = file;
    }
    Object.assign(state, { result: null, refusal: null });
    show();
    if (state.export !== null && state.root !== null) await check();
  };

  for (const kind of ["export", "root"]) {
    find(kind).addEventListener("change", ({ target }) => {
      state[kind] = target.files[0] ?? null;
      Object.assign(state, { result: null, refusal: null });
      show();
    });
  }
  find("check").addEventListener("click", check);
  find("language").addEventListener("click", () => {
    state.language = state.language === "de" ? "en" : "de";
    show();
  });
  find("save").addEventListener("click", () => {
    const blob = new Blob([JSON.stringify(state.result.report, null, 2)], { type: "application/json" });
    const address = URL.createObjectURL(blob);
    element("a", { href: address, download: "verdict.json" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  });
  const drop = find("drop");
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop") take(event.dataTransfer.files);
    });
  }
  show();
}

async function octets(file) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    throw new Refusal("unreadable");
  }
}
