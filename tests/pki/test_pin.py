"""The PIN's sources and form; nothing that fails shows the PIN."""

import os
import stat
from pathlib import Path

import pytest

from pki.errors import TokenError, TokenReason
from pki.pin import check_pin, create_pin_file, read_pin


def pin_file(folder: Path, content: bytes = b"0123456789\n", mode: int = 0o600) -> Path:
    path = folder / "pin"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("content", [b"0123456789", b"0123456789\n", b"0123456789\r\n"])
def test_from_a_file(tmp_path: Path, content: bytes) -> None:
    assert read_pin(pin_file(tmp_path, content)) == "0123456789"


def test_from_a_descriptor_that_is_closed_afterwards() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"98765432109876\n")
    os.close(writing)
    assert read_pin(reading) == "98765432109876"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reading)


@pytest.mark.parametrize(
    "content", [b"", b"123456789", b"12345678a0", b"0123456789\n\n", b"0123456789 ", b"1" * 65, "١٢٣٤٥٦٧٨٩٠".encode()]
)
def test_weak(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(TokenError) as caught:
        read_pin(pin_file(tmp_path, content))
    assert caught.value.reason is TokenReason.PIN_WEAK
    assert content.decode().strip() not in str(caught.value) or not content


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o700 | 0o001])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(TokenError) as caught:
        read_pin(pin_file(tmp_path, mode=mode))
    assert caught.value.reason is TokenReason.PIN_FILE
    assert "chmod 600" in str(caught.value)


def test_neither_missing_nor_link_nor_pipe_nor_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(pin_file(tmp_path))
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "absent", tmp_path / "link", tmp_path / "pipe", tmp_path):
        with pytest.raises(TokenError) as caught:
            read_pin(path)
        assert caught.value.reason is TokenReason.PIN_FILE


def test_a_bad_descriptor(tmp_path: Path) -> None:
    with pytest.raises(TokenError) as caught:
        read_pin(987)
    assert caught.value.reason is TokenReason.PIN_FILE


def test_a_new_pin_file_is_ours_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "pin"
    draws = iter([bytes([255, 250, *range(14)]), bytes(range(100, 116))])
    create_pin_file(path, lambda _: next(draws))
    assert read_pin(path) == "0123456789012301"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(TokenError) as caught:
        create_pin_file(path, os.urandom)
    assert caught.value.reason is TokenReason.PIN_FILE
    assert check_pin(read_pin(path))
