// Octets and their spellings: each has one, and any other is refused.

const ascii = new TextDecoder("latin1");

/** The unsigned number that `octets` write, highest first. */
export function integer(octets) {
  return octets.length === 0 ? 0n : BigInt("0x" + hex(octets));
}

const DIGITS = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal. */
export function hex(octets) {
  let text = "";
  for (const octet of octets) text += DIGITS[octet];
  return text;
}

/** The octets that an even number of hexadecimal digits write. */
export function unhex(text) {
  const octets = new Uint8Array(text.length / 2);
  for (let index = 0; index < octets.length; index += 1) {
    octets[index] = Number.parseInt(text.slice(2 * index, 2 * index + 2), 16);
  }
  return octets;
}

/** The octets of a text in base64, padded and with zero bits behind the end; null where it is another spelling. */
export function unbase64(text) {
  const raw = typeof text === "string" ? unpacked(text) : null;
  // The browser reads more spellings than the one that it writes.
  if (raw === null || btoa(raw) !== text) return null;
  const octets = new Uint8Array(raw.length);
  for (let index = 0; index < raw.length; index += 1) octets[index] = raw.charCodeAt(index);
  return octets;
}

function unpacked(text) {
  try {
    return atob(text);
  } catch (error) {
    return null;
  }
}

/** ASCII octets as text. */
export function text(octets) {
  return ascii.decode(octets);
}

/** ASCII text as octets. */
export function bytes(some) {
  return Uint8Array.from(some, (character) => character.charCodeAt(0));
}

export function equal(one, other) {
  return one.length === other.length && one.every((octet, index) => octet === other[index]);
}

/** Below, at or above zero, by octets. */
export function compare(one, other) {
  const shorter = Math.min(one.length, other.length);
  for (let index = 0; index < shorter; index += 1) {
    if (one[index] !== other[index]) return one[index] - other[index];
  }
  return one.length - other.length;
}
