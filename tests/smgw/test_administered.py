"""A gateway that knows nobody but its administrator: called, dialling, told what to do, and doing it."""

import base64
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pki import cms
from pki.certificates import Purpose, Role, fingerprint
from pki.requests import read_renewal
from pki.tls import TlsIdentity, server_context
from smgw.__main__ import Exit
from smgw.self_test import CheckName
from tests.smgw.caller import PATIENCE, Caller
from tests.smgw.lmn import lines
from tests.smgw.premises import GATEWAY, Premises, now
from tests.smgw.test_main import MEMORY, STUNNEL, made, running, smgw, wait_for
from tests.smgw.wan.receiver import STORED, TlsReceiver
from wire.orders import (
    ActivateFirmware,
    BreakUp,
    ChangeProfiles,
    InstallCertificates,
    ProfileReference,
    RenewKeys,
    ReplyOutcome,
    Restart,
    RunSelfTest,
    SetRetention,
)
from wire.profiles import EvaluationProfile, MeterProfile

pytestmark = [pytest.mark.token, pytest.mark.peer]


class House:
    """A gateway, its meter, the party that gets values and the administrator; each at its own end of a real wire."""

    def __init__(self, folder: Path, tunnel: str) -> None:
        self.premises = made(folder, tunnel, holding=False)
        self.caller = Caller(self.premises)
        chain = (self.premises.peer.certificate, self.premises.pki.hierarchy.sub_ca.certificate)
        context = server_context(TlsIdentity(chain, self.premises.peer.key), self.premises.pki.trust())
        self.receiver = TlsReceiver(lambda _: STORED, context)
        self.premises.port = self.receiver.port
        self.simulated = lines.simulated(folder)
        self.simulated.start()
        line = f'[[lines]]\nname = "line-1"\nport = "{self.simulated.path}"\nspeed = {lines.FAST}\nframing = "7E1"\n'
        self.administrator = self.premises.administered(self.caller.acceptor.port, self.caller.wake_up_port, lines=line)

    @property
    def meter(self) -> MeterProfile:
        return lines.profile()

    @property
    def evaluation(self) -> EvaluationProfile:
        return replace(self.premises.evaluation(), meters=(self.meter.meter,), period_seconds=5, dispatch_seconds=5)

    def close(self) -> None:
        self.simulated.stop()
        self.receiver.close()
        self.caller.close()


@pytest.fixture(params=[STUNNEL, MEMORY], ids=["stunnel", "in-process"])
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    if request.param == STUNNEL and not Path("/usr/bin/stunnel").exists():
        pytest.skip("stunnel is not installed (apt install stunnel4 libengine-pkcs11-openssl)")
    house = House(tmp_path, request.param)
    yield house
    house.close()


@pytest.mark.long
def test_from_nothing_to_deliveries_and_back(house: House) -> None:
    """FMT_SMF.1: profiles, retention and status, by orders alone."""
    premises, caller = house.premises, house.caller
    everything = (premises.party(), house.meter, house.evaluation)
    with running(premises) as gateway:
        assert wait_for(premises, gateway, bool)["profiles"] == {}
        with caller.tunnel() as tunnel:
            status = tunnel.told("/status")
            assert (status["gateway"], status["last_order"]) == (premises.configuration.gateway.text, 0)
            assert [(one["kind"], one["version"]) for one in status["profiles"]] == [("administrator", 1)]
            assert (len(status["program_sha256"]), status["clock_deviation_seconds"]) == (64, None)
            refused = tunnel.order(ChangeProfiles((house.evaluation,)))
            assert (refused.outcome, refused.reason) == (ReplyOutcome.REFUSED, "inconsistent")
            # A gateway without slots for firmware carries out no order about it.
            assert tunnel.order(ActivateFirmware("2.0.0")).reason == "unsupported"
            assert tunnel.ask("/readings").status == 403
            done = tunnel.order(ChangeProfiles(everything))
            assert (done.outcome, done.result) == (
                ReplyOutcome.DONE,
                {"installed": [profile.id for profile in everything], "withdrawn": []},
            )
            assert tunnel.order(SetRetention(100, 30)).outcome is ReplyOutcome.DONE
            assert tunnel.order(BreakUp()).outcome is ReplyOutcome.DONE
            assert tunnel.ended()
        wait_for(premises, gateway, lambda told: told["profiles"]["grid-1"]["acknowledged"] >= 1)

        with caller.tunnel() as tunnel:
            status = tunnel.told("/status")
            assert status["deliveries"]["grid-1"]["acknowledged"] >= 1
            kept = status["retention"]
            assert (kept["readings_days"], kept["system_log_days"]) == (100, 30)
            assert (status["last_order"], set(status["certificates"])) == (
                5,
                {"TLS", "SIG", "ENC", "generation", "quality_seal"},
            )
            assert set(status["lines"]) == {"line-1"}
            entries = tunnel.told("/logs/calibration?after=0")["entries"]
            assert [entry["event"] for entry in entries] == ["PROFILE_INSTALLED"] * 3
            checks = tunnel.order(RunSelfTest()).result["checks"]
            assert checks == [{"name": name.value, "passed": True, "detail": ""} for name in CheckName]
            withdrawn = tunnel.order(ChangeProfiles((), (ProfileReference("evaluation", "grid-1"),)))
            assert withdrawn.result == {"installed": [], "withdrawn": ["grid-1"]}
            assert tunnel.order(Restart()).outcome is ReplyOutcome.DONE
            assert tunnel.ended()
        assert gateway.wait(PATIENCE) == Exit.RESTART
    received = len(house.receiver.bodies)

    (premises.folder / "administrator.cms").unlink()  # needed once: what is stored counts
    with running(premises) as gateway:
        told = wait_for(premises, gateway, lambda status: bool(status["meters"]))
        assert (told["profiles"], told["parties"]) == ({}, ["grid"])
        with caller.tunnel() as tunnel:
            assert tunnel.told("/status")["last_order"] == 8
            second = replace(house.evaluation, version=2)
            assert tunnel.order(ChangeProfiles((house.evaluation,))).reason == "version"
            assert tunnel.order(ChangeProfiles((second,))).outcome is ReplyOutcome.DONE
        wait_for(premises, gateway, lambda told: told["profiles"]["grid-1"]["acknowledged"] > received)
    assert len(house.receiver.bodies) > received


def test_a_new_profile_of_the_administrator_is_tried_before_it_holds(house: House) -> None:
    """The order is answered on the tunnel it came through, whoever was dialled meanwhile."""
    premises, caller = house.premises, house.caller
    nowhere = replace(house.administrator, version=2, management_port=1)
    renewed = premises.pki.holder(Role.GWA, Purpose.TLS, "Verwalter").certificate
    here = replace(house.administrator, version=2, tls_certificate=renewed.public_bytes(Encoding.DER))
    with running(premises) as gateway:
        wait_for(premises, gateway, bool)
        with caller.tunnel() as tunnel:
            refused = tunnel.order(ChangeProfiles((nowhere,)))
            assert (refused.outcome, refused.reason) == (ReplyOutcome.REFUSED, "unreachable")
            assert [one["version"] for one in tunnel.told("/status")["profiles"]] == [1]
            # Once with the new certificate, which is not shown as yet, once with the former one.
            with ThreadPoolExecutor() as other:
                tried = [other.submit(caller.tried) for _ in range(2)]
                assert tunnel.order(ChangeProfiles((here,))).outcome is ReplyOutcome.DONE
                assert [one.result() for one in tried] == [True, True]
            assert tunnel.ended()


@pytest.mark.long
def test_keys_are_renewed_while_deliveries_go_on(house: House) -> None:
    """FMT_SMF.1: keys. Its tunnel and those of the senders end, and the next show the new certificate."""
    premises, caller, receiver = house.premises, house.caller, house.receiver
    with running(premises) as gateway:
        with caller.tunnel() as tunnel:
            tunnel.order(ChangeProfiles((premises.party(), house.meter, house.evaluation)))
            asked = tunnel.order(RenewKeys())
            assert asked.outcome is ReplyOutcome.DONE
            wait_for(premises, gateway, lambda told: told["profiles"]["grid-1"]["acknowledged"] >= 1)
            issued = certified(premises, str(asked.result["renewal"]))
            tls, sig, enc = (der(issued[purpose]) for purpose in (Purpose.TLS, Purpose.SIG, Purpose.ENC))
            done = tunnel.order(InstallCertificates(tls, sig, enc))
            assert done.outcome is ReplyOutcome.DONE
            assert tunnel.ended()
        before = len(receiver.bodies)
        caller.expected = issued[Purpose.TLS]
        with caller.tunnel() as tunnel:
            status = tunnel.told("/status")
            assert (status["certificates"]["generation"], status["certificates"]["quality_seal"]) == (2, False)
            assert status["certificates"]["SIG"]["sha256"] == fingerprint(issued[Purpose.SIG])
        wait_for(premises, gateway, lambda _: len(receiver.bodies) > before)
    assert receiver.clients[0] != issued[Purpose.TLS]
    assert receiver.clients[-1] == issued[Purpose.TLS]
    signer = premises.pki.trust().verify(
        issued[Purpose.SIG], role=Role.SMGW, purpose=Purpose.SIG, at=now(), pinned={fingerprint(issued[Purpose.SIG])}
    )
    recipient = premises.recipient
    cms.open_sealed(receiver.bodies[-1], signers=[signer], recipient=recipient.certificate, key=recipient.key)


def certified(premises: Premises, renewal: str) -> dict[Purpose, x509.Certificate]:
    """What the CA answers to a renewal."""
    own = x509.load_pem_x509_certificate((premises.folder / "certificates" / "SIG.pem").read_bytes())
    triple = read_renewal(base64.b64decode(renewal)).verify(own, f"{GATEWAY}.SMGW")
    return {
        purpose: premises.pki.certify(triple.public_key(purpose), Role.SMGW, purpose, GATEWAY) for purpose in Purpose
    }


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        ("missing", Exit.TRUST, "the administrator's profile: unreadable"),
        ("another signer", Exit.TRUST, "the administrator's profile: administrator: wrong-role"),
        ("another kind", Exit.TRUST, "the administrator's profile: kind"),
        ("port", Exit.ADDRESS, "the wake-up port 127.0.0.1"),
    ],
)
def test_without_an_administrator_to_believe_nothing_starts(tmp_path: Path, spoil: str, code: Exit, words: str) -> None:
    premises = made(tmp_path, MEMORY, holding=False)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        premises.administered(1, taken.getsockname()[1])
        document = premises.folder / "administrator.cms"
        if spoil == "missing":
            document.unlink()
        elif spoil == "another signer":
            (premises.folder / "gwa.SIG.pem").write_bytes((premises.folder / "certificates" / "SIG.pem").read_bytes())
        elif spoil == "another kind":
            document.write_bytes(premises.sign(premises.evaluation()))
        refused = smgw("run", premises.file)
    assert (refused.returncode, refused.stderr.startswith(f"smgw: {words}")) == (code, True), refused.stderr
