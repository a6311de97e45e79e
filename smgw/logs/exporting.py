"""How an export comes out of a store: from one view of it, with what leads from its checkpoint to a root.

Decides nothing about who may have it (``readers.py``); the caller has made a checkpoint right before, so that all but
what was written in this moment is signed.
"""

from collections.abc import Sequence

from pki.certificates import TrustStore, load_certificate
from proof.log_export import Export, ExportedLog, grounds
from smgw.logs.errors import IntegrityReason, LogIntegrityError, unreadable_is_altered
from smgw.logs.stored import last_states, read_entries, signed
from smgw.store import log_checkpoints
from smgw.store.database import Database
from smgw.store.log_chain import Chain


@unreadable_is_altered()
def export_logs(database: Database, trust: TrustStore, chains: Sequence[Chain]) -> Export:
    """The logs ``chains`` with the last checkpoint.

    Raises LogIntegrityError where there is none or where it does not speak of one of them yet, CertificateError where
    its signer leads to no root, and StoreError.
    """
    with database.read() as connection:
        stored = log_checkpoints.newest(connection)
        if stored is None:
            raise LogIntegrityError(IntegrityReason.CHECKPOINT, "no checkpoint was made yet")
        states = last_states(stored)
        for log, _ in (chain for chain in chains if chain not in states):
            sentence = f"the last checkpoint does not speak of this {log} log yet: there is nothing to prove"
            raise LogIntegrityError(IntegrityReason.CHECKPOINT, sentence)
        logs = tuple(ExportedLog(states[chain], tuple(read_entries(connection, chain))) for chain in chains)
    checkpoint = signed(stored)
    certificates, lists = grounds(trust, load_certificate(checkpoint.certificate))
    return Export(checkpoint, certificates, lists, logs)
