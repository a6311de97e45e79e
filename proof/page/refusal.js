// Why something is not believed: a reason for programs, the same word as in Python (pki/errors.py, proof/errors.py).

export class Refusal extends Error {
  constructor(reason, detail = "") {
    super(reason);
    this.reason = reason;
    this.detail = detail;
  }
}
