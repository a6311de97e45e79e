// A customer's proof, read in its one spelling and its bounds (proof/bundle.py, docs/proof-form.md). Believes nothing.

import { instantOf, malformed, members } from "./form.js";
import { DEVICE } from "./names.js";
import { compare, unbase64, unhex } from "./octets.js";

export const BUNDLE_FORM = "smgw-proof-1";
export const BUNDLE_BYTES = 128 * 1024 * 1024;
const READINGS = 400_000;
const SERIES = 4096;
const CERTIFICATES = 64;
const CERTIFICATE_OCTETS = 16_384;
const LIST_OCTETS = 4 * 1024 * 1024;
const LATEST = 253402300799n;
const SIGNATURE_OCTETS = 64;
const SCALER = 12n;
const UNITS = [4, 5, 6, 7, 9, 13, 15, 27, 28, 29, 30, 31, 32, 33, 35, 44, 255];
const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

function require(condition, what) {
  if (!condition) throw malformed(what);
}

/** Read a document of this form. Throws Refusal("form"). */
export function readBundle(document) {
  const taken = members(document, "the proof", {
    form: "string",
    gateway: "string",
    consumer: "string",
    exported_at: "string",
    begin: "string",
    end: "string",
    measured: "list",
    derived: "list",
    certificates: "list",
    authorities: "list",
    revocation_lists: "list",
    log: document.get("log") === null ? "null" : "string",
  });
  require(taken.form === BUNDLE_FORM, "this is no proof");
  require(DEVICE.test(taken.gateway) && IDENTIFIER.test(taken.consumer), "a gateway or a consumer");
  const measured = taken.measured.map(readSeries);
  const derived = taken.derived.map(readDerived);
  const bundle = {
    gateway: taken.gateway,
    consumer: taken.consumer,
    exportedAt: instantOf(taken.exported_at),
    begin: instantOf(taken.begin),
    end: instantOf(taken.end),
    measured,
    derived,
    certificates: octetsOf(taken.certificates, CERTIFICATE_OCTETS),
    authorities: octetsOf(taken.authorities, CERTIFICATE_OCTETS),
    lists: octetsOf(taken.revocation_lists, LIST_OCTETS),
    log: taken.log === null ? null : base64(taken.log),
  };
  let count = 0;
  for (const one of [...measured, ...derived]) count += one.readings.length;
  require(count <= READINGS && measured.length <= SERIES, "too many readings");
  require(bundle.begin <= bundle.end, "a period ends before it begins");
  for (let index = 1; index < measured.length; index += 1) {
    require(order(measured[index - 1], measured[index]) < 0, "lists are not in their order");
  }
  for (let index = 1; index < derived.length; index += 1) {
    const [before, after] = [derived[index - 1], derived[index]];
    const sorted = before.contract === after.contract ? before.delivery <= after.delivery : before.contract < after.contract;
    require(sorted, "derived values are not in their order");
  }
  return bundle;
}

function base64(text) {
  const found = unbase64(text);
  require(found !== null, "what should be base64 is not written in its one way");
  return found;
}

function octetsOf(some, longest) {
  const found = some.map(base64);
  require(found.length <= CERTIFICATES, "too many certificates");
  found.forEach((one, index) => {
    require(one.length >= 1 && one.length <= longest, "a certificate is too large");
    require(index === 0 || compare(found[index - 1], one) < 0, "certificates are not in their order");
  });
  return found;
}

function order(one, other) {
  if (one.device !== other.device) return one.device < other.device ? -1 : 1;
  return compare(one.obis, other.obis) || one.scaler - other.scaler || one.unit - other.unit;
}

function quantity(device, obis, scaler, unit) {
  require(typeof device === "string" && DEVICE.test(device), "a device");
  require(typeof obis === "string" && /^[0-9A-F]{12}$/.test(obis), "an OBIS code");
  require(typeof scaler === "bigint" && scaler >= -SCALER && scaler <= SCALER, "a scaler");
  require(typeof unit === "bigint" && UNITS.includes(Number(unit)), "a unit");
  return { device, obis: unhex(obis), scaler: Number(scaler), unit: Number(unit) };
}

function sample(parts) {
  const [at, value, status, signature] = parts;
  require(typeof at === "bigint" && at >= 0n && at <= LATEST, "a time");
  require(typeof value === "string" && /^(?:0|-?[1-9][0-9]{0,18})$/.test(value), "a value");
  require(typeof status === "string" && /^[0-9A-F]{16}$/.test(status), "a status word");
  const number = BigInt(value);
  require(number < 1n << 63n && number > -(1n << 63n), "a value");
  const octets = base64(signature);
  require(octets.length === SIGNATURE_OCTETS, "a signature");
  return { at: Number(at), value: number, status: BigInt(`0x${status}`), signature: octets };
}

function readSeries(value) {
  const kinds = { device: "string", obis: "string", scaler: "bigint", unit: "bigint", rows: "list" };
  const taken = members(value, "a list of readings", kinds);
  const named = quantity(taken.device, taken.obis, taken.scaler, taken.unit);
  let before = -1;
  const readings = taken.rows.map((row) => {
    require(Array.isArray(row) && row.length === 4, "a reading");
    const read = sample(row);
    require(read.at > before, "readings are not in the order of their time");
    before = read.at;
    return { ...named, ...read };
  });
  require(readings.length > 0, "a list holds no reading");
  return { ...named, readings };
}

function readDerived(value) {
  const taken = members(value, "derived values", {
    contract: "string",
    version: "bigint",
    party: "string",
    delivery: "bigint",
    begin: "string",
    end: "string",
    values: "list",
  });
  require(IDENTIFIER.test(taken.contract) && IDENTIFIER.test(taken.party), "a contract or a party");
  require(instantOf(taken.begin) <= instantOf(taken.end), "a period ends before it begins");
  const readings = taken.values.map((parts) => {
    require(Array.isArray(parts) && parts.length === 8, "a value");
    return { ...quantity(...parts.slice(0, 4)), ...sample(parts.slice(4)) };
  });
  require(readings.length > 0 && taken.delivery >= 1n && taken.version >= 1n, "a delivery");
  const { contract, party } = taken;
  return { contract, party, version: Number(taken.version), delivery: Number(taken.delivery), readings };
}
