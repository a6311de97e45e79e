// An exported log: its entries, how they are chained, and the checkpoint that a gateway signed (proof/log_export.py,
// proof/checkpoint.py, proof/chain.py). The checks, their order and their reasons are the same there. FAU_STG.2.

import { CanonicalError, decode, encode } from "./canonical.js";
import { hashOf, instantOf, kindOf, malformed, members, sha256 } from "./form.js";
import { bytes, equal, integer, unbase64 } from "./octets.js";
import { Refusal } from "./refusal.js";
import { TrustStore } from "./trust.js";
import { Certificate, RevocationList } from "./x509.js";

export const LOG_FORM = "smgw-log-export-1";
const CHECKPOINT_FORM = "smgw-log-checkpoint-1";
const CHECKPOINT_BYTES = 1024 * 1024;
const MAXIMUM_CERTIFICATES = 64;
const MAXIMUM_OWNER = 1024;
/** Longer than any entry that a gateway writes. */
const ENTRY_BYTES = 65536;
const HALF = 32;
/** Of the two signatures r, s and r, n-s the smaller is the one that a gateway writes. */
const HALF_ORDER = 0xa9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7n >> 1n;
const LOGS = ["system", "consumer", "calibration"];
const FIRST_SECOND = -62135596800n;
const LAST_SECOND = 253402300799n;

const STATE = {
  log: "string",
  owner: "string",
  first: "bigint",
  anchor: "string",
  last: "bigint",
  head: "string",
  capacity: "bigint",
};
const ENTRY = {
  log: "string",
  owner: "string",
  record_number: "bigint",
  event: "string",
  event_id: "bigint",
  event_sub_id: "bigint",
  vendor_id: "string",
  level: "bigint",
  outcome: "bigint",
  subject: "string",
  user: "string",
  at: "bigint",
  seconds_index: "bigint",
  parameters: "object",
  parent_record_number: "bigint",
  repetition_counter: "bigint",
  previous: "string",
  hash: "string",
};

function octets(text) {
  const found = unbase64(text);
  if (found === null) throw malformed("what should be base64 is not written in its one way");
  return found;
}

/** Read an export; nothing of it is believed yet. Throws Refusal. */
export function readExport(document) {
  const taken = members(document, "the export", {
    form: "string",
    checkpoint: "object",
    certificates: "list",
    revocation_lists: "list",
    logs: "list",
  });
  if (taken.form !== LOG_FORM) throw malformed("this is no export of a log");
  const most = Math.max(taken.certificates.length, taken.revocation_lists.length);
  if (most > MAXIMUM_CERTIFICATES) throw malformed("more than what it takes");
  const checkpoint = members(taken.checkpoint, "the checkpoint", {
    content: "string",
    certificate: "string",
    signature: "string",
  });
  return {
    content: octets(checkpoint.content),
    certificate: octets(checkpoint.certificate),
    signature: octets(checkpoint.signature),
    certificates: taken.certificates.map(octets),
    lists: taken.revocation_lists.map(octets),
    logs: taken.logs.map(readLog),
  };
}

function readLog(value) {
  const taken = members(value, "a log", { state: "object", entries: "list" });
  const state = members(taken.state, "a state", STATE);
  if (!LOGS.includes(state.log)) throw new Refusal("altered");
  hashOf(state.anchor);
  hashOf(state.head);
  if ([...state.owner].length > MAXIMUM_OWNER) throw malformed("a state");
  if (state.first < 1n || state.first > state.last + 1n || state.capacity < 0n) throw malformed("a state");
  return { state, mark: sha256(bytes(encode(taken.state))), entries: taken.entries.map(readEntry) };
}

function readEntry(value) {
  const parent = kindOf(value) === "object" ? (value.get("parent_record_number") ?? null) : null;
  const entry = members(value, "an entry", { ...ENTRY, parent_record_number: parent === null ? "null" : "bigint" });
  for (const one of entry.parameters.values()) {
    if (!["string", "bigint"].includes(kindOf(one))) throw malformed("parameters");
  }
  const exists =
    LOGS.includes(entry.log) &&
    (entry.level >= 1n && entry.level <= 5n) &&
    (entry.outcome >= 0n && entry.outcome <= 2n) &&
    (entry.at >= FIRST_SECOND && entry.at <= LAST_SECOND);
  const signed = new Map(value);
  signed.delete("hash");
  const written = encode(signed);
  const computed = written.length > ENTRY_BYTES ? null : sha256(bytes(written));
  // Of events a newer gateway may know more; whether it wrote this one its hash says.
  if (!exists) throw new Refusal("altered");
  hashOf(entry.previous);
  hashOf(entry.hash);
  return { ...entry, computed };
}

/** What a checkpoint says, and the certificate of its signer, who is not believed yet. */
function readCheckpoint(read) {
  // 1
  if (read.content.length > CHECKPOINT_BYTES) throw malformed("a checkpoint is too large");
  const checkpoint = members(decode(read.content), "a checkpoint", {
    form: "string",
    gateway: "string",
    number: "bigint",
    at: "string",
    previous: "string",
    signer: "string",
    marks: "list",
  });
  const at = instantOf(checkpoint.at);
  hashOf(checkpoint.previous);
  checkpoint.marks.forEach(hashOf);
  if (checkpoint.form !== CHECKPOINT_FORM) throw malformed("a checkpoint");
  const certificate = readCertificate(read.certificate);
  if (certificate.key === null) throw new Refusal("certificate", "profile");
  // 2
  if (checkpoint.signer !== certificate.fingerprint) throw new Refusal("certificate");
  // 3
  const [r, s] = [integer(read.signature.subarray(0, HALF)), integer(read.signature.subarray(HALF))];
  if (read.signature.length !== 2 * HALF || s > HALF_ORDER) throw new Refusal("signature");
  if (!certificate.key.made(r, s, read.content, "sha256")) throw new Refusal("signature");
  return { ...checkpoint, at, certificate };
}

function readCertificate(data) {
  try {
    return new Certificate(data);
  } catch (error) {
    throw new Refusal("certificate", "malformed");
  }
}

/** Believe an export; `gateway` is null where nobody knows whose it should be. Throws Refusal. */
export function verifyExport(read, roots, gateway) {
  // 1
  const checkpoint = readCanonical(() => readCheckpoint(read));
  // 2
  const identity = signerOf(read, checkpoint, roots);
  // 3
  for (const named of [identity, gateway]) {
    if (named !== null && named !== checkpoint.gateway) throw new Refusal("gateway");
  }
  // 4
  const whose = new Set(read.logs.map((log) => JSON.stringify([log.state.log, log.state.owner])));
  if (whose.size === 0 || whose.size !== read.logs.length) throw malformed("the export holds no log, or one twice");
  for (const log of read.logs) {
    if (!checkpoint.marks.includes(log.mark)) throw new Refusal("checkpoint");
  }
  // 5
  return {
    gateway: checkpoint.gateway,
    sealedAt: checkpoint.at,
    logs: read.logs.map((log) => verifyChain(log.state, log.entries)),
  };
}

export function readCanonical(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof CanonicalError) throw malformed(error.message);
    throw error;
  }
}

/** Check 2: the name of the gateway in the certificate. */
function signerOf(read, checkpoint, roots) {
  const authorities = read.certificates.map(readCertificate);
  const lists = read.lists.map((data) => {
    try {
      return new RevocationList(data);
    } catch (error) {
      throw new Refusal("certificate");
    }
  });
  const trust = new TrustStore(roots, authorities, lists);
  let needed;
  let identity;
  try {
    needed = grounds(trust, checkpoint.certificate);
    identity = trust.verify(checkpoint.certificate, checkpoint.at);
  } catch (error) {
    if (error instanceof Refusal) throw new Refusal("certificate", error.reason);
    throw error;
  }
  const same = (some, others) => some.length === others.length && some.every((one, index) => one === others[index]);
  if (!same(needed.authorities, authorities) || !same(needed.lists, lists)) throw malformed("more than what it takes");
  return identity;
}

/** The CA certificates and lists that lead from `certificate` to a root, and nothing else. */
function grounds(trust, certificate) {
  const found = { authorities: [], lists: [] };
  let issued = certificate;
  while (!trust.anchors.has(issued.fingerprint)) {
    const below = issued;
    const issuer = trust.authorities.find(
      (each) => equal(each.subject, below.issuer) && each.fingerprint !== below.fingerprint && below.issuedBy(each),
    );
    // Who leads to nobody, or round in a circle, leads to no root.
    if (issuer === undefined || found.authorities.includes(issuer)) throw new Refusal("unknown-issuer");
    const named = trust.lists.filter((list) => equal(list.issuer, issuer.subject));
    if (named.length > 0) found.lists.push(named.reduce((newest, list) => (list.begin > newest.begin ? list : newest)));
    if (!trust.anchors.has(issuer.fingerprint)) found.authorities.push(issuer);
    issued = issuer;
  }
  return found;
}

function verifyChain(state, entries) {
  const altered = () => new Refusal("altered");
  // 1
  for (const entry of entries) {
    if (entry.log !== state.log || entry.owner !== state.owner) throw new Refusal("order");
  }
  // 2
  for (let index = 1; index < entries.length; index += 1) {
    const [before, number] = [entries[index - 1].record_number, entries[index].record_number];
    if (number !== before + 1n) throw new Refusal(number <= before ? "order" : "gap");
  }
  // 3 and 4
  for (const entry of entries) {
    if (entry.computed !== entry.hash) throw altered();
    const parent = entry.parent_record_number;
    if (parent !== null && (parent < 1n || parent >= entry.record_number)) throw altered();
  }
  for (let index = 1; index < entries.length; index += 1) {
    const [before, entry] = [entries[index - 1], entries[index]];
    if (entry.previous !== before.hash || entry.seconds_index < before.seconds_index) throw altered();
  }
  // 5
  requireStart(entries, state, altered);
  // 6
  const end = entries.length > 0 ? entries[entries.length - 1].record_number : state.first - 1n;
  if (end < state.last) throw new Refusal("cut-tail");
  for (const entry of entries) {
    if (entry.record_number === state.last && entry.hash !== state.head) throw altered();
    if (entry.record_number === state.last + 1n && entry.previous !== state.head) throw altered();
  }
  const first = entries.length > 0 ? entries[0].record_number : state.first;
  const last = entries.length > 0 ? end : state.last;
  const covered = state.last > first - 1n ? state.last : first - 1n;
  return {
    log: state.log,
    owner: state.owner,
    first: Number(first),
    last: Number(last),
    sealed: Number(state.last),
    unsigned: Number(last - covered),
  };
}

function requireStart(entries, state, altered) {
  if (entries.length === 0) {
    if (state.last >= state.first) throw new Refusal("cut-tail");
    return;
  }
  const [first] = entries;
  const last = entries[entries.length - 1].record_number;
  const round = last - state.capacity + 1n;
  const latest = state.capacity > 0n && round > state.first ? round : state.first;
  if (first.record_number > latest) throw new Refusal("cut-start");
  if (first.record_number < state.first) throw new Refusal("order");
  if (first.record_number === state.first && first.previous !== state.anchor) throw altered();
}

