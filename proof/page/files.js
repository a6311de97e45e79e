// What a person brings: an export and a root certificate, told apart by what is in them.

import { unbase64 } from "./octets.js";

const BLOCK = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;
const SEQUENCE = 0x30;
const BRACE = 0x7b;
const MAXIMUM_ROOT = 1024 * 1024;

/** The certificates in a PEM or DER file, as DER; none where it holds none. */
export function certificatesIn(data) {
  if (data.length > MAXIMUM_ROOT) return [];
  if (data[0] === SEQUENCE) return [data];
  const found = [];
  for (const [, block] of new TextDecoder("latin1").decode(data).matchAll(BLOCK)) {
    const octets = unbase64(block.replace(/\s/g, ""));
    if (octets !== null) found.push(octets);
  }
  return found;
}

/** Whether a file of these octets is meant as the export. */
export function looksLikeExport(data) {
  return data[0] === BRACE;
}
