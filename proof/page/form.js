// Members of a document, each of its exact type, none missing, none left over; and the spellings that recur.

import { HASHES } from "./curves.js";
import { hex } from "./octets.js";
import { Refusal } from "./refusal.js";

/** What is said of what has not the form. */
export function malformed(detail) {
  return new Refusal("form", detail);
}

export function kindOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  if (value instanceof Map) return "object";
  return typeof value;
}

/** The members of `value`, an object with exactly those of `kinds`. */
export function members(value, what, kinds) {
  const names = Object.keys(kinds);
  if (kindOf(value) !== "object" || value.size !== names.length) throw malformed(what);
  const taken = {};
  for (const name of names) {
    if (kindOf(value.get(name)) !== kinds[name] || !value.has(name)) throw malformed(`${what}: ${name}`);
    taken[name] = value.get(name);
  }
  return taken;
}

/** A hash out of its one spelling: as text, because it is only ever compared. */
export function hashOf(text) {
  if (typeof text !== "string" || !/^[0-9a-f]{64}$/.test(text)) throw malformed("a hash is not written as one is");
  return text;
}

const INSTANT = /^((?:19[7-9]|[2-9]\d\d)\d)-(\d\d)-(\d\d)T((?:[01]\d|2[0-3]):\d\d:\d\d)Z$/;

/** `2026-01-01T00:00:00Z` in seconds since 1970. */
export function instantOf(text) {
  const match = INSTANT.exec(text);
  const milliseconds = match === null ? Number.NaN : Date.parse(text);
  if (Number.isNaN(milliseconds) || instant(milliseconds / 1000) !== text) throw malformed("a time");
  return milliseconds / 1000;
}

/** Seconds since 1970 as `2026-01-01T00:00:00Z`. */
export function instant(seconds) {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

export function sha256(octets) {
  return hex(HASHES.sha256(octets));
}
