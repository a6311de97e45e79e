// The whole verification, and its report: the document `smgw-verdict-1` of proof/report.py, member by member.

import { BUNDLE_BYTES, BUNDLE_FORM, readBundle } from "./bundle.js";
import { decode } from "./canonical.js";
import { instant, malformed, sha256 } from "./form.js";
import { Judge } from "./judge.js";
import { LOG_FORM, readCanonical, readExport, verifyExport } from "./log.js";
import { Refusal } from "./refusal.js";
import { Certificate } from "./x509.js";

export const FORM = "smgw-verdict-1";
const MAXIMUM_BYTES = 256 * 1024 * 1024;
const SHOWN = 20;
const AROUND = 8;
const ENOUGH = 3;

/** Judges all readings here, in one go; the page brings a function that spreads them over workers. */
export async function inPlace(ground, readings) {
  const judge = new Judge(ground);
  return readings.map((reading) => judge.judge(reading));
}

/**
 * Check `data` with nothing but `roots` (DER): `{ report, lists }`, the document and each list with its readings and
 * what came of every one of them. Throws Refusal where there is nothing to check.
 */
export async function verify(data, roots, run = inPlace) {
  if (roots.length === 0) throw new Refusal("root");
  const trusted = rootsOf(roots);
  if (data.length > MAXIMUM_BYTES) throw malformed("larger than any export");
  const document = readCanonical(() => decode(data));
  if (document.get("form") === BUNDLE_FORM) {
    if (data.length > BUNDLE_BYTES) throw malformed("larger than any proof");
    return verifyBundle(readBundle(document), roots, trusted, run);
  }
  const verdict = verdictAlone(document, trusted);
  const report = reportOf("log", verdict.gateway);
  report.log = verdict.told;
  return { report: finished(report), lists: [] };
}

/** What came of an export that is not inside a proof; a document that does not say that it is one is refused. */
function verdictAlone(document, trusted) {
  let read;
  try {
    read = readExport(document);
  } catch (error) {
    if (!(error instanceof Refusal) || document.get("form") !== LOG_FORM) throw error;
    return { told: refusedLog(error.reason), gateway: "" };
  }
  return logVerdict(read, trusted, null);
}

function rootsOf(roots) {
  try {
    return roots.map((data) => new Certificate(data));
  } catch (error) {
    throw new Refusal("root");
  }
}

function reportOf(kind, gateway) {
  return {
    form: FORM,
    kind,
    genuine: false,
    gateway,
    consumer: "",
    exported_at: null,
    unreadable: 0,
    readings: 0,
    failed: 0,
    certificates: [],
    measured: [],
    derived: [],
    log: null,
    open: [],
  };
}

async function verifyBundle(bundle, roots, trusted, run) {
  const report = reportOf("proof", bundle.gateway);
  report.consumer = bundle.consumer;
  report.exported_at = instant(bundle.exportedAt);
  const { authorities, certificates, gateway } = bundle;
  const ground = { roots, authorities, lists: bundle.lists, certificates, gateway, now: bundle.exportedAt };
  // 1 and 2
  const judge = new Judge(ground);
  report.unreadable = judge.unreadable;
  report.certificates = judge.signers.map(({ certificate }, index) => ({
    fingerprint: sha256(certificates[index]),
    begin: certificate === null ? null : instant(certificate.begin),
    end: certificate === null ? null : instant(certificate.end),
    genuine: 0,
    refused: {},
  }));
  // 3
  const all = [...bundle.measured, ...bundle.derived].flatMap((list) => list.readings);
  const outcomes = await run(ground, all);
  if (outcomes.length !== all.length) throw new Error("not every reading was judged");
  const lists = [];
  let position = 0;
  const counted = (list, name) => {
    const part = outcomes.slice(position, position + list.readings.length);
    position += list.readings.length;
    lists.push({ readings: list.readings, outcomes: part });
    return checked(list.readings, part, name, report.certificates);
  };
  for (const list of bundle.measured) {
    const { device, scaler, unit } = list;
    const told = counted(list, { device, obis: obisText(list.obis), scaler, unit });
    report.measured.push({ ...told, ...raster(list.readings) });
  }
  for (const list of bundle.derived) {
    const { contract, version, party, delivery } = list;
    report.derived.push(counted(list, { contract, version, party, delivery }));
  }
  for (const list of [...report.measured, ...report.derived]) {
    report.readings += list.count;
    report.failed += list.count - list.genuine;
  }
  // 4
  if (bundle.log !== null) report.log = logOf(bundle, trusted, judge);
  return { report: finished(report), lists };
}

function obisText(octets) {
  const [a, b, c, d, e, f] = octets;
  return `${a}-${b}:${c}.${d}.${e}*${f}`;
}

function count(counter, reason) {
  counter[reason] = (counter[reason] ?? 0) + 1;
}

function checked(readings, outcomes, name, certificates) {
  const times = readings.map((reading) => reading.at);
  const told = {
    ...name,
    count: readings.length,
    genuine: 0,
    first: instant(times.reduce((one, other) => Math.min(one, other))),
    last: instant(times.reduce((one, other) => Math.max(one, other))),
    raster: 0,
    gaps: 0,
    first_gaps: [],
    refused: {},
    failures: [],
  };
  outcomes.forEach(({ signer, reason }, index) => {
    if (reason === "") {
      told.genuine += 1;
      certificates[signer].genuine += 1;
      return;
    }
    if (signer !== null) count(certificates[signer].refused, reason);
    count(told.refused, reason);
    const { device, obis, at } = readings[index];
    if (told.failures.length < SHOWN) told.failures.push({ device, obis: obisText(obis), at: instant(at), reason });
  });
  return told;
}

/** What lies most often between two readings; of two that are as frequent the shorter or the longer one. */
function usual(steps, shorter) {
  const often = new Map();
  for (const step of steps) often.set(step, (often.get(step) ?? 0) + 1);
  let found = null;
  for (const [step, times] of often) {
    const most = found === null ? 0 : often.get(found);
    if (times > most || (times === most && step < found === shorter)) found = step;
  }
  return found;
}

/** What is usual before and after a step, the coarser of both: older values may be kept in a coarser raster. */
function around(steps, number) {
  const before = steps.slice(Math.max(0, number - AROUND), number);
  const after = steps.slice(number + 1, number + 1 + AROUND);
  const enough = [before, after].filter((side) => side.length >= ENOUGH);
  const sides = enough.length > 0 ? enough : [[...before, ...after]];
  return Math.max(...sides.map((side) => usual(side, false) ?? 0));
}

/** The holes of a list. */
function raster(readings) {
  const steps = [];
  for (let index = 1; index < readings.length; index += 1) steps.push(readings[index].at - readings[index - 1].at);
  if (steps.length === 0) return {};
  const smallest = steps.reduce((one, other) => Math.min(one, other));
  const gaps = [];
  steps.forEach((step, number) => {
    // Twice as far apart: a month is longer than another, and a day of the year has 25 hours.
    if (step < 2 * smallest) return;
    const there = around(steps, number);
    if (there === 0 || step < 2 * there) return;
    const [after, before] = [readings[number].at, readings[number + 1].at];
    gaps.push({ after: instant(after), before: instant(before), missing: Math.floor(step / there) - 1 });
  });
  return { raster: usual(steps, true), gaps: gaps.length, first_gaps: gaps.slice(0, SHOWN) };
}

function refusedLog(reason, detail = "") {
  return { reason, detail, sealed_at: null, logs: [] };
}

/** What came of a log; the gateway that its checkpoint names where it holds. */
function logVerdict(read, roots, gateway) {
  try {
    const found = verifyExport(read, roots, gateway);
    const told = { reason: "", detail: "", sealed_at: instant(found.sealedAt), logs: found.logs };
    return { told, gateway: found.gateway, found };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const detail = error.reason === "form" ? "" : error.detail;
    return { told: refusedLog(error.reason, detail), gateway: "", found: null };
  }
}

function logOf(bundle, roots, judge) {
  let read;
  try {
    read = readExport(readCanonical(() => decode(bundle.log)));
  } catch (error) {
    if (error instanceof Refusal) return refusedLog(error.reason);
    throw error;
  }
  const { told, found } = logVerdict(read, roots, bundle.gateway);
  if (found === null) return told;
  const hers = found.logs.length === 1 && found.logs[0].log === "consumer" && found.logs[0].owner === bundle.consumer;
  if (!hers) return refusedLog("checkpoint", "consumer");
  // Also where it stands behind no reading: whoever left it out would have it judged by the log's own lists alone.
  const doubt = judge.signer(read.certificate).doubt(found.sealedAt);
  return doubt === null || doubt === "seal" ? told : refusedLog("certificate", doubt);
}

function finished(report) {
  report.open = report.readings > 0 ? ["missing", "meter"] : [];
  report.open.push("moment", "revoked-later");
  if (report.log === null) report.open.push("no-log");
  else if (report.log.logs.some((one) => one.unsigned > 0)) report.open.push("after-checkpoint");
  const something = report.readings > 0 || report.log !== null;
  const logHolds = report.log === null || report.log.reason === "";
  report.genuine = something && report.failed === 0 && report.unreadable === 0 && logHolds;
  return report;
}
