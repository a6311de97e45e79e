"""Wires for simulated devices: a pseudo-terminal or a real serial port, and how wrong speeds sound.

Decides the physics that software has to play because a pseudo-terminal has none: it carries octets at once, whatever
speed and parity either side asked for (the kernel keeps 8N1 and only remembers the speed). A character is ten bits: a
start bit, seven data bits and even parity (or eight data bits), a stop bit. Nothing here knows a protocol.
"""

import contextlib
import errno
import os
import termios
import tty
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final, Protocol

import serial

BITS_PER_CHARACTER: Final = 10
READ_SIZE: Final = 4096
_SPEEDS: Final = {
    getattr(termios, name): int(name[1:]) for name in dir(termios) if name[0] == "B" and name[1:].isdigit()
}
UNUSUAL_SPEED: Final = 50
"""Stands for every speed that has no name in termios: one that no meter has."""
_EVEN_PARITY: Final = bytes(octet | (octet.bit_count() & 1) << 7 for octet in range(128)) * 2


def with_even_parity(characters: bytes) -> bytes:
    """Seven-bit characters as a 7E1 line carries them: the parity bit is bit 7 of each octet."""
    return characters.translate(_EVEN_PARITY)


def has_even_parity(octet: int) -> bool:
    """True if bit 7 of ``octet`` makes its number of ones even."""
    return not octet.bit_count() & 1


def character_seconds(speed: int) -> float:
    """Seconds that one character takes at ``speed`` baud."""
    return BITS_PER_CHARACTER / speed


def misheard(octets: bytes, sent_at: int, heard_at: int) -> bytes:
    """What a receiver set to ``heard_at`` baud makes of ``octets`` sent at ``sent_at`` baud: its UART, bit by bit.

    Levels are sampled in the middle of each bit that the receiver expects; a wrong stop bit is a framing error, whose
    octet Linux hands on as it is. Faster receivers hear more characters than were sent, slower ones fewer.
    """
    bits = [bit for octet in octets for bit in (0, *((octet >> place) & 1 for place in range(8)), 1)]
    step = sent_at / heard_at
    heard = bytearray()
    position = 0.0

    def level(at: float) -> int:
        return bits[int(at)] if at < len(bits) else 1

    while position < len(bits):
        if level(position):
            position = int(position) + 1.0
            continue
        heard.append(sum(level(position + (place + 1.5) * step) << place for place in range(8)))
        position += (BITS_PER_CHARACTER - 0.5) * step
    return bytes(heard)


def collided(sendings: Sequence[tuple[int, bytes]], noise: Random) -> bytes:
    """What is on a two-wire bus when several drivers send at once: low wins, and edges that do not fall together ring.

    ``sendings`` are octets with the place of their first one on the line. An octet in which more than one took part is
    damaged; a place at which nobody sends is skipped.
    """
    heard = bytearray()
    for place in range(max(begin + len(octets) for begin, octets in sendings)):
        taking_part = [octets[place - begin] for begin, octets in sendings if 0 <= place - begin < len(octets)]
        if not taking_part:
            continue
        octet = 0xFF
        for sent in taking_part:
            octet &= sent
        heard.append(octet if len(taking_part) == 1 else octet & noise.getrandbits(8))
    return bytes(heard)


class Wire(Protocol):
    """The near end of a line: simulated devices hang on it, the reader under test is at the far end."""

    @property
    def path(self) -> str:
        """What a reader opens."""

    def fileno(self) -> int:
        """Readable when octets have come; -1 while the wire is pulled."""

    def read(self) -> bytes:
        """Octets that have come, at most 4096; empty if none."""

    def write(self, octets: bytes) -> None:
        """Send now; octets for which nobody makes room are lost, as on a real line."""

    def far_speed(self) -> int | None:
        """Speed that the reader has set; None where the hardware enforces it and nobody can know."""

    def set_speed(self, speed: int) -> None:
        """Set the own transceiver to ``speed`` baud; without effect on a pseudo-terminal."""

    def pull(self) -> None:
        """Take the adapter out: the path vanishes and the reader sees an error."""

    def plug(self) -> None:
        """Put it in again, on the same path if the wire has a link."""

    def close(self) -> None:
        """Give everything back."""


class PtyWire:
    """A pseudo-terminal; ``link`` is a path that always points to the current device, also after a pull and a plug."""

    def __init__(self, link: Path | None = None) -> None:
        """Open the pair and make the link. Raises OSError if the link exists and is not one."""
        self._link = link
        self._master = self._slave = -1
        self._device = ""
        self.plug()

    @property
    def path(self) -> str:
        """The link if there is one, else the device."""
        return self._device if self._link is None else str(self._link)

    def fileno(self) -> int:
        """Descriptor of the master side, -1 while pulled."""
        return self._master

    def plug(self) -> None:
        """Open a new pair, raw, and point the link at it."""
        self._master, self._slave = os.openpty()
        # The own copy of the far end stays open, so that a reader that closes the port is not an error on this side.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._device = os.ttyname(self._slave)
        if self._link is not None:
            if self._link.is_symlink():
                self._link.unlink()
            self._link.symlink_to(self._device)

    def pull(self) -> None:
        """Close the pair and remove the link; again is without effect."""
        if self._master < 0:
            return
        if self._link is not None and self._link.is_symlink():
            self._link.unlink()
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1

    close = pull

    def read(self) -> bytes:
        """Octets that the reader wrote."""
        if self._master < 0:
            return b""
        try:
            return os.read(self._master, READ_SIZE)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno == errno.EIO:
                return b""
            raise

    def write(self, octets: bytes) -> None:
        """Hand octets to the reader; what does not fit into the kernel's buffer is lost."""
        if self._master >= 0:
            with contextlib.suppress(BlockingIOError):
                os.write(self._master, octets)

    def far_speed(self) -> int | None:
        """Speed of the reader's side: Linux shows its termios on the master too. None while pulled."""
        if self._master < 0:
            return None
        return _SPEEDS.get(termios.tcgetattr(self._master)[4]) or UNUSUAL_SPEED

    def set_speed(self, speed: int) -> None:
        """Nothing: a pseudo-terminal has no speed of its own."""


class SerialWire:
    """A real serial port, opened 8N1: the parity bit is bit 7, made and checked in software, on any adapter."""

    def __init__(self, path: str, speed: int) -> None:
        """Open ``path``. Raises serial.SerialException."""
        self._port = serial.Serial(path, baudrate=speed, timeout=0, write_timeout=0, exclusive=True)

    @property
    def path(self) -> str:
        """Path of the port; the reader is at the other end of its cable."""
        return str(self._port.port)

    def fileno(self) -> int:
        """Descriptor of the port."""
        return int(self._port.fileno())

    def read(self) -> bytes:
        """Octets that have come."""
        return self._port.read(READ_SIZE)

    def write(self, octets: bytes) -> None:
        """Send; the hardware paces."""
        self._port.write(octets)

    def far_speed(self) -> int | None:
        """Unknown: a wrong speed is garbage by itself."""
        return None

    def set_speed(self, speed: int) -> None:
        """Change the speed of the UART; only when it differs, because some adapters drop characters on each change."""
        if self._port.baudrate != speed:
            self._port.baudrate = speed

    def pull(self) -> None:
        """Close the port: software cannot pull more."""
        self._port.close()

    close = pull

    def plug(self) -> None:
        """Open it again."""
        self._port.open()
