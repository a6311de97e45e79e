// DER, read strictly (ITU-T X.690, 10): one encoding of everything, nothing skipped, nothing left over.

export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;
export const ENUMERATED = 0x0a;
export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;
export const SEQUENCE = 0x30;
export const SET = 0x31;

/** Octets that are not the one encoding of what is expected. */
export class DerError extends Error {}

/** A position inside `data`; every method moves on or throws DerError. */
export class Reader {
  constructor(data, position = 0, end = data.length) {
    this.data = data;
    this.position = position;
    this.end = end;
  }

  bounds(tag) {
    let start = this.position + 2;
    if (start > this.end) throw new DerError("cut off");
    if (tag !== null && this.data[this.position] !== tag) throw new DerError("another tag");
    let length = this.data[this.position + 1];
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (octets < 1 || octets > 3 || start + octets > this.end) throw new DerError("a length");
      length = 0;
      for (let index = 0; index < octets; index += 1) length = length * 256 + this.data[start + index];
      if (length < 0x80 || length < 256 ** (octets - 1)) throw new DerError("a length is not minimal");
      start += octets;
    }
    if (start + length > this.end) throw new DerError("a length reaches beyond its container");
    return [start, start + length];
  }

  enter(tag) {
    const [start, end] = this.bounds(tag);
    this.position = end;
    return new Reader(this.data, start, end);
  }

  take(tag) {
    const [start, end] = this.bounds(tag);
    this.position = end;
    return this.data.subarray(start, end);
  }

  element(tag = null) {
    const begin = this.position;
    const [, end] = this.bounds(tag);
    this.position = end;
    return this.data.subarray(begin, end);
  }

  next() {
    return this.position < this.end ? this.data[this.position] : null;
  }

  finish() {
    if (this.position !== this.end) throw new DerError("there is more than the structure has");
  }

  /** An INTEGER as a number without bounds. */
  integer(tag = INTEGER) {
    const content = this.take(tag);
    const [first, second] = content;
    if (content.length === 0) throw new DerError("an integer is empty");
    if (content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw new DerError("an integer is not minimal");
    }
    let value = 0n;
    for (const octet of content) value = value * 256n + BigInt(octet);
    return first >= 0x80 ? value - (1n << BigInt(8 * content.length)) : value;
  }

  boolean() {
    const content = this.take(BOOLEAN);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw new DerError("a boolean");
    return content[0] === 0xff;
  }

  /** An OBJECT IDENTIFIER with dots. */
  identifier() {
    const content = this.take(OBJECT_IDENTIFIER);
    const arcs = [];
    let arc = 0;
    let open = false;
    for (const octet of content) {
      if (!open && octet === 0x80) throw new DerError("an object identifier is not minimal");
      arc = arc * 128 + (octet & 0x7f);
      open = octet >= 0x80;
      if (!open) {
        arcs.push(arc);
        arc = 0;
      }
    }
    if (open || arcs.length === 0) throw new DerError("an object identifier is cut off");
    const [first] = arcs;
    const root = first < 40 ? 0 : first < 80 ? 1 : 2;
    return [root, first - 40 * root, ...arcs.slice(1)].join(".");
  }

  /** A BIT STRING of whole octets. */
  bits() {
    const content = this.take(BIT_STRING);
    if (content.length === 0 || content[0] !== 0) throw new DerError("a bit string is not of whole octets");
    return content.subarray(1);
  }

  /** The numbers of the bits that are set in a BIT STRING of named bits. */
  named() {
    const content = this.take(BIT_STRING);
    const unused = content[0];
    if (content.length === 0 || unused > 7 || (content.length === 1 && unused > 0)) throw new DerError("a bit string");
    const last = content[content.length - 1];
    if (content.length > 1 && (last & ((1 << unused) - 1)) !== 0) throw new DerError("an unused bit is set");
    const found = new Set();
    for (let bit = 0; bit < 8 * (content.length - 1) - unused; bit += 1) {
      if (content[1 + (bit >> 3)] & (0x80 >> (bit & 7))) found.add(bit);
    }
    return found;
  }

  /** A UTCTime or GeneralizedTime as X.509 writes it (RFC 5280, 4.1.2.5), in seconds since 1970. */
  time() {
    const tag = this.next();
    const content = String.fromCharCode(...this.take(tag));
    let match = null;
    if (tag === UTC_TIME) match = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(content);
    if (tag === GENERALIZED_TIME) match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(content);
    if (match === null) throw new DerError("a time");
    const [year, month, day, hour, minute, second] = match.slice(1).map(Number);
    const whole = tag === UTC_TIME ? year + (year < 50 ? 2000 : 1900) : year;
    const date = new Date(0);
    date.setUTCFullYear(whole, month - 1, day);
    date.setUTCHours(hour, minute, second);
    const shifted = date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day;
    if (shifted || hour > 23 || minute > 59 || second > 59) throw new DerError("no such time");
    return date.getTime() / 1000;
  }
}
