// JSON with exactly one spelling a document, as wire/canonical_json.py writes it.
//
// Decides what is read: one object in ASCII, keys in code-point order, no white space, integers of 64 bits (as BigInt)
// and no other numbers, no key twice, bounded depth. Objects come out as Maps, so that no key has a meaning of its own.

const DEPTH = 12;
const BOUND = 2n ** 63n - 1n;
const ascii = new TextDecoder("latin1");
const SHORT = { '"': '"', "\\": "\\", n: "\n", r: "\r", t: "\t", f: "\f", b: "\b" };
const ESCAPED = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f", "\b": "\\b" };

/** Octets that are no canonical document. */
export class CanonicalError extends Error {}

export function decode(data) {
  const reader = new Parser(data);
  if (data[0] !== 0x7b) throw new CanonicalError("a document is one object");
  const document = reader.value(1);
  if (reader.position !== data.length) throw new CanonicalError("there is more than one document");
  return document;
}

class Parser {
  constructor(data) {
    this.data = data;
    this.position = 0;
  }

  value(depth) {
    if (depth > DEPTH) throw new CanonicalError("a document nests too deep");
    switch (this.data[this.position]) {
      case 0x7b:
        return this.object(depth);
      case 0x5b:
        return this.list(depth);
      case 0x22:
        return this.string();
      case 0x74:
        return this.word("true", true);
      case 0x66:
        return this.word("false", false);
      case 0x6e:
        return this.word("null", null);
      default:
        return this.integer();
    }
  }

  object(depth) {
    const found = new Map();
    let before = null;
    this.position += 1;
    if (this.skip(0x7d)) return found;
    do {
      const key = this.string();
      if (before !== null && !below(before, key)) throw new CanonicalError("keys are not in their order");
      before = key;
      if (!this.skip(0x3a)) throw new CanonicalError("a key without a value");
      found.set(key, this.value(depth + 1));
    } while (this.skip(0x2c));
    if (!this.skip(0x7d)) throw new CanonicalError("an object is not closed");
    return found;
  }

  list(depth) {
    const found = [];
    this.position += 1;
    if (this.skip(0x5d)) return found;
    do found.push(this.value(depth + 1));
    while (this.skip(0x2c));
    if (!this.skip(0x5d)) throw new CanonicalError("a list is not closed");
    return found;
  }

  string() {
    if (!this.skip(0x22)) throw new CanonicalError("no text where one must stand");
    const begin = this.position;
    let plain = true;
    for (;;) {
      const octet = this.data[this.position];
      if (octet === 0x22) break;
      if (octet === undefined || octet < 0x20 || octet > 0x7e) throw new CanonicalError("a text is not closed");
      if (octet === 0x5c) {
        plain = false;
        this.position += 1;
      }
      this.position += 1;
    }
    const raw = ascii.decode(this.data.subarray(begin, this.position));
    this.position += 1;
    if (plain) return raw;
    const text = raw.replace(/\\(?:u([0-9a-f]{4})|(.)|$)/g, (_, code, short) => {
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
      if (SHORT[short] === undefined) throw new CanonicalError("an escape that there is not");
      return SHORT[short];
    });
    // One spelling: writing it again must give the same.
    if (quoted(text) !== `"${raw}"`) throw new CanonicalError("a text is not written in its one way");
    return text;
  }

  integer() {
    const begin = this.position;
    while (this.position < this.data.length && isDigit(this.data[this.position])) this.position += 1;
    const digits = ascii.decode(this.data.subarray(begin, this.position));
    if (!/^(?:0|-?[1-9][0-9]{0,18})$/.test(digits)) throw new CanonicalError("only integers are numbers here");
    const value = BigInt(digits);
    if (value > BOUND || value < -BOUND) throw new CanonicalError("an integer is outside 64 bits");
    return value;
  }

  word(text, value) {
    for (const character of text) {
      if (!this.skip(character.charCodeAt(0))) throw new CanonicalError("no value that there is");
    }
    return value;
  }

  skip(octet) {
    if (this.data[this.position] !== octet) return false;
    this.position += 1;
    return true;
  }
}

function isDigit(octet) {
  return (octet >= 0x30 && octet <= 0x39) || octet === 0x2d;
}

/** Whether `one` stands before `other`, by code points. */
function below(one, other) {
  const left = Array.from(one, (each) => each.codePointAt(0));
  const right = Array.from(other, (each) => each.codePointAt(0));
  for (let index = 0; index < left.length && index < right.length; index += 1) {
    if (left[index] !== right[index]) return left[index] < right[index];
  }
  return left.length < right.length;
}

function quoted(text) {
  for (let index = 0; index < text.length; index += 1) {
    const point = text.codePointAt(index);
    if (point >= 0xd800 && point <= 0xdfff) throw new CanonicalError("a text holds half a character");
    if (point > 0xffff) index += 1;
  }
  return `"${text.replace(/[^ !#-[\]-~]/g, (one) => ESCAPED[one] ?? `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
}

/** The canonical text of what `decode` gives; objects are Maps and written in the order of their keys. */
export function encode(value) {
  if (value === null || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map(encode).join(",")}]`;
  const keys = [...value.keys()].sort((one, other) => (one === other ? 0 : below(one, other) ? -1 : 1));
  return `{${keys.map((key) => `${quoted(key)}:${encode(value.get(key))}`).join(",")}}`;
}
