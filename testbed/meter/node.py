"""A simulated meter as a device on the line: its protocol machine, its contents, its clockwork and its faults.

Decides when the meter's characters begin to leave and at which speed its receiver listens at any instant; what is said
is the business of the protocol machine (``wire.meter.iec62056.Station``) and of the contents
(:mod:`testbed.meter.device`).
"""

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from testbed.faults import Fault
from testbed.meter.bus import Sending
from testbed.meter.device import Device, ErrorCode
from testbed.meter.registers import WRONG_MANUFACTURER
from testbed.meter.replay import Recording
from testbed.meter.settings import LineSettings, MeterSettings, Mode, SettingsError
from testbed.wires import character_seconds, has_even_parity, with_even_parity
from wire.errors import Iec62056Error
from wire.meter.iec62056 import (
    ChangeSpeed,
    DataMessage,
    Effect,
    Identification,
    ProtocolMode,
    Station,
    StationOptions,
    add_parity,
)
from wire.meter.iec62056.messages import SPEEDS, SPEEDS_MODE_B
from wire.meter.iec62056.station import StationState

GAP_SECONDS: Final = 1.5
"""A meter forgets a message whose characters are further apart (IEC 62056-21 ta)."""
_DAMAGED: Final = 0x18
"""What the protocol machine sees of a character with wrong parity: one that no message contains."""
_NOISE_LENGTH: Final = 12
_STATION_REFUSAL: Final = DataMessage(b"(ERROR07)").to_bytes()
_METER_REFUSAL: Final = DataMessage(f"({ErrorCode.NOT_AUTHORISED})".encode()).to_bytes()


class MeterNode:
    """One meter; called by the bus from its thread."""

    def __init__(
        self, device: Device, line: LineSettings, recording: Recording | None, log: Callable[[str], None]
    ) -> None:
        """``log`` gets a line for each message. Raises SettingsError for speeds that no identification can announce."""
        self._device = device
        self._line = line
        self._settings = device.settings
        self._recording = recording
        self._log = log
        self._noise = Random(f"noise {self._settings.seed}")
        self._identification = _identification(self._settings, line, recording)
        self._station = Station(_options(self._settings, line, self._identification, recording), device)
        self._listens_at = line.speed
        self._changes: deque[tuple[float, int]] = deque()
        self._sendings: list[Sending] = []
        self._busy_until = 0.0
        self._last_activity = 0.0
        self._next_push: float | None = 0.0 if self._settings.mode is Mode.D else None

    @property
    def listens_at(self) -> int:
        """Baud rate of the receiver; changes become true in :meth:`take`."""
        return self._listens_at

    @property
    def engaged(self) -> bool:
        """True during a conversation."""
        return self._station.state is not StationState.IDLE

    def hear(self, octets: bytes, now: float) -> None:
        """Check parity, let the protocol machine answer."""
        if self._line.parity:
            octets = bytes(octet & 0x7F if has_even_parity(octet) else _DAMAGED for octet in octets)
        if not self.engaged and now - self._last_activity > GAP_SECONDS:
            self._station.timeout()  # half a message of long ago is no beginning of this one
        self._last_activity = now
        effects = self._station.receive(octets)
        if not effects:
            return
        self._log(f"{self._settings.serial} < {octets!r}")
        if _is_answer(effects) and self._device.faults.take(Fault.SILENCE):
            effects = self._station.timeout()
        self._carry_out(effects, now)

    def wake_at(self) -> float | None:
        """The next change of speed, push or time-out."""
        moments = [change for change, _ in self._changes]
        if self._next_push is not None:
            moments.append(self._next_push)
        if (patience := self._patience()) is not None:
            moments.append(max(self._last_activity, self._busy_until) + patience)
        return min(moments, default=None)

    def take(self, now: float) -> Sequence[Sending]:
        """What begins to leave from now on."""
        while self._changes and self._changes[0][0] <= now:
            self._listens_at = self._changes.popleft()[1]
        patience = self._patience()
        if patience is not None and now >= max(self._last_activity, self._busy_until) + patience:
            self._carry_out(self._station.timeout(), now)
        if self._next_push is not None and now >= self._next_push:
            self._carry_out(self._station.push(), now)
            self._next_push = max(now, self._busy_until) + self._settings.push_seconds
        sendings, self._sendings = self._sendings, []
        return sendings

    def _patience(self) -> float | None:
        """Silence after which the meter goes back: long in programming mode, short after an offer or a read-out."""
        if not self.engaged:
            return None
        if self._station.state in (StationState.SELECTED, StationState.SENT):
            return self._settings.acknowledge_seconds
        return self._settings.inactivity_seconds

    def _carry_out(self, effects: Sequence[Effect], now: float) -> None:
        """Put effects in time, one after the other, behind what is still leaving."""
        speed = self._changes[-1][1] if self._changes else self._listens_at
        at = max(now, self._busy_until)
        for effect in effects:
            if isinstance(effect, ChangeSpeed):
                # A meter may announce one speed and use another; going back is always to the line's own.
                speed = effect.baud if effect.baud == self._line.speed else self._settings.top_speed or effect.baud
                at += self._settings.switches_after if speed != self._line.speed else 0.0
                self._changes.append((at, speed))
                continue
            characters = self._as_recorded(effect.characters)
            at = self._queue(characters, speed, at + effect.after)
        self._busy_until = at
        self._last_activity = now

    def _queue(self, characters: bytes, speed: int, at: float) -> float:
        """Queue one message with the faults whose turn it is; returns when its last character will have left."""
        faults = self._device.faults
        is_data = characters[:1] not in (b"/", b"\x01", b"\x06", b"\x15")
        if characters[:1] == b"/":
            self._device.foreign = faults.take(Fault.WRONG_IDENTITY)
            if self._device.foreign:
                characters = b"/" + WRONG_MANUFACTURER.encode() + characters[4:]
        if is_data and faults.take(Fault.WRONG_BLOCK_CHECK):
            characters = characters[:-1] + bytes([characters[-1] ^ 0x15])
        if is_data and faults.take(Fault.TRUNCATED):
            characters = characters[: len(characters) // 2]
        octets = with_even_parity(characters) if self._line.parity else characters
        if is_data and faults.take(Fault.PARITY):
            middle = len(octets) // 2
            octets = octets[:middle] + bytes([octets[middle] ^ 0x80]) + octets[middle + 1 :]
        if faults.take(Fault.NOISE):
            octets = self._noise.randbytes(_NOISE_LENGTH) + octets
        if is_data and faults.take(Fault.DUPLICATED):
            octets += octets
        if faults.take(Fault.SLOW):
            at += self._settings.slow_seconds
        parts = [octets]
        if is_data and faults.take(Fault.PAUSE):
            parts = [octets[: len(octets) // 2], octets[len(octets) // 2 :]]
        for number, part in enumerate(parts):
            at += self._settings.slow_seconds if number else 0.0
            self._sendings.append(Sending(part, speed, at))
            at += len(part) * character_seconds(speed)
        self._log(f"{self._settings.serial} > {speed} Bd {len(octets)} octets {characters[:60]!r}")
        return at

    def _as_recorded(self, characters: bytes) -> bytes:
        if characters == _STATION_REFUSAL:
            return _METER_REFUSAL
        if self._recording is None:
            return characters
        if characters[:1] == b"/":
            return self._recording.identification or characters
        # A replayed meter knows its recording and nothing else, whatever it is asked for.
        return self._recording.data if characters[:1] == b"\x02" or characters[:1] > b" " else characters


def _is_answer(effects: Sequence[Effect]) -> bool:
    return any(not isinstance(effect, ChangeSpeed) for effect in effects)


def _options(
    settings: MeterSettings, line: LineSettings, identification: Identification, recording: Recording | None
) -> StationOptions:
    mode = ProtocolMode(settings.mode)
    if recording is not None and recording.identification and mode is not ProtocolMode.D:
        announced = identification.mode
        mode = ProtocolMode.C if announced is ProtocolMode.E else announced
    return StationOptions(
        identification=identification,
        mode=mode,
        address=settings.serial if settings.address is None else settings.address,
        password=settings.password if settings.needs_password else None,
        sign_on_speed=line.speed,
        speed_changes=settings.top_speed is not None,
        checked=settings.block_check,
        read_out_without_select=settings.sends_unasked,
        reaction_seconds=settings.reaction_seconds,
    )


def _identification(settings: MeterSettings, line: LineSettings, recording: Recording | None) -> Identification:
    """What the meter calls itself; the baud character says ``announces``, else ``top_speed``, else the line's speed."""
    if recording is not None and recording.identification:
        return Identification.from_bytes(recording.identification)
    speed = settings.announces or settings.top_speed or line.speed
    characters = {baud: character for character, baud in (SPEEDS_MODE_B if settings.mode is Mode.B else SPEEDS).items()}
    if settings.mode in (Mode.A, Mode.D):
        characters = {speed: " "}
    if speed not in characters:
        raise SettingsError(f"no baud character of mode {settings.mode} announces {speed} baud")
    identification = Identification(settings.manufacturer, characters[speed], settings.identification)
    try:
        Identification.from_bytes(identification.to_bytes())
        add_parity(identification.to_bytes())
    except (Iec62056Error, UnicodeEncodeError) as error:
        raise SettingsError(f"not an identification: {error}") from error
    return identification
