// Certificates and revocation lists, taken apart strictly (RFC 5280). Believes nothing: trust.js does.

import { HASHES, publicKey } from "./curves.js";
import { BIT_STRING, BOOLEAN, DerError, ENUMERATED, INTEGER, OCTET_STRING, Reader, SEQUENCE } from "./der.js";
import { readName } from "./names.js";
import { equal, hex } from "./octets.js";

const SIGNATURES = {
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
};
const EC_KEY = "1.2.840.10045.2.1";
const CURVES = {
  "1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1",
  "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
  "1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
};
export const OID = {
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  extendedKeyUsage: "2.5.29.37",
  authorityKeyIdentifier: "2.5.29.35",
  subjectKeyIdentifier: "2.5.29.14",
  certificatePolicies: "2.5.29.32",
  subjectAlternativeName: "2.5.29.17",
  issuerAlternativeName: "2.5.29.18",
  crlDistributionPoints: "2.5.29.31",
  privateKeyUsagePeriod: "2.5.29.16",
  crlNumber: "2.5.29.20",
  crlReason: "2.5.29.21",
  invalidityDate: "2.5.29.24",
};
/** What was found out about signatures: it holds for ever, and a chain is asked for again and again. */
const found = new Map();
const REMEMBERED = 10_000;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const LIST_EXTENSIONS = 0xa0;

function algorithm(reader) {
  const inner = reader.enter(SEQUENCE);
  const hash = SIGNATURES[inner.identifier()];
  inner.finish();
  return hash;
}

function signed(data) {
  const whole = new Reader(data);
  const outer = whole.enter(SEQUENCE);
  whole.finish();
  const content = outer.element(SEQUENCE);
  const named = outer.element(SEQUENCE);
  const hash = algorithm(new Reader(named));
  const signature = outer.bits();
  outer.finish();
  return { content, named, hash, signature };
}

/** A BOOLEAN DEFAULT FALSE, which is not written where it is false (X.690 11.5). */
function flag(reader) {
  if (reader.next() !== BOOLEAN) return false;
  if (!reader.boolean()) throw new DerError("a default is written");
  return true;
}

function extensions(reader) {
  const found = new Map();
  const list = reader.enter(SEQUENCE);
  reader.finish();
  while (list.next() !== null) {
    const one = list.enter(SEQUENCE);
    const kind = one.identifier();
    const critical = flag(one);
    const value = one.take(OCTET_STRING);
    one.finish();
    if (found.has(kind)) throw new DerError("an extension stands there twice");
    found.set(kind, { critical, value });
  }
  return found;
}

/** A certificate; the constructor throws where it cannot be read. */
export class Certificate {
  constructor(data) {
    this.data = data;
    this.fingerprint = hex(HASHES.sha256(data));
    const { content, named, hash, signature } = signed(data);
    const fields = new Reader(content).enter(SEQUENCE);
    let version = 0n;
    if (fields.next() === VERSION) {
      const inner = fields.enter(VERSION);
      version = inner.integer();
      inner.finish();
    }
    this.version = version;
    this.serial = fields.integer();
    this.content = content;
    this.hash = hash;
    this.signature = signature;
    this.consistent = equal(fields.element(SEQUENCE), named);
    this.issuer = fields.element(SEQUENCE);
    const validity = fields.enter(SEQUENCE);
    this.begin = validity.time();
    this.end = validity.time();
    validity.finish();
    this.subject = fields.element(SEQUENCE);
    this.readKey(fields.enter(SEQUENCE));
    this.extensions = new Map();
    if (fields.next() === EXTENSIONS) this.extensions = extensions(fields.enter(EXTENSIONS));
    fields.finish();
    readName(this.issuer);
    this.name = readName(this.subject);
    this.readExtensions();
  }

  readKey(reader) {
    const kind = reader.enter(SEQUENCE);
    const type = kind.identifier();
    this.curve = type === EC_KEY ? (CURVES[kind.identifier()] ?? null) : null;
    const octets = reader.take(BIT_STRING).subarray(1);
    this.key = this.curve === null ? null : publicKey(this.curve, octets);
  }

  readExtensions() {
    const read = (kind, parse) => {
      const extension = this.extensions.get(kind);
      if (extension === undefined) return null;
      const reader = new Reader(extension.value);
      const found = parse(reader);
      reader.finish();
      return found;
    };
    this.usages = read(OID.keyUsage, (reader) => reader.named()) ?? new Set();
    this.subjectKey = read(OID.subjectKeyIdentifier, (reader) => hex(reader.take(OCTET_STRING)));
    this.authorityKey = read(OID.authorityKeyIdentifier, (reader) => {
      const inner = reader.enter(SEQUENCE);
      return inner.next() === 0x80 ? hex(inner.take(0x80)) : null;
    });
    for (const kind of [OID.issuerAlternativeName, OID.subjectAlternativeName, OID.crlDistributionPoints]) {
      read(kind, (reader) => reader.take(SEQUENCE));
    }
    this.constraints = read(OID.basicConstraints, (reader) => {
      const inner = reader.enter(SEQUENCE);
      const ca = flag(inner);
      const length = inner.next() === INTEGER ? inner.integer() : null;
      inner.finish();
      if (length !== null && !ca) throw new DerError("a path below somebody who is no CA");
      return { ca, length };
    });
    this.policies = read(OID.certificatePolicies, (reader) => {
      const inner = reader.enter(SEQUENCE);
      const found = [];
      while (inner.next() !== null) found.push(inner.enter(SEQUENCE).identifier());
      return found;
    });
  }

  /** Whether `issuer` made the signature, and the names agree. */
  issuedBy(issuer) {
    if (!this.consistent || this.hash === undefined || !equal(this.issuer, issuer.subject)) return false;
    return remembered(this, issuer);
  }
}

function remembered(signed, issuer) {
  const link = signed.fingerprint + issuer.fingerprint;
  if (found.size >= REMEMBERED) found.clear();
  if (!found.has(link)) found.set(link, madeBy(issuer.key, signed.signature, signed.content, signed.hash));
  return found.get(link);
}

/** Whether `key` made the DER signature over `content`. */
function madeBy(key, signature, content, hash) {
  // A key on a curve that is none of ours makes no signature that we know.
  if (key === null) return false;
  try {
    const whole = new Reader(signature);
    const pair = whole.enter(SEQUENCE);
    whole.finish();
    const [r, s] = [pair.integer(), pair.integer()];
    pair.finish();
    return key.made(r, s, content, hash);
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}

/** A revocation list; the constructor throws where it cannot be read. */
export class RevocationList {
  constructor(data) {
    const { content, hash, signature } = signed(data);
    const fields = new Reader(content).enter(SEQUENCE);
    this.fingerprint = hex(HASHES.sha256(data));
    Object.assign(this, { content, hash, signature, revoked: new Map(), extensions: new Map() });
    if (fields.next() === INTEGER && fields.integer() !== 1n) throw new DerError("a version of no list");
    fields.element(SEQUENCE);
    this.issuer = fields.element(SEQUENCE);
    readName(this.issuer);
    this.begin = fields.time();
    this.end = fields.next() === SEQUENCE || fields.next() === null || fields.next() >= 0x80 ? null : fields.time();
    if (fields.next() === SEQUENCE) {
      const list = fields.enter(SEQUENCE);
      while (list.next() !== null) {
        const one = list.enter(SEQUENCE);
        const serial = one.integer();
        const since = one.time();
        const more = one.next() === null ? new Map() : extensions(new Reader(one.element()));
        one.finish();
        if (this.revoked.has(serial)) throw new DerError("a certificate is named twice");
        this.revoked.set(serial, { since, more });
      }
    }
    if (fields.next() === LIST_EXTENSIONS) this.extensions = extensions(fields.enter(LIST_EXTENSIONS));
    fields.finish();
  }

  /** Whether `issuer` signed it. */
  signedBy(issuer) {
    return this.hash !== undefined && remembered(this, issuer);
  }
}

/** The reason of a revocation as its number, RFC 5280 5.3.1. */
export function reasonOf(extension) {
  const reader = new Reader(extension.value);
  const found = Number(reader.integer(ENUMERATED));
  reader.finish();
  return found;
}
