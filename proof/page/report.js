// The report as elements of the page. Everything that comes out of a file goes in as text, never as markup.

import { moment, quantity } from "./shown.js";
import words from "./words.json";

const ROWS = 400;
const SVG = "http://www.w3.org/2000/svg";
const SIGNS = { good: "M5 12.5l4.5 4.5L19 7.5", bad: "M7 7l10 10M17 7L7 17", open: "M12 7v6M12 16.6v.4" };

export function say(language, name, parts = {}) {
  return words[language][name].replace(/\{(\w+)\}/g, (_, part) => String(parts[part]));
}

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function sign(kind) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  const attributes = { viewBox: "0 0 24 24", width: "24", height: "24", "aria-hidden": "true", class: `sign ${kind}` };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  path.setAttribute("d", SIGNS[kind]);
  svg.append(path);
  return svg;
}

export class View {
  constructor(language) {
    this.language = language;
    this.region = language === "de" ? "de-DE" : "en-GB";
  }

  say(name, parts) {
    return say(this.language, name, parts);
  }

  moment(instant) {
    return moment(instant, this.region);
  }

  /** Everything about one file. */
  whole({ report, lists }) {
    const parts = [this.verdict(report)];
    if (report.readings > 0) parts.push(this.readings(report, lists));
    parts.push(this.log(report));
    if (report.certificates.length > 0) parts.push(this.certificates(report));
    parts.push(this.open(report));
    return parts;
  }

  card(title, ...children) {
    return element("section", { class: "card" }, element("h2", {}, title), ...children);
  }

  verdict(report) {
    const { genuine, readings, failed, unreadable, log } = report;
    const lines = [];
    if (genuine) {
      if (readings > 0) lines.push(this.say("page.genuine.more", { readings: readings.toLocaleString(this.region) }));
      if (log !== null) lines.push(this.say("page.genuine.log"));
    } else {
      if (failed > 0) lines.push(this.say("page.not.more", { failed, readings }));
      if (unreadable > 0) lines.push(this.say("page.not.ground", { unreadable }));
      if (log !== null && log.reason !== "") lines.push(...this.logReasons(log));
      if (readings === 0 && log === null) lines.push(this.say("page.not.nothing"));
    }
    return element(
      "section",
      { class: `card hero ${genuine ? "good" : "bad"}`, id: "verdict", "data-genuine": String(genuine) },
      sign(genuine ? "good" : "bad"),
      element(
        "div",
        {},
        element("h2", {}, this.say(genuine ? "page.genuine" : "page.not")),
        ...lines.map((line) => element("p", {}, line)),
        element("p", { class: "quiet" }, this.file(report)),
      ),
    );
  }

  file({ kind, gateway, consumer, exported_at }) {
    if (kind === "proof") {
      return this.say("file.proof", { gateway, consumer, exported_at: this.moment(exported_at) });
    }
    return gateway === "" ? this.say("file.log.unknown") : this.say("file.log", { gateway });
  }

  readings(report, lists) {
    const all = [...report.measured, ...report.derived];
    const shown = all.map((list, index) => this.list(list, lists[index]));
    return this.card(this.say("readings.title"), ...shown);
  }

  list(list, { readings, outcomes }) {
    const name = list.device === undefined ? this.say("list.derived", list) : this.say("list.measured", list);
    const good = list.genuine === list.count;
    const summary = element(
      "summary",
      {},
      sign(good ? "good" : "bad"),
      element("span", { class: "name" }, name),
      element("span", { class: "count" }, this.say("count.genuine", list)),
      element("span", { class: "quiet" }, `${this.moment(list.first)} – ${this.moment(list.last)}`),
    );
    const details = element("details", { class: "list" }, summary);
    const faults = element("ul", { class: "faults" });
    for (const failure of list.failures) {
      const what = `${failure.device} · ${failure.obis} · ${this.moment(failure.at)}: `;
      faults.append(element("li", { class: "bad" }, sign("bad"), what + this.say(`reason.${failure.reason}`)));
    }
    const hidden = list.count - list.genuine - list.failures.length;
    if (hidden > 0) faults.append(element("li", { class: "bad" }, sign("bad"), this.say("list.more", { count: hidden })));
    for (const gap of list.first_gaps) {
      const parts = { after: this.moment(gap.after), before: this.moment(gap.before), missing: gap.missing };
      faults.append(element("li", {}, sign("open"), this.say("gap", parts)));
    }
    const gaps = list.gaps - list.first_gaps.length;
    if (gaps > 0) faults.append(element("li", {}, sign("open"), this.say("gaps.more", { count: gaps })));
    const box = element("div", { class: "listed" }, details);
    if (faults.children.length > 0) box.append(faults);
    // A year has thousands of rows: they are drawn when somebody wants to see them.
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(this.table(readings, outcomes));
    });
    return box;
  }

  table(readings, outcomes) {
    const body = element("tbody");
    const heads = ["time", "value", "status", "result"].map((name) =>
      element("th", { scope: "col" }, this.say(`page.table.${name}`)),
    );
    const table = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body);
    const box = element("div", { class: "rows", tabindex: "0", role: "region", "aria-label": this.say("readings.title") }, table);
    const more = element("button", { type: "button", class: "more" }, this.say("page.table.more"));
    const draw = () => {
      const begin = body.children.length;
      for (let index = begin; index < Math.min(begin + ROWS, readings.length); index += 1) {
        body.append(this.row(readings[index], outcomes[index]));
      }
      more.hidden = body.children.length >= readings.length;
    };
    more.addEventListener("click", draw);
    draw();
    box.append(more);
    return box;
  }

  row(reading, { reason }) {
    const good = reason === "";
    const result = good ? this.say("page.table.genuine") : this.say(`reason.${reason}`);
    return element(
      "tr",
      { class: good ? "" : "bad" },
      element("td", {}, this.moment(reading.at)),
      element("td", { class: "number" }, quantity(reading, this.region)),
      element("td", { class: "code" }, reading.status.toString(16).toUpperCase().padStart(16, "0")),
      element("td", {}, sign(good ? "good" : "bad"), result),
    );
  }

  logReasons({ reason, detail }) {
    const lines = [this.say(detail === "consumer" ? "log.consumer" : `log.${reason}`)];
    if (words[this.language][`reason.${detail}`] !== undefined) lines.push(this.say(`reason.${detail}`));
    return lines;
  }

  log({ log }) {
    const line = (kind, text) => element("p", { class: `line ${kind}` }, sign(kind), element("span", {}, text));
    if (log === null) return this.card(this.say("log.title"), line("open", this.say("log.none")));
    if (log.reason !== "") {
      return this.card(this.say("log.title"), ...this.logReasons(log).map((text) => line("bad", text)));
    }
    // What came after the seal is told among what is not proven.
    const sealed = log.logs.filter((one) => one.last < one.first || one.last - one.unsigned >= one.first);
    const told = sealed.map((one) => {
      const last = one.last - one.unsigned;
      const parts = { ...one, last, log: this.say(`log.name.${one.log}`), sealed_at: this.moment(log.sealed_at) };
      return line("good", this.say(one.last < one.first ? "log.empty" : "log.holds", parts));
    });
    return this.card(this.say("log.title"), ...told);
  }

  certificates({ certificates }) {
    const items = certificates.map((one) => {
      const refused = Object.keys(one.refused);
      const until = one.end === null ? this.say("certificate.unreadable") : `${this.say("certificate.end")} ${this.moment(one.end)}`;
      const kind = refused.length > 0 || one.end === null ? "bad" : "good";
      const words_ = [until, ...refused.map((reason) => this.say(`reason.${reason}`))];
      return element(
        "li",
        {},
        sign(kind),
        element("span", {}, element("span", { class: "code" }, one.fingerprint), element("br"), words_.join(" ")),
      );
    });
    return this.card(this.say("certificate.title"), element("ul", { class: "signed" }, ...items));
  }

  open(report) {
    const unsigned = (report.log?.logs ?? []).reduce((sum, one) => sum + one.unsigned, 0);
    const items = report.open.map((each) =>
      element("li", {}, sign("open"), element("span", {}, this.say(`open.${each}`, { unsigned }))),
    );
    return this.card(this.say("open.title"), element("ul", { class: "signed" }, ...items));
  }
}
