from collections.abc import Iterator
from datetime import timedelta

import pytest

from pki.certificates import Purpose, Role
from proof.checkpoint import Checkpoint
from smgw.logs.errors import IntegrityReason, LogIntegrityError
from smgw.logs.signer import certified_signer, good_signer
from smgw.logs.stored import verify_logs
from smgw.store.log_entry import GENESIS
from testbed.small_pki import SmallPki
from tests.smgw.logs.archive import Archive
from tests.smgw.store.samples import GATEWAY

R = IntegrityReason
LONG = timedelta(days=4000)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    archive = Archive(SmallPki(), tmp_path_factory.mktemp("signer"))
    archive.days(1)
    archive.seal()
    yield archive
    archive.close()


def test_this_gateway_is_believed(archive: Archive) -> None:
    verify_logs(archive.database, good_signer(GATEWAY, archive.trust, archive.now))
    verify_logs(archive.database, certified_signer(GATEWAY, archive.trust))


def test_what_time_takes_away_is_asked_by_who_verifies_and_not_by_the_self_test(archive: Archive) -> None:
    """FPT_TST.1: revocation lists that are late are no altered log."""
    with pytest.raises(LogIntegrityError) as refusal:
        verify_logs(archive.database, good_signer(GATEWAY, archive.trust, archive.now + LONG))
    assert refusal.value.reason is R.CERTIFICATE


@pytest.mark.parametrize(
    ("role", "purpose", "name", "seed", "reason"),
    [
        (Role.SMGW, Purpose.SIG, "EXYZ0012345678", 1, R.GATEWAY),
        (Role.SMGW, Purpose.ENC, GATEWAY.text, 1, R.CERTIFICATE),
        (Role.GWA, Purpose.SIG, GATEWAY.text, 1, R.CERTIFICATE),
        (Role.SMGW, Purpose.SIG, GATEWAY.text, 2, R.CERTIFICATE),
    ],
)
def test_somebody_else_is_not(  # noqa: PLR0917 - the columns of the table
    archive: Archive, role: Role, purpose: Purpose, name: str, seed: int, reason: IntegrityReason
) -> None:
    """FAU_STG.2: who has the key of the database still cannot sign as this gateway."""
    certificate = SmallPki(seed=seed).holder(role, purpose, name).certificate
    checkpoint = Checkpoint.of(GATEWAY.text, 1, archive.now, GENESIS, certificate, ())
    for judge in (good_signer(GATEWAY, archive.trust, archive.now), certified_signer(GATEWAY, archive.trust)):
        with pytest.raises(LogIntegrityError) as refusal:
            judge(checkpoint, certificate)
        assert refusal.value.reason is reason


def test_the_checkpoint_of_another_gateway_is_not(archive: Archive) -> None:
    certificate = archive.identity.certificates[Purpose.SIG].certificate
    checkpoint = Checkpoint.of("EXYZ0012345678", 1, archive.now, GENESIS, certificate, ())
    with pytest.raises(LogIntegrityError, match="EXYZ0012345678"):
        certified_signer(GATEWAY, archive.trust)(checkpoint, certificate)
