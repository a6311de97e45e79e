// Whether readings are genuine: which certificate made the inner signature, and whether it was good then.
//
// The same questions in the same order as proof/verify.py; runs in workers, each with its part of the readings.
// FCO_NRO.2; PTB-A 50.8, inner signature.

import { integer } from "./octets.js";
import { Refusal } from "./refusal.js";
import { TrustStore } from "./trust.js";
import { Certificate, RevocationList } from "./x509.js";

const DOMAIN = "SMGW reading v1\0";
const SIGNED_OCTETS = 76;
const HALF = 32;
const OF_THE_MOMENT = ["not-yet-valid", "expired", "revoked", "crl-stale"];

/** The octets under the inner signature (wire/reading.py, docs/proof-form.md). */
export function signedOctets(reading, gateway) {
  const octets = new Uint8Array(SIGNED_OCTETS);
  const view = new DataView(octets.buffer);
  const write = (text, offset) => {
    for (let index = 0; index < text.length; index += 1) octets[offset + index] = text.charCodeAt(index);
  };
  write(DOMAIN, 0);
  write(gateway, 16);
  write(reading.device, 30);
  octets.set(reading.obis, 44);
  view.setBigInt64(50, reading.value);
  view.setInt8(58, reading.scaler);
  view.setUint8(59, reading.unit);
  view.setBigInt64(60, BigInt(reading.at));
  view.setBigUint64(68, reading.status);
  return octets;
}

/** What `read` makes of each, without those that cannot be read. */
function readable(some, read) {
  const found = [];
  for (const octets of some) {
    try {
      found.push(read(octets));
    } catch (error) {
      continue;
    }
  }
  return found;
}

/** A signature certificate and what is known of it. */
class Signer {
  constructor(octets, trust, ground) {
    Object.assign(this, { trust, now: ground.now, gateway: ground.gateway, known: null, certificate: null });
    [this.certificate = null] = readable([octets], (data) => new Certificate(data));
    this.identity = this.certificate === null ? null : identityOf(this.certificate);
  }

  /** Null where it is a good one of this gateway at `at`, else why not. */
  doubt(at) {
    if (this.certificate === null) return "malformed";
    if (this.known !== null) return this.known;
    // No list knows what was revoked after it: where something is younger than the export, lists must reach that far.
    const now = Math.max(this.now, at);
    try {
      return this.trust.verifyRecorded(this.certificate, at, now) === this.gateway ? null : "gateway";
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!OF_THE_MOMENT.includes(error.reason)) this.known = error.reason;
      return error.reason;
    }
  }

  made(reading) {
    if (this.identity === null || this.certificate.key === null) return false;
    const { signature } = reading;
    const [r, s] = [integer(signature.subarray(0, HALF)), integer(signature.subarray(HALF))];
    return this.certificate.key.made(r, s, signedOctets(reading, this.identity), "sha256");
  }
}

function identityOf(certificate) {
  const common = certificate.name.attributes.find((attribute) => attribute.kind === "2.5.4.3");
  const match = /^(E[A-Z0-9]{3}[0-9A-F]{2}[0-9]{8})\.SMGW$/.exec(common?.value ?? "");
  return match === null ? null : match[1];
}

/** `ground`: roots, authorities, lists and certificates as octets, the gateway, and now in seconds. */
export class Judge {
  constructor(ground) {
    const authorities = readable(ground.authorities, (data) => new Certificate(data));
    const lists = readable(ground.lists, (data) => new RevocationList(data));
    this.unreadable = ground.authorities.length + ground.lists.length - authorities.length - lists.length;
    const roots = ground.roots.map((data) => new Certificate(data));
    const trust = new TrustStore(roots, authorities, lists);
    this.signer = (octets) => new Signer(octets, trust, ground);
    this.signers = ground.certificates.map(this.signer);
    this.last = 0;
  }

  /** `{ signer, reason }`: an empty reason where it is genuine; no signer where nobody made the signature. */
  judge(reading) {
    const doubtful = [];
    const order = [this.last, ...this.signers.keys()].filter((one, place) => place === 0 || one !== this.last);
    for (const index of order) {
      const signer = this.signers[index];
      if (signer === undefined) continue;
      const doubt = signer.doubt(reading.at);
      if (doubt !== null) {
        doubtful[index] = doubt;
      } else if (signer.made(reading)) {
        this.last = index;
        return { signer: index, reason: "" };
      }
    }
    for (const index of doubtful.keys()) {
      if (doubtful[index] !== undefined && this.signers[index].made(reading)) {
        return { signer: index, reason: doubtful[index] };
      }
    }
    return { signer: null, reason: "signature" };
  }
}
