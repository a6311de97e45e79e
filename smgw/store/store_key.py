"""The key of the database: where it lies wrapped, and how another takes its place so that no loss of power harms.

Decides what the wrapping keys in the security module are called (``STORAGE``, ``STORAGE.2``, ...) and which key opens
the database. A store has one key, wrapped in ``database.key``. While it is being changed there is a second one,
``database.key.next``, wrapped under a key of its own. Which of them counts is decided by the file of the database
alone: the one that opens it. So the change happens at one instant, when the new file takes the place of the old, and
what was left over on either side of it is put away at the next opening. The key that went is destroyed in the module
(FCS_CKM.4): what flash storage keeps of overwritten files nobody can open any more, and nobody can unwrap.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from pki.errors import TrustError
from pki.store import write_atomically
from smgw.store.errors import StoreError, StoreReason
from wire.reading import DeviceId

KEY_NAME: Final = "database.key"
NEXT_KEY_NAME: Final = "database.key.next"
STORAGE_LABEL: Final = "STORAGE"
"""Label of the first wrapping key inside the token; later ones have a number behind a dot."""
KEY_SIZE: Final = 32
_LABEL: Final = re.compile(rf"{STORAGE_LABEL}(?:\.([2-9]|[1-9][0-9]{{1,8}}))?")


class KeyKeeper(Protocol):
    """What the store needs of a security module; ``pki.token.Token`` is one."""

    def random(self, count: int) -> bytes:
        """Random bytes of the module's generator."""

    def labels(self) -> list[str]:
        """What the keys in the module are called."""

    def generate_storage_key(self, label: str) -> None:
        """Make a wrapping key that never leaves the module."""

    def destroy_key(self, label: str) -> None:
        """Destroy a key for good."""

    def wrap_secret(self, label: str, secret: bytes, context: bytes) -> bytes:
        """Encrypt ``secret`` inside the module, bound to ``context``."""

    def unwrap_secret(self, label: str, wrapped: bytes, context: bytes) -> bytes:
        """Undo ``wrap_secret``; raises TrustError for another key, module or context."""


def storage_generations(labels: list[str]) -> list[int]:
    """The generations of wrapping keys among ``labels``, newest first."""
    found = (_LABEL.fullmatch(label) for label in labels)
    return sorted((int(one[1] or 1) for one in found if one is not None), reverse=True)


def storage_label(generation: int) -> str:
    """What the wrapping key of a generation is called."""
    return STORAGE_LABEL if generation == 1 else f"{STORAGE_LABEL}.{generation}"


@dataclass(frozen=True, slots=True)
class StoreKey:
    """A key of a database, unwrapped, and the generation of the key that wraps it."""

    secret: bytes
    generation: int

    def __repr__(self) -> str:
        """Never the secret."""
        return f"<StoreKey under {storage_label(self.generation)}>"


class KeyFolder:
    """The wrapped keys in the folder of one gateway's store."""

    def __init__(
        self, folder: Path, keeper: KeyKeeper, gateway: DeviceId, sync: Callable[[], None] | None = None
    ) -> None:
        """``sync`` brings a token that lies in files to the disk, by default with everything: it does not itself."""
        self._folder = folder
        self._keeper = keeper
        # The key file of another gateway does not open here.
        self._context = gateway.text.encode("ascii")
        self._sync = sync or os.sync

    def make_first(self) -> StoreKey:
        """A new key, under the newest wrapping key that is there; not written yet. Raises TrustError."""
        generations = storage_generations(self._keeper.labels())
        return StoreKey(self._keeper.random(KEY_SIZE), generations[0] if generations else 1)

    def write(self, key: StoreKey, name: str = KEY_NAME) -> None:
        """Wrap ``key`` and write it durably. Raises TrustError, OSError."""
        wrapped = self._keeper.wrap_secret(storage_label(key.generation), key.secret, self._context)
        write_atomically(self._folder / name, wrapped)

    def require(self) -> None:
        """There is a key. Raises StoreError KEY_MISSING."""
        if not (self._folder / KEY_NAME).is_file():
            raise StoreError(
                StoreReason.KEY_MISSING, f"{self._folder / KEY_NAME} is missing: the database stays closed"
            )

    def candidates(self) -> list[tuple[str, StoreKey]]:
        """The keys that may open the database, by the name of their file; the usual one first.

        Raises StoreError: KEY_MISSING where there is no file, KEY_WRONG where this module unwraps none.
        """
        self.require()
        names = [name for name in (KEY_NAME, NEXT_KEY_NAME) if (self._folder / name).is_file()]
        try:
            generations = storage_generations(self._keeper.labels())
            found = [(name, key) for name in names if (key := self._unwrapped(name, generations)) is not None]
        except TrustError as error:
            raise StoreError(StoreReason.KEY_WRONG, f"the security module does not answer: {error}") from error
        if not found:
            raise StoreError(StoreReason.KEY_WRONG, f"this security module does not open {self._folder / KEY_NAME}")
        return found

    def prepare_next(self, present: StoreKey) -> StoreKey:
        """Make the next key and its wrapping key, and write it beside the present one. Raises TrustError, OSError."""
        generation = present.generation + 1
        label = storage_label(generation)
        if label in self._keeper.labels():
            self._keeper.destroy_key(label)  # a change that came to nothing left it
        self._keeper.generate_storage_key(label)
        self._sync()  # the wrapping key must not be younger on the disk than what it wraps
        following = StoreKey(self._keeper.random(KEY_SIZE), generation)
        self.write(following, NEXT_KEY_NAME)
        return following

    def settle(self, key: StoreKey, name: str) -> list[int]:
        """``key``, of the file ``name``, opens the database: put every other away, and destroy what wrapped it.

        Gives the generations that were destroyed. Raises TrustError, OSError.
        """
        if name == NEXT_KEY_NAME:
            (self._folder / NEXT_KEY_NAME).replace(self._folder / KEY_NAME)
            sync_folder(self._folder)
        elif (self._folder / NEXT_KEY_NAME).exists():
            (self._folder / NEXT_KEY_NAME).unlink()
            sync_folder(self._folder)
        gone = [one for one in storage_generations(self._keeper.labels()) if one != key.generation]
        for generation in gone:
            self._keeper.destroy_key(storage_label(generation))
        if gone:
            self._sync()
        return gone

    def _unwrapped(self, name: str, generations: list[int]) -> StoreKey | None:
        wrapped = (self._folder / name).read_bytes()
        for generation in generations:
            try:
                secret = self._keeper.unwrap_secret(storage_label(generation), wrapped, self._context)
            except TrustError:
                continue  # another one wrapped it, or nobody did
            return StoreKey(secret, generation)
        return None


def sync_folder(folder: Path) -> None:
    """Make names that were changed in ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
