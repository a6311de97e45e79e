"""One serial port: characters out, characters in, at the speed and framing that the line needs. The only serial import.

Decides how seven bits and even parity are had from any adapter: in hardware where the driver grants it, otherwise in
software on 8N1 (a 7E1 character and an 8N1 character are the same ten bits). It must never busy-poll, never hand on a
character whose parity was wrong as if it were good, and never change speed before the last character has left.
"""

import contextlib
import os
import re
import select
import termios
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

import serial

from smgw.config import Framing

BITS_PER_CHARACTER: Final = 10
READ_SIZE: Final = 4096
GATHER_SECONDS: Final = 0.02
"""After the first character of a burst the port waits this long and takes all that came: 50 wake-ups a second instead
of 960 at 9600 baud, and far below the 200 ms that a meter must wait before it answers."""

DAMAGED: Final = 0x80
"""Stands for a character whose parity was wrong: no 7-bit character has this value, so every parser refuses it."""

_EVEN_PARITY: Final = bytes(octet | (octet.bit_count() & 1) << 7 for octet in range(128)) * 2
_CHECK_PARITY: Final = bytes(DAMAGED if octet.bit_count() & 1 else octet & 0x7F for octet in range(256))
_MARKED: Final = re.compile(rb"\xff\x00.", re.DOTALL)
_MARK_BEGIN: Final = re.compile(rb"\xff\x00?\Z")
_WRITE_TIMEOUT_SECONDS: Final = 5
"""Longest request at 300 baud takes 1.5 s; an adapter that accepts nothing for longer is as good as pulled."""


class PortReason(StrEnum):
    """Why a port is of no use now."""

    UNAVAILABLE = "unavailable"
    """It cannot be opened: absent, busy, or no permission."""
    LOST = "lost"
    """It vanished while open: the adapter was pulled."""
    INTERRUPTED = "interrupted"
    """The own side asked to stop."""


class PortError(Exception):
    """A port that cannot be used; ``reason`` says why."""

    def __init__(self, reason: PortReason, detail: str = "") -> None:
        """``detail`` is the operating system's word, for people."""
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason


class ParityMarks:
    """Translates a driver's PARMRK, ``FF 00 x`` for a damaged x, also when a mark is cut between two reads.

    ``FF`` is nothing else, because with seven data bits no character has this value.
    """

    def __init__(self) -> None:
        """Nothing pending."""
        self._rest = b""

    def translate(self, octets: bytes) -> bytes:
        """Characters, each marked one replaced by ``DAMAGED``."""
        octets = self._rest + octets
        begun = _MARK_BEGIN.search(octets)
        complete = len(octets) if begun is None else begun.start()
        self._rest = octets[complete:]
        return _MARKED.sub(bytes([DAMAGED]), octets[:complete])


class Port:
    """An open serial port.

    ``parity_in_software`` tells how 7E1 came about; ``parity_errors`` counts damaged characters since the opening.
    One thread uses it; only :meth:`interrupt` may be called from another.
    """

    def __init__(
        self, path: str, *, speed: int, framing: Framing, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Open ``path`` for this process alone, at ``speed`` baud. Raises PortError(UNAVAILABLE)."""
        self.path = path
        self.parity_errors = 0
        self._monotonic = monotonic
        self._marks = ParityMarks()
        try:
            self._serial = serial.Serial(
                path, baudrate=speed, timeout=0, write_timeout=_WRITE_TIMEOUT_SECONDS, exclusive=True
            )
        except (OSError, ValueError) as error:
            raise PortError(PortReason.UNAVAILABLE, str(error)) from error
        in_hardware = framing is Framing.SEVEN_EVEN and self._grant_seven_even()
        self._marks_parity = in_hardware
        self.parity_in_software = framing is not Framing.EIGHT_NONE and not in_hardware
        self._stop_reader, self._stop_writer = os.pipe()

    def _grant_seven_even(self) -> bool:
        """Ask the driver for 7E1 and look whether it obeys: pseudo-terminals and some adapters keep 8N1 silently."""
        try:
            self._serial.bytesize = serial.SEVENBITS
            self._serial.parity = serial.PARITY_EVEN
            attributes = termios.tcgetattr(self._serial.fileno())
            if attributes[2] & (termios.CSIZE | termios.PARENB) == termios.CS7 | termios.PARENB:
                # pyserial leaves the check off; marked errors keep a damaged character from passing as a good one.
                attributes[0] = attributes[0] & ~(termios.IGNPAR | termios.ISTRIP) | termios.INPCK | termios.PARMRK
                termios.tcsetattr(self._serial.fileno(), termios.TCSANOW, attributes)
                return True
        except (OSError, ValueError, termios.error):
            pass
        self._serial.bytesize = serial.EIGHTBITS
        self._serial.parity = serial.PARITY_NONE
        return False

    @property
    def speed(self) -> int:
        """Baud rate now."""
        return int(self._serial.baudrate)

    def set_speed(self, speed: int) -> None:
        """Change to ``speed`` baud, both directions. Raises PortError(LOST)."""
        if speed == self.speed:
            return
        with self._translated():
            self._serial.baudrate = speed
            if self._marks_parity:
                self._grant_seven_even()

    def write(self, characters: bytes) -> None:
        """Send 7-bit characters; returns when the last stop bit has left, reckoned from the speed.

        The reckoning is needed beside tcdrain, because adapters report an empty buffer while their own is still full.
        Raises PortError(LOST).
        """
        octets = characters.translate(_EVEN_PARITY) if self.parity_in_software else characters
        left_at = self._monotonic() + len(octets) * BITS_PER_CHARACTER / self.speed
        with self._translated():
            self._serial.write(octets)
            self._serial.flush()
        time.sleep(max(0.0, left_at - self._monotonic()))

    def read(self, timeout: float) -> bytes:
        """Block until characters come, at most ``timeout`` seconds; empty after that.

        Characters have seven bits (eight on 8N1); a damaged one is ``DAMAGED``. Raises PortError(LOST, INTERRUPTED).
        """
        with self._translated():
            ready, _, _ = select.select([self._serial.fileno(), self._stop_reader], [], [], max(0.0, timeout))
            if self._stop_reader in ready:
                raise PortError(PortReason.INTERRUPTED)
            if not ready:
                return b""
            time.sleep(GATHER_SECONDS)
            octets = os.read(self._serial.fileno(), READ_SIZE)
        if not octets:
            raise PortError(PortReason.LOST, "readable, but nothing to read")
        if self.parity_in_software:
            characters = octets.translate(_CHECK_PARITY)
        elif self._marks_parity:
            characters = self._marks.translate(octets)
        else:
            return octets
        self.parity_errors += characters.count(DAMAGED)
        return characters

    def discard_input(self) -> None:
        """Forget what has come and was not read. Raises PortError(LOST)."""
        self._marks = ParityMarks()
        with self._translated():
            self._serial.reset_input_buffer()

    def interrupt(self) -> None:
        """Make a blocked and every further :meth:`read` raise PortError(INTERRUPTED); from any thread."""
        with contextlib.suppress(OSError):
            os.write(self._stop_writer, b"\0")

    def close(self) -> None:
        """Give the port back; a vanished one is closed all the same."""
        with contextlib.suppress(OSError, termios.error):
            self._serial.close()
        os.close(self._stop_reader)
        os.close(self._stop_writer)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OSError, termios.error) as error:
            raise PortError(PortReason.LOST, str(error)) from error

    def __enter__(self) -> Self:
        """The port itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()
