"""The administrator's orders about keys, with a real token and a real store; power losses are in keys/test_ring.py."""

import base64
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import Purpose, Role
from pki.errors import TokenError, TokenReason
from pki.issue import Issuer, Order, prepare, serial_number
from pki.requests import read_renewal
from pki.revoke import Revocation, build_crl
from pki.store import write_atomically
from pki.token import Token
from smgw.administration.errors import CommandRefusedError, Done, FollowUp
from smgw.keys.ring import KeyRing
from smgw.keys.state import Phase
from smgw.renewal import KeyOrders, RenewalReason
from smgw.store.database import Database
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.trust import TrustFolder
from testbed.small_pki import NOW, SmallPki
from tests.moments import Moments
from tests.pki.forge import rebuild
from tests.smgw.keys.world import GATEWAY, PowerLossError, World, metered_files, open_token
from tests.smgw.store import samples
from tests.softhsm import fresh_token
from wire.orders import InstallCertificates, RenewKeys

pytestmark = pytest.mark.token


@pytest.fixture(scope="module")
def token() -> Iterator[Token]:
    with open_token(fresh_token()) as opened:
        yield opened


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = samples.open_database(tmp_path)
    yield opened
    opened.close()


def der(certificate: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    return certificate.public_bytes(Encoding.DER)


class Office:
    """A gateway with one administrator, who holds a small PKI."""

    def __init__(self, folder: Path, token: Token, database: Database, *, seal: bool = False) -> None:
        self.pki = SmallPki()
        self.world = World(folder, token, self.pki)
        if seal:
            for purpose in Purpose:
                key = token.key(purpose).public_key()
                sealed = self.pki.certify(key, Role.SMGW, purpose, GATEWAY.text, seal=True)
                (self.world.folder / f"{purpose}.pem").write_bytes(sealed.public_bytes(Encoding.PEM))
        self.trust_folder = folder / "trust"
        self.trust_folder.mkdir()
        store = self.pki.trust()
        for number, authority in enumerate(store.authorities):
            write_atomically(self.trust_folder / f"{number}.pem", authority.public_bytes(Encoding.PEM))
        for number, crl in enumerate(store.crls):
            write_atomically(self.trust_folder / f"{number}.crl", crl.public_bytes(Encoding.PEM))
        self.trust = TrustFolder(self.trust_folder)
        self.log = SystemLog(database)
        self.ring = self.start()
        self.orders = KeyOrders(self.ring, self.trust, self.log)

    def start(self) -> KeyRing:
        return KeyRing.open(GATEWAY, self.world.folder, self.world.cabinet, self.trust(), NOW)

    def renewal(self) -> dict[Purpose, ec.EllipticCurvePublicKey]:
        """Order new keys, check the request as a CA does, give the keys to be certified."""
        done = self.orders.renew(RenewKeys(), NOW)
        document = read_renewal(base64.b64decode(str(done.result["renewal"]), validate=True))
        current = self.ring.current().certificates[Purpose.SIG].certificate
        triple = document.verify(current, f"{GATEWAY}.SMGW")
        return {purpose: triple.public_key(purpose) for purpose in Purpose}

    def command(
        self, keys: dict[Purpose, ec.EllipticCurvePublicKey], issuer: Issuer | None = None, *, seal: bool = False
    ) -> InstallCertificates:
        made = {
            each: der(self.pki.certify(key, Role.SMGW, each, GATEWAY.text, issuer, seal=seal))
            for each, key in keys.items()
        }
        return InstallCertificates(made[Purpose.TLS], made[Purpose.SIG], made[Purpose.ENC])

    def install(self, command: InstallCertificates) -> Done:
        return self.orders.install(command, NOW)

    def refused(self, command: InstallCertificates) -> tuple[RenewalReason, str]:
        """The reason and sentence of the refusal, after which nothing is different."""
        state, present = self.ring.state, self.world.cabinet.present()
        files = sorted(path.name for path in self.trust_folder.iterdir())

        def too_late(*_: object) -> None:
            pytest.fail("every refusal comes before the first change")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.ring, "install", too_late)
            patch.setattr(self.trust, "keep", too_late)
            with pytest.raises(CommandRefusedError) as refusal:
                self.install(command)
        assert (self.ring.state, self.world.cabinet.present()) == (state, present)
        assert sorted(path.name for path in self.trust_folder.iterdir()) == files
        self.world.check(self.ring)
        return RenewalReason(refusal.value.reason), refusal.value.sentence

    def events(self) -> list[tuple[Event, Outcome, dict[str, str | int]]]:
        return [(entry.event, entry.outcome, entry.parameters) for entry in self.log.entries()]

    def new_authority(self, name: str = "Zweite-Sub", *, above: Issuer | None = None, ends: int = 0) -> Issuer:
        """A sub-CA that the gateway does not know."""
        key = self.pki.key(ec.BrainpoolP384R1())
        serial = serial_number(self.pki.random.randbytes)
        issuer = above or self.pki.hierarchy.root
        order = Order(key.public_key(), Role.SUB_CA, name)
        begin = NOW - timedelta(days=ends)
        made = prepare(order, issuer=issuer, plan=self.pki.plan, serial=serial, now=begin).issue()
        return Issuer(made, key)


@pytest.fixture
def office(tmp_path: Path, token: Token, database: Database) -> Office:
    return Office(tmp_path, token, database)


def test_new_keys_with_new_certificates(office: Office) -> None:
    keys = office.renewal()
    done = office.install(office.command(keys))
    assert done.then is FollowUp.END_TUNNEL
    assert done.result["generation"] == 2
    current = office.ring.current()
    assert {each: current.keys[each].public_key().public_numbers() for each in Purpose} == {
        each: key.public_numbers() for each, key in keys.items()
    }
    assert office.world.check(office.ring).phase is Phase.SETTLED
    assert office.events() == [
        (Event.KEYS_GENERATED, Outcome.SUCCESS, {"generation": 2}),
        (Event.CERTIFICATES_INSTALLED, Outcome.SUCCESS, {"generation": 2}),
        (Event.KEYS_DESTROYED, Outcome.SUCCESS, {"generation": 1}),
    ]
    assert office.start().current().generation == 2


def test_an_order_whose_answer_was_lost_is_answered_again(office: Office) -> None:
    command = office.command(office.renewal())
    first = office.install(command)
    assert office.install(command) == first
    assert office.ring.current().generation == 2
    assert (
        office.refused(office.command(dict.fromkeys(Purpose, office.pki.key(ec.BrainpoolP256R1()).public_key())))[0]
        is RenewalReason.NOTHING_WAITS
    )


def rehearsed(office: Office) -> list[str]:
    """The kinds of the moments of an installation."""
    command = office.command(office.renewal())
    begun = len(office.world.meter.kinds)
    with metered_files(office.world):
        office.install(command)
    return office.world.meter.kinds[begun:]


@pytest.mark.walk
def test_an_installation_that_power_interrupted_is_done_by_the_same_order(
    tmp_path: Path, token: Token, office: Office, moments: Moments
) -> None:
    """Why the order is one of those that are begun again (``order_gate.REPEATABLE``)."""
    kinds = rehearsed(office)
    assert len(kinds) == 23
    # What is after one step is before the next: here both are one kind.
    for cut_at in moments.of([re.sub(" (before|after) ", " ", kind) for kind in kinds], sample=2):
        folder = tmp_path / str(cut_at)
        folder.mkdir()
        with closing(samples.open_database(folder)) as database:
            cut = Office(folder, token, database)
            command = cut.command(cut.renewal())
            cut.world.meter.cut_at = len(cut.world.meter.passed) + cut_at
            with metered_files(cut.world), pytest.raises(PowerLossError):
                cut.install(command)
            cut.world.meter.cut_at = -1
            cut.ring = cut.start()
            cut.orders = KeyOrders(cut.ring, cut.trust, cut.log)
            assert cut.install(command).result["generation"] == 2
            assert cut.world.check(cut.ring).phase is Phase.SETTLED


def test_the_last_request_is_the_one_that_counts(office: Office) -> None:
    earlier = office.renewal()
    later = office.renewal()
    reason, sentence = office.refused(office.command(earlier))
    assert (reason, "another key" in sentence) == (RenewalReason.CERTIFICATE, True)
    office.install(office.command(later))
    assert office.world.check(office.ring).generation == 3


def test_a_quality_seal_becomes_operational_and_never_a_seal_again(
    tmp_path: Path, token: Token, database: Database
) -> None:
    office = Office(tmp_path, token, database, seal=True)
    assert office.ring.current().seal
    record = {path.name: path.read_bytes() for path in office.world.folder.glob("*.pem")}
    keys = office.renewal()
    reason, sentence = office.refused(office.command(keys, seal=True))
    assert reason is RenewalReason.CERTIFICATE
    assert "seal" in sentence
    office.install(office.command(keys))
    assert not office.ring.current().seal
    assert {path.name: path.read_bytes() for path in office.world.folder.glob("*.pem")} == record, "index 0 stays"
    with pytest.raises(TokenError) as refusal:
        token.key("SIG")
    assert refusal.value.reason is TokenReason.KEY_MISSING


@pytest.mark.parametrize("spoiled", list(Purpose))
def test_each_of_the_three_must_be_good(office: Office, spoiled: Purpose) -> None:
    keys = office.renewal()
    good = office.command(keys)
    name = spoiled.value.lower()

    def certified(purpose: Purpose = spoiled, gateway: str = GATEWAY.text, now: SmallPki | None = None) -> bytes:
        return der((now or office.pki).certify(keys[spoiled], Role.SMGW, purpose, gateway))

    other = {each: each for each in Purpose} | {Purpose.TLS: Purpose.SIG, Purpose.SIG: Purpose.ENC}
    other[Purpose.ENC] = Purpose.TLS
    stranger = office.pki.key(ec.BrainpoolP256R1()).public_key()
    wrong = {
        "wrong-name": certified(gateway="EABC0000000001"),
        "wrong-purpose": certified(other[spoiled]),
        "wrong-role": der(office.pki.certify(keys[spoiled], Role.EMT, spoiled, "Netz")),
        "not-pinned": der(office.pki.certify(stranger, Role.SMGW, spoiled, GATEWAY.text)),
        "unknown-issuer": certified(now=SmallPki(seed=2)),
        "malformed": good.tls[:20] + bytes(80),
    }
    for word, certificate in wrong.items():
        reason, sentence = office.refused(replace_unchecked(good, name, certificate))
        assert reason is RenewalReason.CERTIFICATE
        assert sentence.startswith(word) or (word == "unknown-issuer" and sentence.startswith("bad-signature")), word
    office.install(good)


def replace_unchecked(command: InstallCertificates, name: str, value: bytes) -> InstallCertificates:
    """The command with one certificate that its own form would perhaps not take."""
    copied = InstallCertificates(command.tls, command.sig, command.enc, command.authorities, command.lists)
    object.__setattr__(copied, name, value)
    return copied


def test_expired_and_revoked_certificates_are_refused(office: Office) -> None:
    keys = office.renewal()
    command = office.command(keys)
    late = NOW + timedelta(days=3650)
    with pytest.raises(CommandRefusedError) as refusal:
        office.orders.install(command, late)
    assert refusal.value.reason is RenewalReason.CERTIFICATE
    serial = x509.load_der_x509_certificate(command.sig).serial_number
    revoking = build_crl(office.pki.hierarchy.sub_ca, [Revocation(serial, NOW)], number=2, now=NOW, days=7)
    reason, sentence = office.refused(replace(command, lists=(der(revoking),)))
    assert (reason, sentence[:7]) == (RenewalReason.CERTIFICATE, "revoked")


def test_a_new_authority_comes_with_its_list(office: Office) -> None:
    keys = office.renewal()
    authority = office.new_authority()
    crl = build_crl(authority, [], number=1, now=NOW, days=7)
    command = office.command(keys, authority)
    assert office.refused(command)[1].startswith("unknown-issuer")
    alone = replace(command, authorities=(der(authority.certificate),))
    assert office.refused(alone) == (RenewalReason.AUTHORITY, office.refused(alone)[1])
    assert office.refused(alone)[1].startswith("crl-missing")
    stale = build_crl(authority, [], number=1, now=NOW - timedelta(days=8), days=7)
    assert office.refused(replace(alone, lists=(der(stale),)))[0] is RenewalReason.REVOCATION_LIST
    gone = build_crl(
        office.pki.hierarchy.root,
        [Revocation(authority.certificate.serial_number, NOW)], number=2, now=NOW, days=7,
    )  # fmt: skip
    assert office.refused(replace(alone, lists=(der(crl), der(gone))))[1].startswith("revoked")
    office.install(replace(alone, lists=(der(crl),)))
    assert office.ring.current().generation == 2
    assert authority.certificate in TrustFolder(office.trust_folder)().authorities
    assert office.start().current().generation == 2, "the new authority is known after a restart too"
    assert (Event.REVOCATION_LISTS_INSTALLED, Outcome.SUCCESS, {"number": "1", "revoked": 0}) in office.events()


def test_no_authority_comes_in_that_no_known_root_made(office: Office) -> None:
    keys = office.renewal()
    foreign = SmallPki(seed=3)
    unused = office.new_authority("Dritte-Sub")
    theirs = foreign.hierarchy.sub_ca
    for authority in (unused, foreign.hierarchy.root, theirs):
        issuer = theirs if authority is theirs else None
        command = replace(office.command(keys, issuer), authorities=(der(authority.certificate),))
        assert office.refused(command)[0] is RenewalReason.AUTHORITY
    below = office.new_authority("Vierte-Sub", above=office.pki.hierarchy.sub_ca)
    crl = build_crl(below, [], number=1, now=NOW, days=7)
    command = replace(office.command(keys, below), authorities=(der(below.certificate),))
    assert office.refused(command)[0] is RenewalReason.AUTHORITY
    assert office.refused(replace(command, lists=(der(crl),)))[0] is RenewalReason.REVOCATION_LIST


def test_a_twin_of_a_known_authority_is_not_believed_for_its_sake(office: Office) -> None:
    """Name and key are the known sub-CA's, but another root certified it."""
    keys = office.renewal()
    known = office.pki.hierarchy.sub_ca
    twin = rebuild(known.certificate, SmallPki(seed=3).hierarchy.root.key, algorithm=SHA512())
    command = replace(office.command(keys), authorities=(der(twin),))
    assert office.refused(command)[0] is RenewalReason.AUTHORITY
    # The same twin by the known root is as good as the known one.
    own = rebuild(known.certificate, office.pki.hierarchy.root.key, algorithm=SHA512(), end=NOW + timedelta(days=400))
    office.install(replace(command, authorities=(der(own),)))


def test_a_certificate_that_would_lie_in_the_trust_folder_like_a_root_is_refused(office: Office) -> None:
    """The known root signed it, but it names itself as its issuer."""
    keys = office.renewal()
    root = office.pki.hierarchy.root
    key = office.pki.key(ec.BrainpoolP384R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    selfish = rebuild(
        office.pki.hierarchy.sub_ca.certificate, root.key, algorithm=SHA512(),
        subject=root.certificate.subject, public_key=key.public_key(), replace=((identifier, False),),
    )  # fmt: skip
    made = office.command(keys)
    names = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    three = {
        name: der(
            rebuild(
                x509.load_der_x509_certificate(getattr(made, name)), key,
                issuer=selfish.subject, replace=((names, False),),
            )
        )
        for name in ("tls", "sig", "enc")
    }  # fmt: skip
    crl = build_crl(Issuer(selfish, key), [], number=1, now=NOW, days=7)
    command = InstallCertificates(**three, authorities=(der(selfish),), lists=(der(crl),))
    reason, sentence = office.refused(command)
    assert (reason, "root is not installed" in sentence) == (RenewalReason.AUTHORITY, True)


def test_a_known_authority_may_be_named_again(office: Office) -> None:
    command = office.command(office.renewal())
    office.install(replace(command, authorities=(der(office.pki.hierarchy.sub_ca.certificate),)))
    assert office.ring.current().generation == 2


def test_a_security_module_that_fails_is_a_refusal(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(purpose: Purpose, generation: int) -> ec.EllipticCurvePrivateKey:
        raise TokenError(TokenReason.LOST, "gone")

    with monkeypatch.context() as patch:
        patch.setattr(office.world.cabinet, "make", gone)
        with pytest.raises(CommandRefusedError) as refusal:
            office.orders.renew(RenewKeys(), NOW)
    assert refusal.value.reason is RenewalReason.SECURITY_MODULE
    assert office.world.check(office.ring).phase is Phase.SETTLED
    office.install(office.command(office.renewal()))


def test_a_full_disk_is_a_refusal(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    command = office.command(office.renewal())
    (office.world.folder / "generation-2").write_bytes(b"in the way")
    with pytest.raises(CommandRefusedError) as refusal:
        office.install(command)
    assert refusal.value.reason is RenewalReason.STORAGE
    assert office.ring.current().generation == 1
    (office.world.folder / "generation-2").unlink()
    office.install(command)
    assert office.world.check(office.ring).generation == 2


def test_a_log_that_takes_nothing_undoes_nothing(office: Office, database: Database) -> None:
    command = office.command(office.renewal())
    database.close()
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE log_entries")
    office.install(command)
    assert office.world.check(office.ring).generation == 2
