// Who a certificate says it is of: the names of the SM-PKI (pki/profiles.py, read_subject).

import { DerError, Reader, SEQUENCE, SET } from "./der.js";
import { Refusal } from "./refusal.js";

const COMMON_NAME = "2.5.4.3";
const ORDER = [COMMON_NAME, "2.5.4.10", "2.5.4.11", "2.5.4.6", "2.5.4.5", "2.5.4.9", "2.5.4.17", "2.5.4.7", "2.5.4.8"];
const REQUIRED = [COMMON_NAME, "2.5.4.10", "2.5.4.6", "2.5.4.5"];

const ORGANISATION = "[A-Za-z0-9](?:[A-Za-z0-9 _-]{0,38}[A-Za-z0-9])?";
const PARTY = new RegExp(`^(${ORGANISATION})\\.(EMT|GWA|GWH)(?:\\.(?!EMT|GWA|GWH|SMGW|CA)[A-Za-z0-9-]{1,12})?$`);
const GATEWAY = /^(E[A-Z0-9]{13})\.SMGW$/;
const SUB_CA = new RegExp(`^(${ORGANISATION})\\.CA$`);
const ROOT = /^(SM(?:-Test)?-Root)\.CA$/;
/** DIN 43863-5. */
export const DEVICE = /^[0-9A-F][A-Z0-9]{3}[0-9A-F]{2}[0-9]{8}$/;

const decoders = { 0x0c: "utf-8", 0x13: "latin1", 0x16: "latin1" };

/** The attributes of a Name in their order, and how many each relative name has. */
export function readName(element) {
  const name = new Reader(element).enter(SEQUENCE);
  const attributes = [];
  let single = true;
  while (name.next() !== null) {
    const relative = name.enter(SET);
    let count = 0;
    do {
      const attribute = relative.enter(SEQUENCE);
      const kind = attribute.identifier();
      const encoding = decoders[attribute.next()];
      if (encoding === undefined) throw new DerError("a name in an encoding that is not the SM-PKI's");
      attributes.push({ kind, value: new TextDecoder(encoding, { fatal: true }).decode(attribute.take(attribute.next())) });
      attribute.finish();
      count += 1;
    } while (relative.next() !== null);
    single &&= count === 1;
  }
  return { attributes, single };
}

/** Role and identity. Throws Refusal("wrong-name"). */
export function readSubject(name) {
  const kinds = name.attributes.map((attribute) => attribute.kind);
  const sound =
    name.single &&
    new Set(kinds).size === kinds.length &&
    REQUIRED.every((kind) => kinds.includes(kind)) &&
    kinds.every((kind) => ORDER.includes(kind));
  if (!sound) throw new Refusal("wrong-name");
  const common = name.attributes.find((attribute) => attribute.kind === COMMON_NAME).value;
  let match = ROOT.exec(common);
  if (match) return { role: "ROOT", identity: match[1] };
  match = SUB_CA.exec(common);
  if (match) return { role: "SUB-CA", identity: match[1] };
  if (kinds.join() !== ORDER.filter((kind) => kinds.includes(kind)).join()) throw new Refusal("wrong-name");
  match = PARTY.exec(common);
  if (match) return { role: match[2], identity: match[1] };
  match = GATEWAY.exec(common);
  if (match && DEVICE.test(match[1])) return { role: "SMGW", identity: match[1] };
  throw new Refusal("wrong-name");
}
