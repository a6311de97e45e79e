"""What an observer notes: types and lengths of records, however their octets come."""

import socket
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from testbed.observer import APPLICATION_DATA, HANDSHAKE, Observer, Record, RecordReader

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def record(kind: int, size: int) -> bytes:
    return bytes((kind, 3, 3)) + size.to_bytes(2, "big") + bytes(size)


@given(st.lists(st.tuples(st.integers(20, 23), st.integers(1, 300)), max_size=8), st.integers(1, 50))
def test_records_are_found_however_they_are_cut(records: list[tuple[int, int]], step: int) -> None:
    octets = b"".join(record(*each) for each in records)
    reader, found = RecordReader(), []
    for position in range(0, len(octets), step):
        found += reader.receive(octets[position : position + step])
    assert found == records == RecordReader().receive(octets)


def test_both_directions_are_noted_and_passed_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as party:
        observer = Observer(party.getsockname(), lambda: NOW)
        with socket.create_connection(("127.0.0.1", observer.port)) as gateway:
            accepted, _ = party.accept()
            with accepted:
                gateway.sendall(record(HANDSHAKE, 70))
                assert accepted.recv(100)
                accepted.sendall(record(APPLICATION_DATA, 5))
                assert gateway.recv(100)
        assert observer.seen == (Record(NOW, 1, True, HANDSHAKE, 70), Record(NOW, 1, False, APPLICATION_DATA, 5))
        observer.close()
