"""The gateway's keys while it runs: the set in use, the set that waits, and the way from one to the other.

Decides nothing about order: ``state.py`` has the table of phases, and this file does the actions of its rows. What it
guarantees is that at every moment, whatever breaks off, exactly one complete set of keys with certificates is in use;
that keys are destroyed only while another generation is in use, which has signed and agreed; and that nobody holds a
private key beside these two sets. A start goes on where the last run broke off, before anything else uses a key.

Who signs or dials asks :meth:`KeyRing.current` each time and never keeps the answer longer than one message or tunnel.
PP-0073: FCS_CKM.4.
"""

import logging
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, TrustStore
from pki.errors import IssueError, TokenError, TokenReason, TrustError
from pki.files import write_certificates
from smgw.identity import Identity, own_certificates
from smgw.keys.cabinet import KeyCabinet, certificates_of, label_of, prove_key
from smgw.keys.current_key import CurrentKey
from smgw.keys.state import FIRST, TABLE, Action, KeyState, Phase, read_state, write_state
from smgw.store.logs import Event
from wire.reading import DeviceId

_logger = logging.getLogger(__name__)


class KeyRing:
    """The keys of one gateway (Schlüsselgenerationen). Safe to use from several threads."""

    def __init__(self, gateway: DeviceId, folder: Path, cabinet: KeyCabinet) -> None:
        """Use :meth:`open`. ``folder`` is the certificate folder of the configuration."""
        self._gateway = gateway
        self._folder = folder
        self._cabinet = cabinet
        self._changing = RLock()
        self._identity: Identity | None = None
        self._ready: Identity | None = None
        self._happened: list[tuple[Event, bool, int]] = []

    @classmethod
    def open(cls, gateway: DeviceId, folder: Path, cabinet: KeyCabinet, trust: TrustStore, at: datetime) -> Self:
        """Go on where the last run broke off, then prove the set in use.

        Raises:
            TokenError: KEY_MISSING where the generation in use has not all of its keys (nothing is destroyed then).
            CertificateError: where the state or a certificate is not good.
        """
        ring = cls(gateway, folder, cabinet)
        try:
            state = ring.recover()
        except OSError as error:
            sentence = f"the state of the keys in {folder} cannot be changed: {error.strerror}"
            raise TokenError(TokenReason.LOST, sentence) from error
        ring._identity = ring._prove(state.generation, trust, at)
        return ring

    def current(self) -> Identity:
        """The set in use. Ask for each message and each tunnel."""
        if self._identity is None:
            message = "a ring is made by open"
            raise RuntimeError(message)
        return self._identity

    def signature_key(self) -> CurrentKey:
        """A key that always is the current SIG key, for those who sign and show no certificate with it."""
        return CurrentKey(lambda: self.current().keys[Purpose.SIG])

    def happened(self) -> list[tuple[Event, bool, int]]:
        """What was done since the last call, for the system log: event, whether it succeeded, generation."""
        with self._changing:
            told, self._happened = self._happened, []
            return told

    @property
    def state(self) -> KeyState:
        """What the disk says. Raises CertificateError."""
        return read_state(self._folder)

    # Orders.

    def renew(self) -> Mapping[Purpose, ec.EllipticCurvePrivateKey]:
        """Make the keys of the next generation; those of an unfinished renewal are given up first.

        Raises TokenError, CertificateError or OSError; the set in use is as it was then.
        """
        with self._changing:
            state = self._settle(self.state)
            if state.phase is Phase.PENDING:
                state = self._go(state.begin(Phase.DISCARDING))
            self._attempt(state.begin(Phase.GENERATING))
            pending = self.pending()
        if pending is None:
            message = "the table leads from generating to pending"
            raise RuntimeError(message)
        return pending

    def pending(self) -> Mapping[Purpose, ec.EllipticCurvePrivateKey] | None:
        """The keys that wait for certificates; None where there are none.

        Raises TokenError, CertificateError, OSError.
        """
        with self._changing:
            state = self._settle(self.state)
            if state.other is None or state.phase is not Phase.PENDING:
                return None
            return {purpose: self._cabinet.key(purpose, state.other) for purpose in Purpose}

    def install(self, certificates: Mapping[Purpose, x509.Certificate], trust: TrustStore, at: datetime) -> Identity:
        """Put the waiting keys with their ``certificates`` into use and destroy the former ones.

        The caller has verified the certificates. Raises RuntimeError where nothing waits, TokenError, CertificateError
        or OSError; the set in use is as it was then, and the waiting one waits on.
        """
        with self._changing:
            state = self._settle(self.state).begin(Phase.INSTALLING)
            self._attempt(state, lambda: self._write_certificates(state, certificates, trust, at))
            return self.current()

    # The table at work.

    def recover(self) -> KeyState:
        """Finish or undo what a power loss broke off, and destroy keys that belong to nobody.

        1. The generation in use has all its keys; otherwise nothing is touched.
        2. A phase that was broken off goes on as the table says.
        3. Keys of other generations than the one in use and the one that waits are destroyed.
        4. A waiting generation that lost a key is given up.

        Raises TokenError, CertificateError, OSError.
        """
        with self._changing:
            state = self.state
            # 1
            held = self._cabinet.present()
            missing = [label_of(each, state.generation) for each in Purpose if (each, state.generation) not in held]
            if missing:
                sentence = f"the keys in use are not all there: {', '.join(missing)} missing; nothing was destroyed"
                raise TokenError(TokenReason.KEY_MISSING, sentence)
            # 2
            state = self._settle(state)
            # 3
            for purpose, generation in sorted(self._cabinet.present()):
                if generation not in {state.generation, state.other}:
                    self._cabinet.destroy(purpose, generation)
                    self._happened.append((Event.KEYS_DESTROYED, True, generation))
            # 4
            if state.other is not None and not {(each, state.other) for each in Purpose} <= self._cabinet.present():
                state = self._go(state.begin(Phase.DISCARDING))
            return state

    def _settle(self, state: KeyState) -> KeyState:
        """At rest again, whatever was broken off; the set in use is the one that the disk says."""
        if TABLE[state.phase].action is not None:
            state = self._go(state.lost())
        return state

    def _attempt(self, state: KeyState, write: Callable[[], Identity] | None = None) -> None:
        """Go from ``state`` to rest; what fails before the switch is undone, what fails after it is finished later."""
        try:
            self._go(state, write)
        except (TrustError, OSError) as error:
            self._go_back(state)
            if self.current().generation != state.other:
                raise
            # The switch holds. What is left of the former keys goes with the next order or at the next start.
            _logger.warning("after the switch to generation %s: %s", state.other, error)

    def _go_back(self, attempted: KeyState) -> None:
        try:
            self._settle(self.state)
        except (TrustError, OSError) as error:
            # A token or disk that fails now fails the undoing too: the next order or start does it.
            _logger.warning("%s of generation %s is not at rest yet: %s", attempted.phase, attempted.other, error)
            switched = self.current().generation == attempted.other
            self._happened.append(
                (Event.KEYS_DESTROYED, False, attempted.generation if switched else attempted.other or 0)
            )

    def _go(self, state: KeyState, write: Callable[[], Identity] | None = None) -> KeyState:
        """Along the table until rest: each phase is on the disk before its action begins."""
        write_state(self._folder, state)
        while (action := TABLE[state.phase].action) is not None:
            self._switch(state)
            self._act(action, state, write)
            state = state.done()
            write_state(self._folder, state)
        return state

    def _switch(self, state: KeyState) -> None:
        """Once the disk names the next generation it is in use here too, for everybody who asks."""
        if self._ready is None or self._ready.generation != state.generation:
            return
        self._identity, self._ready = self._ready, None
        self._happened.append((Event.CERTIFICATES_INSTALLED, True, state.generation))

    def _act(self, action: Action, state: KeyState, write: Callable[[], Identity] | None) -> None:
        """The action of one row, on the other generation."""
        generation = state.other
        if generation is None:
            message = f"{state.phase} is about another generation"
            raise RuntimeError(message)
        if action is Action.MAKE_KEYS:
            for purpose in Purpose:
                key = self._cabinet.make(purpose, generation)
                prove_key(key, key.public_key(), purpose)
            self._cabinet.settle_on_disk()
            self._happened.append((Event.KEYS_GENERATED, True, generation))
        elif action is Action.DESTROY_KEYS:
            for purpose in Purpose:
                self._cabinet.destroy(purpose, generation)
            self._cabinet.settle_on_disk()
            self._happened.append((Event.KEYS_DESTROYED, True, generation))
        elif action is Action.REMOVE_CERTIFICATES:
            folder = certificates_of(self._folder, generation)
            if folder.exists():
                shutil.rmtree(folder)
        elif write is not None:
            self._ready = write()

    def _write_certificates(
        self,
        state: KeyState,
        certificates: Mapping[Purpose, x509.Certificate],
        trust: TrustStore,
        at: datetime,
    ) -> Identity:
        """Write the triple, read it back, prove it as at a start, and let the keys work once."""
        generation = state.other or 0
        try:
            write_certificates(certificates_of(self._folder, generation), certificates)
        except IssueError as error:
            raise OSError(str(error)) from error
        identity = self._prove(generation, trust, at)
        for purpose, key in identity.keys.items():
            prove_key(key, identity.certificates[purpose].public_key, purpose)
        return identity

    def _prove(self, generation: int, trust: TrustStore, at: datetime) -> Identity:
        keys = {purpose: self._cabinet.key(purpose, generation) for purpose in Purpose}
        certificates = own_certificates(
            certificates_of(self._folder, generation),
            self._gateway,
            {purpose: key.public_key() for purpose, key in keys.items()},
            trust,
            at,
            seal=generation == FIRST,
        )
        labels = {purpose: label_of(purpose, generation) for purpose in Purpose}
        return Identity(self._gateway, generation, certificates, keys, labels)
