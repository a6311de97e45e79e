from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import Purpose, Role
from pki.inner import sign_reading
from smgw.han.shown import Verdict
from smgw.han.signers import Signers, judge
from smgw.han.status import Facts
from smgw.keys.cabinet import certificates_of
from smgw.store.readings import ReadingStore
from tests.smgw.han.house import FIRST, IMPORT, NOW, House
from tests.smgw.store.samples import GATEWAY
from wire.reading import SignedReading


def facts(house: House, folder: Path, generation: int = 3) -> Facts:
    return replace(house.facts, certificates=folder, identity=lambda: replace(house.identity, generation=generation))


def test_every_generation_counts_that_is_held(house: House, tmp_path: Path) -> None:
    """PTB-A 50.8, inner signature: readings outlive the key that signed them."""
    former, foreign = (house.pki.holder(Role.SMGW, Purpose.SIG, name) for name in (GATEWAY.text, "EABC0087654321"))
    market = house.pki.holder(Role.EMT, Purpose.SIG)
    written = {1: former, 2: foreign, 3: market}
    for generation, holder in written.items():
        folder = certificates_of(tmp_path, generation)
        folder.mkdir(exist_ok=True)
        (folder / "SIG.pem").write_bytes(holder.certificate.public_bytes(Encoding.PEM))
    held = Signers(facts(house, tmp_path)).held(NOW)
    own = house.identity.certificates[Purpose.SIG].certificate
    assert [one.certificate for one in held] == [own, former.certificate]
    reading = ReadingStore(house.database).latest(FIRST, IMPORT)
    assert reading is not None
    for key, verdict in ((house.key, Verdict.GENUINE), (former.key, Verdict.GENUINE), (foreign.key, Verdict.ALTERED)):
        assert judge(sign_reading(reading, GATEWAY, key), held) is verdict
    assert judge(SignedReading(reading, bytes(64)), held) is Verdict.ALTERED
    assert judge(SignedReading(reading, bytes(64)), []) is Verdict.UNKNOWN_SIGNER


def test_what_cannot_be_read_stands_behind_nothing(house: House, tmp_path: Path) -> None:
    (tmp_path / "SIG.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nnonsense")
    (tmp_path / "generation-2").mkdir()
    assert len(Signers(facts(house, tmp_path)).held(NOW)) == 1
