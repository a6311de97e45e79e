"""IEC 62056-21, the protocol of meters with a serial or optical port: codec and both ends of the conversation.

Sans-IO: octets and time-outs go in, messages and effects come out. ``characters`` (parity, echo), ``messages`` (what
is on the line), ``receiver`` (octets to messages), ``datasets`` and ``profile`` (what a message says), ``readout`` (a
whole capture), ``transcript`` (a recorded conversation), ``reader`` and ``station`` (the two ends of a conversation).
"""

from wire.meter.iec62056.characters import (
    EchoCanceller,
    add_parity,
    block_check,
    has_parity_bits,
    parity_errors,
    strip_parity,
)
from wire.meter.iec62056.datasets import DataSet, parse_data_sets
from wire.meter.iec62056.effects import ChangeSpeed, Effect, Send
from wire.meter.iec62056.messages import (
    Acknowledgement,
    BlockCheck,
    Command,
    DataMessage,
    Identification,
    Message,
    NegativeAcknowledgement,
    OptionSelect,
    ProtocolMode,
    Request,
)
from wire.meter.iec62056.profile import LoadProfile, ProfileRow
from wire.meter.iec62056.reader import FailureReason, Reader, ReaderOptions, ReaderResult
from wire.meter.iec62056.readout import Readout, parse_capture
from wire.meter.iec62056.receiver import Receiver, Side
from wire.meter.iec62056.station import Memory, Station, StationOptions
from wire.meter.iec62056.transcript import Line, Transcript, is_transcript, parse_transcript

__all__ = [
    "Acknowledgement",
    "BlockCheck",
    "ChangeSpeed",
    "Command",
    "DataMessage",
    "DataSet",
    "EchoCanceller",
    "Effect",
    "FailureReason",
    "Identification",
    "Line",
    "LoadProfile",
    "Memory",
    "Message",
    "NegativeAcknowledgement",
    "OptionSelect",
    "ProfileRow",
    "ProtocolMode",
    "Reader",
    "ReaderOptions",
    "ReaderResult",
    "Readout",
    "Receiver",
    "Request",
    "Send",
    "Side",
    "Station",
    "StationOptions",
    "Transcript",
    "add_parity",
    "block_check",
    "has_parity_bits",
    "is_transcript",
    "parity_errors",
    "parse_capture",
    "parse_data_sets",
    "parse_transcript",
    "strip_parity",
]
