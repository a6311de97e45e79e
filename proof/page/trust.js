// Whether a certificate was a gateway's for signatures at a moment: the walk of pki/certificates.py, step by step.
//
// Decides with nothing but the roots that the person gave and what lies in the export. Steps, order and reasons are
// those of TrustStore.verify_recorded (readings) and TrustStore.verify (the log); the differential test compares them.

import { Reader } from "./der.js";
import { readSubject } from "./names.js";
import { Refusal } from "./refusal.js";
import { OID, reasonOf } from "./x509.js";
import { equal } from "./octets.js";

const MAXIMUM_CHAIN = 4;
const MAXIMUM_LINKS = 1_000;
const SEAL_POLICY = "1.3.6.1.4.1.32473.3109.4.2";
const CA_CURVES = ["brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"];
const END_CURVES = ["brainpoolP256r1"];
const CA_USAGE = [5, 6]; // keyCertSign, cRLSign
const SIGNATURE_USAGE = [0]; // digitalSignature
const USAGES = [[0], [2, 4]]; // of signatures and TLS, of encryption
const CRITICAL = new Map([
  [OID.keyUsage, true],
  [OID.basicConstraints, true],
  [OID.extendedKeyUsage, true],
  [OID.authorityKeyIdentifier, false],
  [OID.subjectKeyIdentifier, false],
  [OID.certificatePolicies, false],
  [OID.subjectAlternativeName, false],
  [OID.issuerAlternativeName, false],
  [OID.crlDistributionPoints, false],
  [OID.privateKeyUsagePeriod, false],
]);
const ROOT_REQUIRED = [OID.subjectKeyIdentifier, OID.keyUsage, OID.basicConstraints];
const ISSUED_REQUIRED = [
  ...ROOT_REQUIRED,
  OID.authorityKeyIdentifier,
  OID.certificatePolicies,
  OID.issuerAlternativeName,
  OID.crlDistributionPoints,
];
const CA_ALLOWED = [...CRITICAL.keys()].filter((kind) => kind !== OID.extendedKeyUsage);
const PROFILES = {
  root: { required: ROOT_REQUIRED, allowed: CA_ALLOWED, curves: CA_CURVES, ca: true, usage: CA_USAGE },
  authority: { required: ISSUED_REQUIRED, allowed: CA_ALLOWED, curves: CA_CURVES, ca: true, usage: CA_USAGE },
  gateway: {
    required: ISSUED_REQUIRED,
    allowed: ISSUED_REQUIRED,
    curves: END_CURVES,
    ca: false,
    usage: SIGNATURE_USAGE,
  },
};
const LIST_EXTENSIONS = [OID.authorityKeyIdentifier, OID.crlNumber, OID.issuerAlternativeName];
/** Unspecified, affiliation changed, superseded, cessation of operation: they say nothing against the key before. */
const UNHARMED = [0, 3, 4, 5];

export class TrustStore {
  constructor(roots, authorities, lists) {
    this.anchors = new Set(roots.map((root) => root.fingerprint));
    this.roots = roots;
    this.authorities = [...roots, ...authorities];
    this.lists = lists;
  }

  /** The identity of a gateway whose signature certificate was good at `recorded`, by lists that are current at `at`. */
  verifyRecorded(certificate, recorded, at) {
    return this.believe(certificate, false, (path) => this.judgeRecorded(path, recorded, at));
  }

  /** The identity of a gateway whose signature certificate was good at `at`; a quality seal is taken as well. */
  verify(certificate, at) {
    return this.believe(certificate, true, (path) => this.judge(path, at));
  }

  believe(certificate, seal, judge) {
    // 1. It can be read, and every extension is a known one.
    checkReadable(certificate);
    // 3. Its name is a gateway's. (2, the pin, is for callers who know whom they talk to.)
    const subject = readSubject(certificate.name);
    if (subject.role !== "SMGW") throw new Refusal("wrong-role");
    // 4. Its key usage is for signatures, and it is no quality seal where none is taken.
    if (purposeOf(certificate) !== "SIG") throw new Refusal("wrong-purpose");
    if (isSeal(certificate) && !seal) throw new Refusal("seal");
    checkProfile(certificate, PROFILES.gateway);
    // 5. to 7.
    this.prove([certificate], judge, { left: MAXIMUM_LINKS });
    return subject.identity;
  }

  prove(path, judge, links) {
    // 5. Signatures lead through CAs that may sign to a root.
    const highest = path[path.length - 1];
    if (this.anchors.has(highest.fingerprint)) {
      judge(path);
      return;
    }
    let first = null;
    for (const issuer of this.authorities) {
      if (!equal(issuer.subject, highest.issuer) || issuer.subjectKey !== highest.authorityKey) continue;
      // A root certifies CAs, never end users.
      if (path.length === 1 && this.anchors.has(issuer.fingerprint)) continue;
      if (links.left === 0) break;
      links.left -= 1;
      try {
        this.checkLink(highest, issuer, path.length - 1);
        this.prove([...path, issuer], judge, links);
        return;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        first ??= error;
      }
    }
    throw first ?? new Refusal("unknown-issuer");
  }

  checkLink(certificate, issuer, below) {
    const anchored = this.anchors.has(issuer.fingerprint);
    checkReadable(issuer);
    checkProfile(issuer, anchored ? PROFILES.root : PROFILES.authority);
    if (!anchored && isSeal(certificate) !== isSeal(issuer)) throw new Refusal("profile");
    const limit = issuer.constraints.length;
    if (below >= MAXIMUM_CHAIN || (limit !== null && BigInt(below) > limit)) throw new Refusal("profile");
    if (!certificate.issuedBy(issuer)) throw new Refusal("bad-signature");
    if (anchored && !issuer.issuedBy(issuer)) throw new Refusal("bad-signature");
  }

  judge(path, at) {
    // 6. Every certificate is valid.
    for (const certificate of path) checkValidity(certificate, at);
    // 7. A current list of each issuer, and none is revoked.
    for (let level = 0; level + 1 < path.length; level += 1) {
      const list = this.listOf(path[level + 1]);
      checkList(list, at);
      if (list.revoked.has(path[level].serial)) throw new Refusal("revoked");
    }
  }

  judgeRecorded(path, recorded, at) {
    // 6. Every certificate was valid.
    for (const certificate of path) checkValidity(certificate, recorded);
    // 7. A list of each issuer that is current now, and none was revoked then.
    for (let level = 0; level + 1 < path.length; level += 1) {
      const list = this.listOf(path[level + 1]);
      checkList(list, at);
      const gone = revokedSince(list, path[level]);
      if (gone !== null && gone <= recorded) throw new Refusal("revoked");
    }
  }

  /** The newest list that `issuer` signed. */
  listOf(issuer) {
    const named = this.lists.filter((list) => equal(list.issuer, issuer.subject));
    if (named.length === 0) throw new Refusal("crl-missing");
    const signed = named.filter((list) => list.signedBy(issuer));
    if (signed.length === 0) throw new Refusal("bad-signature");
    return signed.reduce((newest, list) => (list.begin > newest.begin ? list : newest));
  }
}

function checkReadable(certificate) {
  if (certificate.key === null) throw new Refusal("profile");
  if (certificate.version !== 2n || certificate.hash === undefined) throw new Refusal("profile");
  for (const [kind, { critical }] of certificate.extensions) {
    if (CRITICAL.get(kind) !== critical) throw new Refusal("profile");
  }
}

function checkProfile(certificate, profile) {
  const present = [...certificate.extensions.keys()];
  const complete = profile.required.every((kind) => certificate.extensions.has(kind));
  if (!complete || !present.every((kind) => profile.allowed.includes(kind))) throw new Refusal("profile");
  if (!profile.curves.includes(certificate.curve)) throw new Refusal("profile");
  if (certificate.constraints.ca !== profile.ca) throw new Refusal("profile");
  if (!isExactly(certificate.usages, profile.usage)) throw new Refusal("wrong-purpose");
}

function purposeOf(certificate) {
  const extended = certificate.extensions.has(OID.extendedKeyUsage);
  if (isExactly(certificate.usages, USAGES[0])) return extended ? "TLS" : "SIG";
  if (isExactly(certificate.usages, USAGES[1]) && !extended) return "ENC";
  throw new Refusal("wrong-purpose");
}

function isExactly(usages, wanted) {
  // encipherOnly and decipherOnly (7, 8) are asked of nobody.
  return [...usages].filter((bit) => bit < 7).join() === wanted.join();
}

export function isSeal(certificate) {
  return certificate.policies?.includes(SEAL_POLICY) ?? false;
}

function checkValidity(certificate, at) {
  if (at < certificate.begin) throw new Refusal("not-yet-valid");
  if (at > certificate.end) throw new Refusal("expired");
}

function checkList(list, at) {
  // A list that covers a part only must not pass for the whole.
  if ([...list.extensions.keys()].some((kind) => !LIST_EXTENSIONS.includes(kind))) throw new Refusal("profile");
  if (list.end === null || at < list.begin || at >= list.end) throw new Refusal("crl-stale");
}

/** From when on it is revoked, or null; throws where the key was perhaps never its holder's alone. */
function revokedSince(list, certificate) {
  const entry = list.revoked.get(certificate.serial);
  if (entry === undefined) return null;
  let { since } = entry;
  for (const [kind, extension] of entry.more) {
    if (kind === OID.invalidityDate) {
      since = Math.min(since, new Reader(extension.value).time());
    } else if (kind !== OID.crlReason || !UNHARMED.includes(reasonOf(extension))) {
      throw new Refusal("revoked");
    }
  }
  return since;
}
