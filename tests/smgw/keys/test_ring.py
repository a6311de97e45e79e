"""Power is cut at every moment of a renewal; the gateway always comes back with one working set of keys."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from pki.certificates import Purpose, Role
from pki.errors import CertificateError, CertificateReason, TokenError, TokenReason
from pki.token import Token
from smgw.keys.current_key import CurrentKey
from smgw.keys.ring import KeyRing
from smgw.keys.state import ENTRIES, TABLE, KeyState, Phase, read_state, write_state
from smgw.store.logs import Event
from testbed.small_pki import NOW, SmallPki
from tests.moments import Moments
from tests.smgw.keys.world import GATEWAY, Meter, PowerLossError, World, metered_files, open_token
from tests.softhsm import fresh_token, shared_configuration

pytestmark = pytest.mark.token
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def token() -> Iterator[Token]:
    with open_token(fresh_token()) as opened:
        yield opened


@pytest.fixture(scope="module")
def pki() -> SmallPki:
    return SmallPki()


@pytest.fixture
def world(tmp_path: Path, token: Token, pki: SmallPki) -> World:
    return World(tmp_path, token, pki)


def life(world: World) -> None:
    """Everything that can happen to keys: a renewal given up for another, and its installation."""
    ring = world.start()
    ring.renew()
    world.renew(ring)


def rehearsed(world: World, work: Callable[[World], object]) -> Meter:
    """The moments of ``work`` where nothing goes wrong."""
    with metered_files(world):
        work(world)
    return world.meter


@pytest.mark.long
@pytest.mark.walk
@pytest.mark.parametrize("software", [False, True])
def test_power_may_go_at_every_moment(
    tmp_path: Path, token: Token, pki: SmallPki, moments: Moments, *, software: bool
) -> None:
    rehearsal = rehearsed(World(tmp_path / "rehearsal", token, pki, software=software), life)
    assert len(rehearsal.kinds) == 64, rehearsal.passed
    assert set(rehearsal.phases) == set(Phase) - {Phase.WITHDRAWING}, "that is the recovery's own: it is cut below"
    # The key in a file differs in three effects only: a moment of every phase will do there.
    chosen = moments.of(rehearsal.phases if software else rehearsal.kinds, sample=3)
    for cut_at in chosen:
        world = World(tmp_path / str(cut_at), token, pki, software=software)
        world.meter.cut_at = cut_at
        with metered_files(world):
            with pytest.raises(PowerLossError):
                life(world)
            # And again while it recovers, at a moment that differs from cut to cut.
            world.meter.cut_at = len(world.meter.passed) + cut_at % 7
            with suppress(PowerLossError):
                world.start()
        world.meter.cut_at = -1
        ring = world.start()
        before = world.check(ring)
        assert before.phase in ENTRIES, world.meter.passed
        world.renew(ring)
        after = world.check(ring)
        assert (after.phase, after.generation > before.generation) == (Phase.SETTLED, True)


RECOVERIES = {Phase.GENERATING: 13, Phase.DISCARDING: 13, Phase.INSTALLING: 8, Phase.RETIRING: 13}
"""How many moments the recovery from each phase has."""


@pytest.mark.walk
@pytest.mark.parametrize("phase", RECOVERIES)
def test_recovery_itself_may_be_cut_anywhere(
    tmp_path: Path, token: Token, pki: SmallPki, moments: Moments, phase: Phase
) -> None:
    """Each phase is broken off, and then its recovery."""
    world = World(tmp_path / "rehearsal", token, pki)
    break_off(world, phase)
    world.meter.passed.clear()
    world.meter.kinds.clear()
    kinds = rehearsed(world, World.start).kinds
    assert len(kinds) == RECOVERIES[phase], world.meter.passed
    # What is after one step is before the next: here both are one kind.
    for cut_at in moments.of([re.sub(" (before|after) ", " ", kind) for kind in kinds], sample=2):
        world = World(tmp_path / str(cut_at), token, pki)
        break_off(world, phase)
        world.meter.passed.clear()
        world.meter.cut_at = cut_at
        with metered_files(world), pytest.raises(PowerLossError):
            world.start()
        world.meter.cut_at = -1
        world.check(world.start())


def test_every_phase_with_an_action_is_broken_off() -> None:
    acting = {phase for phase in Phase if TABLE[phase].action is not None}
    assert acting - set(RECOVERIES) == {Phase.WITHDRAWING}, "which begins in the recovery from installing"


def break_off(world: World, phase: Phase) -> None:
    """Cut the power in the middle of ``phase``."""
    moments = {
        Phase.GENERATING: "after make SIG.2",
        Phase.DISCARDING: "after destroy SIG.2",
        Phase.INSTALLING: "after write_atomically",
        Phase.RETIRING: "after destroy SIG.1",
    }
    rehearsal = moments[phase]
    with metered_files(world):
        original, seen = world.meter.tick, []

        def tick(moment: str) -> None:
            original(moment)
            if moment == rehearsal and read_state(world.folder).phase is phase:
                seen.append(moment)
                raise PowerLossError

        world.meter.tick = tick  # type: ignore[method-assign]
        with pytest.raises(PowerLossError):
            life(world)
        world.meter.tick = original  # type: ignore[method-assign]
    assert seen
    assert read_state(world.folder).phase is phase


@pytest.mark.walk
def test_a_process_that_is_killed_at_any_step_starts_again(
    tmp_path: Path, token: Token, pki: SmallPki, moments: Moments
) -> None:
    """The same with real processes, real key files of a real token and ``os._exit``: tests/smgw/keys/power.py."""
    rehearsal = rehearsed(World(tmp_path / "rehearsal", token, pki), lambda world: world.renew(world.start()))
    assert len(rehearsal.kinds) == 38, rehearsal.passed
    chosen = moments.of(rehearsal.phases, sample=3)
    configuration = shared_configuration()
    done = subprocess.run(
        [sys.executable, "-m", "tests.smgw.keys.power", str(tmp_path), fresh_token(), *map(str, chosen)],
        cwd=ROOT,
        env={**os.environ, "SOFTHSM2_CONF": str(configuration)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_a_renewal_from_start_to_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """FCS_CKM.4: the old generation is destroyed when the new one works."""
    ring = world.start()
    first, destroy, in_use = ring.current(), world.cabinet.destroy, list[int]()

    def destroying(purpose: Purpose, generation: int) -> None:
        in_use.append(ring.current().generation)
        destroy(purpose, generation)

    monkeypatch.setattr(world.cabinet, "destroy", destroying)
    lasting = ring.signature_key()
    waiting = ring.renew()
    assert ring.current() is first, "nothing changes before the certificates are there"
    assert world.check(ring).phase is Phase.PENDING
    assert ring.pending() == waiting or set(ring.pending() or {}) == set(Purpose)
    second = ring.install(world.certify(dict(waiting)), world.trust, NOW)
    assert ring.current() is second
    assert second.labels == {Purpose.TLS: "TLS.2", Purpose.SIG: "SIG.2", Purpose.ENC: "ENC.2"}
    assert in_use == [2, 2, 2], "whoever asks gets the new keys before the former ones go"
    assert world.check(ring).phase is Phase.SETTLED
    signature = lasting.sign(b"reading", ec.ECDSA(SHA256()))
    second.certificates[Purpose.SIG].public_key.verify(signature, b"reading", ec.ECDSA(SHA256()))
    with pytest.raises(TokenError) as refusal:
        first.keys[Purpose.SIG].sign(b"reading", ec.ECDSA(SHA256()))
    assert refusal.value.reason is TokenReason.KEY_MISSING
    assert (world.folder / "TLS.pem").exists(), "the first certificates stay as a record"
    assert ring.happened() == [
        (Event.KEYS_GENERATED, True, 2),
        (Event.CERTIFICATES_INSTALLED, True, 2),
        (Event.KEYS_DESTROYED, True, 1),
    ]
    assert ring.happened() == []
    assert world.start().current().generation == 2


def test_what_fails_before_the_switch_changes_nothing(world: World) -> None:
    ring = world.start()
    with pytest.raises(RuntimeError):
        ring.install({}, world.trust, NOW)
    waiting = dict(ring.renew())
    wrong = {**waiting, Purpose.SIG: waiting[Purpose.TLS]}
    with pytest.raises(CertificateError) as refusal:
        ring.install(world.certify(wrong), world.trust, NOW)
    assert refusal.value.reason is CertificateReason.NOT_PINNED
    assert world.check(ring).phase is Phase.PENDING
    assert not (world.folder / "generation-2").exists()
    ring.install(world.certify(waiting), world.trust, NOW)
    assert world.check(ring).generation == 2


@pytest.mark.parametrize("broken", list(Purpose))
def test_the_switch_needs_keys_that_work(world: World, monkeypatch: pytest.MonkeyPatch, broken: Purpose) -> None:
    """A module may show a public key and have lost the private one's sense: certificates alone prove nothing."""
    ring = world.start()
    waiting = dict(ring.renew())
    certificates = world.certify(waiting)
    real = world.cabinet.key

    class Senseless(CurrentKey):
        """The public key of one, the signatures of another."""

        def public_key(self) -> ec.EllipticCurvePublicKey:
            return waiting[broken].public_key()

    def key(purpose: Purpose, generation: int) -> ec.EllipticCurvePrivateKey:
        other = real(Purpose.ENC, 1)
        return Senseless(lambda: other) if (purpose, generation) == (broken, 2) else real(purpose, generation)

    with monkeypatch.context() as patch:
        patch.setattr(world.cabinet, "key", key)
        with pytest.raises(TokenError) as refusal:
            ring.install(certificates, world.trust, NOW)
    assert refusal.value.reason is TokenReason.KEY_REFUSED
    assert world.check(ring).phase is Phase.PENDING
    assert ring.current().generation == 1


def test_a_later_generation_starts_with_no_quality_seal(world: World) -> None:
    world.renew(world.start())
    for purpose in Purpose:
        key = world.cabinet.key(purpose, 2).public_key()
        sealed = world.pki.certify(key, Role.SMGW, purpose, GATEWAY.text, seal=True)
        (world.folder / "generation-2" / f"{purpose}.pem").write_bytes(sealed.public_bytes(Encoding.PEM))
    with pytest.raises(CertificateError) as refusal:
        world.start()
    assert refusal.value.reason is CertificateReason.SEAL


def test_what_cannot_be_undone_at_once_is_undone_by_the_next_order(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = world.start()

    def broken(purpose: Purpose, generation: int) -> ec.EllipticCurvePrivateKey:
        raise TokenError(TokenReason.LOST, "gone")

    with monkeypatch.context() as patch:
        patch.setattr(world.cabinet, "make", broken)
        patch.setattr(world.cabinet, "destroy", broken)
        with pytest.raises(TokenError):
            ring.renew()
        assert ring.happened() == [(Event.KEYS_DESTROYED, False, 2)]
        assert ring.state.phase is Phase.DISCARDING
    world.renew(ring)
    assert world.check(ring).generation == 3


def test_a_disk_that_fails_behind_the_switch_switches_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file was replaced, and only then the disk said no: what counts is what the next start would read."""
    ring = world.start()
    waiting = dict(ring.renew())
    written: list[KeyState] = []

    def failing(folder: Path, state: KeyState) -> None:
        write_state(folder, state)
        written.append(state)
        if state.phase is Phase.RETIRING and len(written) == 2:
            raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("smgw.keys.ring.write_state", failing)
        assert ring.install(world.certify(waiting), world.trust, NOW).generation == 2
    assert world.check(ring).phase is Phase.SETTLED


def test_what_fails_after_the_switch_is_finished_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = world.start()
    waiting = dict(ring.renew())

    def broken(purpose: Purpose, generation: int) -> None:
        raise TokenError(TokenReason.LOST, "gone")

    with monkeypatch.context() as patch:
        patch.setattr(world.cabinet, "destroy", broken)
        ring.install(world.certify(waiting), world.trust, NOW)
        assert ring.current().generation == 2
        assert ring.state.phase is Phase.RETIRING
        assert ring.happened()[-1] == (Event.KEYS_DESTROYED, False, 1)
        with pytest.raises(TokenError):
            ring.renew()
    assert set(ring.renew()) == set(Purpose)
    assert world.check(ring).generation == 2


def test_keys_of_the_set_in_use_are_never_destroyed_for_a_lost_state(world: World) -> None:
    """Somebody removed the file that says which generation is in use: the start refuses and touches nothing."""
    ring = world.start()
    world.renew(ring)
    held = world.cabinet.present()
    state = (world.folder / "current").read_bytes()
    (world.folder / "current").unlink()
    with pytest.raises(TokenError) as refusal:
        world.start()
    assert refusal.value.reason is TokenReason.KEY_MISSING
    assert world.cabinet.present() == held
    (world.folder / "current").write_bytes(state)
    world.check(world.start())


def test_strays_and_half_a_waiting_set_go(world: World) -> None:
    ring = world.start()
    ring.renew()
    world.token.generate_key("SIG.77", ec.BrainpoolP256R1())
    world.token.generate_storage_key("STORAGE")
    world.check(world.start())
    assert "STORAGE" in world.token.labels()
    world.token.destroy_key("ENC.2")
    state = world.check(world.start())
    assert (state.phase, state.highest) == (Phase.SETTLED, 2)
    world.renew(restarted := world.start())
    assert restarted.current().generation == 3, "a number that was given up does not come back"


def test_a_state_that_cannot_be_read_refuses_the_start(world: World) -> None:
    (world.folder / "current").write_bytes(b"2")
    with pytest.raises(CertificateError) as refusal:
        world.start()
    assert refusal.value.reason is CertificateReason.MALFORMED


def test_a_ring_is_made_by_open(world: World) -> None:
    with pytest.raises(RuntimeError):
        KeyRing(world.start().current().gateway, world.folder, world.cabinet).current()
