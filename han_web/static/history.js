/* The history with a zoom, drawn by uPlot in the place of the drawing that needs no script. Finer figures are fetched
   when somebody looks closely enough to see them, with as much on either side, so that a step aside waits for nothing.
   Whatever fails, the drawing and the table of the page stay. */
(() => {
  "use strict";
  const host = document.getElementById("plot");
  const drawn = document.getElementById("drawn");
  if (!host || !drawn || typeof uPlot === "undefined") return;

  const told = host.dataset;
  const stage = host.querySelector(".plot");
  const says = host.querySelector("[role=status]");
  const here = host.querySelector(".pointed");
  const FIRST = Number(told.first), NOW = Number(told.now);
  const START = [Number(told.begin), Number(told.end)];
  const ZONE = "Europe/Berlin";
  const DAY = 86_400;
  const KINDS = [
    { name: "quarter-hour", length: 900 }, { name: "day", length: DAY }, { name: "month", length: 30 * DAY },
  ];
  const WORDS = told.resolutions.split("|");
  const CLOSEST = 2 * 3600;
  const PIXELS_A_BAR = 1.5;
  const HEIGHT = 300;
  const TONGUE = told.language === "de" ? "de-DE" : "en-GB";
  const format = (options) => new Intl.DateTimeFormat(TONGUE, { timeZone: ZONE, ...options });
  const clock = format({ hour: "2-digit", minute: "2-digit" });
  const date = format({ day: "numeric", month: "short" });
  const full = format({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
  const month = format({ month: "short", year: "numeric" });
  const year = format({ year: "numeric" });
  const number = (digits) => new Intl.NumberFormat(TONGUE, { minimumFractionDigits: digits, maximumFractionDigits: digits });

  const held = new Map();
  let view = [...START], plot = null, shown = null, asked = 0;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  /* What is hidden has no width; the drawing in its place has the same. */
  const room = () => (host.hidden ? drawn : stage).clientWidth;
  const kindFor = (span) => {
    const fits = KINDS.findIndex((kind) => (span / kind.length) * PIXELS_A_BAR <= room());
    return fits < 0 ? KINDS.length - 1 : fits;
  };
  const at = (seconds) => new Date(seconds * 1000);
  const iso = (seconds) => at(seconds).toISOString();
  const energy = (kilowattHours) => `${number(kilowattHours < 10 ? 2 : kilowattHours < 1000 ? 1 : 0).format(kilowattHours)}\u202fkWh`;

  function limits() {
    return [Math.min(FIRST, START[0]), Math.max(NOW, START[1])];
  }

  function within([begin, end]) {
    const [lowest, highest] = limits();
    const span = Math.min(Math.max(end - begin, CLOSEST), highest - lowest);
    const from = Math.min(Math.max((begin + end - span) / 2, lowest), highest - span);
    return [from, from + span];
  }

  /* Parts that no bill may rest on are a row of their own: they are drawn hollow. */
  function split(series, factor) {
    const doubtful = new Set(series.doubtful);
    const row = (kept) => series.energies.map((one, index) => (one === null || doubtful.has(index) !== kept ? null : one * factor));
    return [row(false), row(true)];
  }

  async function figures(kind, [begin, end]) {
    const there = held.get(kind);
    const [lowest, highest] = limits();
    if (there && there.begin <= Math.max(begin, lowest) && there.end >= Math.min(end, highest)) return there;
    const span = end - begin;
    const from = Math.max(begin - span, lowest), to = Math.min(end + span, highest);
    const question = new URLSearchParams({ register: told.register, resolution: KINDS[kind].name, begin: iso(from), end: iso(to) });
    if (told.meter) question.set("meter", told.meter);
    const answer = await fetch(`${told.source}?${question}`, { headers: { Accept: "application/json" }, redirect: "manual" });
    if (!answer.ok) throw new Error(String(answer.status));
    const series = await answer.json();
    const factor = 10 ** series.scaler / 1000;
    const fresh = {
      begin: from, end: to, bounds: series.bounds,
      data: [series.bounds.slice(0, -1), ...split(series, factor)],
    };
    held.set(kind, fresh);
    return fresh;
  }

  function tells({ bounds, data }) {
    return bounds.some((begin, index) => begin < view[1] && bounds[index + 1] > view[0] && (data[1][index] ?? data[2][index]) !== null);
  }

  function names(_plot, splits, _axis, _space, step) {
    let last = "";
    return splits.map((seconds) => {
      const moment = at(seconds);
      let text;
      if (step >= 360 * DAY) text = year.format(moment);
      else if (step >= 27 * DAY) text = month.format(moment);
      else if (step >= DAY) text = date.format(moment);
      else text = clock.format(moment) === "00:00" ? date.format(moment) : clock.format(moment);
      if (text === last || seconds >= view[1]) return "";
      last = text;
      return text;
    });
  }

  /* The next round number: the top of the scale has a name. */
  function top(highest) {
    const power = 10 ** Math.floor(Math.log10(highest));
    return [1, 2, 3, 4, 5, 6, 8, 10].find((one) => one * power >= highest) * power;
  }

  /* The unit stands once, at the top of the scale. */
  function scale(_plot, splits) {
    const plain = new Intl.NumberFormat(TONGUE, { maximumFractionDigits: 3 });
    return splits.map((one, index) => plain.format(one) + (index === splits.length - 1 ? "\u202fkWh" : ""));
  }

  function part(index) {
    const begin = shown.bounds[index], end = shown.bounds[index + 1];
    if (shown.kind === 0) return `${full.format(at(begin))}, ${clock.format(at(begin))} – ${clock.format(at(end))}`;
    return shown.kind === 1 ? full.format(at(begin)) : month.format(at(begin));
  }

  function point(self) {
    const index = self.cursor.idx;
    const value = index === null || index === undefined ? null : self.data[1][index] ?? self.data[2][index];
    here.textContent = value === null || value === undefined ? "\u00a0" : `${part(index)}: ${energy(value)}`;
  }

  function options() {
    const quiet = colour("--quiet"), line = colour("--line"), fill = colour(told.fed === "1" ? "--fed" : "--drawn");
    const font = "13px system-ui, sans-serif";
    const axis = { stroke: quiet, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
    const bar = { paths: uPlot.paths.bars({ align: 1, size: [0.82, 64] }), points: { show: false } };
    return {
      width: stage.clientWidth, height: HEIGHT, legend: { show: false }, padding: [12, 22, 0, 0],
      tzDate: (seconds) => uPlot.tzDate(at(seconds), ZONE),
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
      scales: { x: { time: true, auto: false }, y: { range: (_self, _low, high) => [0, top(high || 1)] } },
      axes: [
        { ...axis, grid: { show: false }, values: names, space: 88 },
        { ...axis, size: 70, values: scale },
      ],
      series: [{}, { ...bar, fill, width: 0 }, { ...bar, stroke: fill, width: 2 }],
      hooks: { setCursor: [point], setSelect: [select] },
    };
  }

  function select(self) {
    if (self.select.width < 6) return;
    const begin = self.posToVal(self.select.left, "x"), end = self.posToVal(self.select.left + self.select.width, "x");
    self.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    look([begin, end]);
  }

  async function look(wanted) {
    view = within(wanted);
    const mine = ++asked;
    let kind = kindFor(view[1] - view[0]);
    if (plot) plot.setScale("x", { min: view[0], max: view[1] });
    const waits = setTimeout(() => { says.textContent = told.waiting; }, 150);
    try {
      let found = await figures(kind, view);
      /* Further back there may be coarser figures only: they are better than none. */
      while (!tells(found) && kind + 1 < KINDS.length) found = await figures(++kind, view);
      if (mine !== asked) return;
      shown = { ...found, kind };
      if (!plot) {
        host.hidden = false;
        drawn.hidden = true;
        plot = new uPlot(options(), found.data, stage);
      } else plot.setData(found.data, false);
      plot.setScale("x", { min: view[0], max: view[1] });
      says.textContent = WORDS[kind];
    } catch {
      if (mine === asked) says.textContent = told.failed;
    } finally {
      clearTimeout(waits);
    }
  }

  const ACTS = {
    earlier: ([begin, end]) => [begin - (end - begin) / 2, end - (end - begin) / 2],
    later: ([begin, end]) => [begin + (end - begin) / 2, end + (end - begin) / 2],
    nearer: ([begin, end]) => [begin + (end - begin) / 4, end - (end - begin) / 4],
    farther: ([begin, end]) => [begin - (end - begin) / 2, end + (end - begin) / 2],
    back: () => START,
  };
  const KEYS = { ArrowLeft: "earlier", ArrowRight: "later", "+": "nearer", "-": "farther", Home: "back" };

  host.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]");
    if (act) look(ACTS[act.dataset.act](view));
  });
  stage.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? null : KEYS[event.key];
    if (act) {
      event.preventDefault();
      look(ACTS[act](view));
    }
  });
  stage.addEventListener("dblclick", () => look(START));
  stage.addEventListener("wheel", (event) => {
    /* The wheel alone scrolls the page; with Ctrl, and so with two fingers on a pad, it zooms where the pointer is. */
    if (!event.ctrlKey || !plot) return;
    event.preventDefault();
    const middle = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x");
    const factor = event.deltaY < 0 ? 0.8 : 1.25;
    look([middle - (middle - view[0]) * factor, middle + (view[1] - middle) * factor]);
  }, { passive: false });

  function again() {
    if (!plot || host.hidden) return;
    plot.destroy();
    plot = null;
    look(view);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  let width = 0;
  new ResizeObserver(() => {
    if (!plot || stage.clientWidth === width) return;
    width = stage.clientWidth;
    plot.setSize({ width, height: HEIGHT });
  }).observe(stage);

  look(START);
})();
