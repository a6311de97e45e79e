"""What a meter can make a reader keep: bounded, whatever it sends."""

import pytest

from wire.meter.iec62056 import Command, DataMessage, FailureReason, Reader, ReaderOptions
from wire.meter.iec62056.options import MAXIMUM_BLOCKS


@pytest.mark.parametrize("size", [0, 50_000])
def test_partial_blocks_without_end_are_given_up(size: int) -> None:
    """Complaint 2: an answer is bounded by its octets, and by its blocks, which may be empty."""
    reader = Reader(ReaderOptions(commands=(Command("R6", b"P.01(;)"),)))
    reader.start()
    reader.receive(b"/ISK5MT831\r\n")
    reader.receive(b"\x01P0\x02()\x03`")
    block = DataMessage(b"1" * size, last=False).to_bytes()
    for _ in range(MAXIMUM_BLOCKS + 1):
        reader.receive(block)
        if reader.failure is not None:
            break
    assert reader.failure is FailureReason.GRAMMAR
    assert reader.result is None
