import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.der import (
    INTEGER,
    MAX_LENGTH,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    SET,
    DerError,
    Reader,
    encode,
    encode_integer,
    encode_object_identifier,
    encode_set_of,
)

CONSTRUCTED = 0x20


def again(reader: Reader) -> bytes:
    """Everything up to the end, read to the bottom and encoded again."""
    parts: list[bytes] = []
    while (tag := reader.next_tag()) is not None:
        if tag & CONSTRUCTED:
            parts.append(encode(tag, again(reader.enter(tag))))
        elif tag == INTEGER:
            parts.append(encode(tag, reader.integer_octets()))
        elif tag == OBJECT_IDENTIFIER:
            parts.append(encode(tag, reader.object_identifier()))
        else:
            parts.append(encode(tag, reader.take(tag)))
    reader.finish()
    return b"".join(parts)


ELEMENTS = st.recursive(
    st.builds(encode, st.sampled_from([OCTET_STRING, 0x80, 0x0C]), st.binary(max_size=300))
    | st.integers().map(encode_integer),
    lambda inner: st.lists(inner, max_size=4).map(lambda parts: encode(SEQUENCE, *parts)),
    max_leaves=12,
)


@given(st.binary(max_size=60) | ELEMENTS)
def test_law_only_its_own_error_escapes_and_accepted_bytes_encode_again(data: bytes) -> None:
    try:
        assert again(Reader(data)) == data
    except DerError:
        return


@given(ELEMENTS)
def test_law_what_was_written_is_read(data: bytes) -> None:
    assert again(Reader(data)) == data


@given(ELEMENTS, st.data())
def test_law_no_beginning_of_an_element_is_one(data: bytes, draw: st.DataObject) -> None:
    size = draw.draw(st.integers(1, len(data) - 1))
    with pytest.raises(DerError):
        again(Reader(data[:size]))


@pytest.mark.parametrize(
    "data",
    [
        "0480",  # indefinite length
        "04800000",
        "04810100",  # a long form where the short one does
        "04817F" + "00" * 127,
        "0482 0080" + "00" * 128,  # a leading zero octet
        "0483 000100" + "00" * 256,
        "0484 00000001 00",  # more octets than are read
        "04FF00",
        "0401",  # cut off
        "0481",
        "048280",
        "04",
        "",
        "0501 00",  # another tag
    ],
)
def test_a_length_that_is_not_the_one_encoding_is_refused(data: str) -> None:
    with pytest.raises(DerError):
        Reader(bytes.fromhex(data)).take(OCTET_STRING)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65_535, 65_536])
def test_lengths_at_their_boundaries(size: int) -> None:
    data = encode(OCTET_STRING, bytes(size))
    assert Reader(data).take(OCTET_STRING) == bytes(size)


def test_nothing_longer_than_the_bound_is_written() -> None:
    with pytest.raises(DerError):
        encode(OCTET_STRING, bytes(MAX_LENGTH + 1))


def test_an_element_does_not_reach_out_of_its_container() -> None:
    inner = Reader(bytes.fromhex("3003 0402 AA BB".replace(" ", "")))
    with pytest.raises(DerError):
        inner.enter(SEQUENCE).take(OCTET_STRING)


def test_what_is_left_over_is_refused() -> None:
    reader = Reader(encode(OCTET_STRING) + b"\0")
    reader.take(OCTET_STRING)
    with pytest.raises(DerError):
        reader.finish()


def test_a_fixed_field_is_compared_inside_its_container_only() -> None:
    data = encode(SEQUENCE, b"\x05") + b"\x00"
    inner = Reader(data).enter(SEQUENCE)
    assert not inner.skip(b"\x05\x00")
    with pytest.raises(DerError):
        inner.expect(b"\x05\x00")
    assert inner.skip(b"\x05")
    inner.finish()
    assert inner.next_tag() is None


@pytest.mark.parametrize("value", ["0200", "02020001", "0202007F", "0202FFFF", "0202FF80"])
def test_an_integer_that_is_not_minimal_is_refused(value: str) -> None:
    with pytest.raises(DerError):
        Reader(bytes.fromhex(value)).integer_octets()


@given(st.integers())
def test_integers_are_minimal_twos_complement(value: int) -> None:
    octets = Reader(encode_integer(value)).integer_octets()
    assert int.from_bytes(octets, "big", signed=True) == value


@pytest.mark.parametrize("value", ["0600", "06028001", "060381", "0602 2A80", "06042A800101"])
def test_an_object_identifier_that_is_not_minimal_is_refused(value: str) -> None:
    with pytest.raises(DerError):
        Reader(bytes.fromhex(value)).object_identifier()


@pytest.mark.parametrize(
    ("dotted", "encoded"),
    [
        ("1.2.840.10045.4.3.2", "06082A8648CE3D040302"),
        ("0.4.0.127.0.7.1.1.5.1.1.3", "060B04007F00070101050101 03"),
        ("2.5.4.3", "0603550403"),
    ],
)
def test_object_identifiers(dotted: str, encoded: str) -> None:
    assert encode_object_identifier(dotted) == bytes.fromhex(encoded)
    assert Reader(bytes.fromhex(encoded)).object_identifier() == bytes.fromhex(encoded)[2:]


@pytest.mark.parametrize("value", ["0300", "030101", "03020780"])
def test_a_bit_string_of_other_than_whole_octets_is_refused(value: str) -> None:
    with pytest.raises(DerError):
        Reader(bytes.fromhex(value)).bit_string_octets()


def test_a_set_is_written_in_ascending_order() -> None:
    assert encode_set_of(b"\x04\x01\x02", b"\x02\x01\x05", b"\x04\x01\x01") == encode(
        SET, b"\x02\x01\x05\x04\x01\x01\x04\x01\x02"
    )
