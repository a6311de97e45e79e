// ECDSA on the curves of the SM-PKI: whether a key made a signature over some octets.
//
// Decides nothing about whose key it is. Browsers know no brainpool curve, so the arithmetic is that of @noble/curves;
// it works on public values only, so that its time may tell whatever it does.

import { brainpoolP256r1, brainpoolP384r1, brainpoolP512r1 } from "@noble/curves/misc.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { hex, integer } from "./octets.js";

export const HASHES = { sha256, sha384, sha512 };

const CURVES = {
  brainpoolP256r1: brainpoolP256r1.Point,
  brainpoolP384r1: brainpoolP384r1.Point,
  brainpoolP512r1: brainpoolP512r1.Point,
};

/** How often a key has verified before it is worth a table of its multiples. */
const WORTH_A_TABLE = 16;
const TABLE_BITS = 8;

const known = new Map();
const REMEMBERED = 256;

/** The public key of these octets, which may have its table already. Throws where it is none. */
export function publicKey(curve, octets) {
  const name = curve + hex(octets);
  if (known.size >= REMEMBERED) known.clear();
  if (!known.has(name)) known.set(name, new PublicKey(curve, octets));
  return known.get(name);
}

/** A public key: a point that lies on its curve. The constructor throws where it does not. */
class PublicKey {
  constructor(curve, octets) {
    const Point = CURVES[curve];
    // 0x04: uncompressed, the one spelling that a certificate of ours has.
    if (Point === undefined || octets[0] !== 4) throw new Error("not a key on a curve of the SM-PKI");
    this.curve = curve;
    this.Point = Point;
    this.point = Point.fromBytes(octets);
    this.point.assertValidity();
    this.used = 0;
  }

  /** Whether `r` and `s` are this key's signature over `message` with the hash of that name (FIPS 186-5, 6.4.2). */
  made(r, s, message, hash) {
    const { Fn, Fp, BASE } = this.Point;
    const n = Fn.ORDER;
    if (r <= 0n || r >= n || s <= 0n || s >= n) return false;
    const digest = HASHES[hash](message);
    const excess = digest.length * 8 - Fn.BITS;
    const number = integer(digest);
    const e = (excess > 0 ? number >> BigInt(excess) : number) % n;
    const inverse = Fn.inv(s);
    this.used += 1;
    if (this.used === WORTH_A_TABLE) this.point.precompute(TABLE_BITS, false);
    const ours = BASE.multiplyUnsafe(Fn.mul(e, inverse));
    const sum = ours.add(this.point.multiplyUnsafe(Fn.mul(r, inverse)));
    if (sum.is0()) return false;
    // x = X / Z; instead of dividing, r times Z is compared, and r + n where that is still below p.
    for (let x = r; x < Fp.ORDER; x += n) {
      if (Fp.eql(Fp.mul(x, sum.Z), sum.X)) return true;
    }
    return false;
  }
}
