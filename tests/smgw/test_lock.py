import os
from pathlib import Path

import pytest

from pki.errors import TokenError, TokenReason
from smgw.lock import AlreadyRunningError, identity_lock
from smgw.store.errors import StoreError, StoreReason


def test_two_gateways_with_the_same_identity(tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_text("0123456789")
    with identity_lock(tmp_path / "store", pin):
        # The same folder, or a copied configuration with another folder and the same token.
        for folder in ("store", "copy"):
            with pytest.raises(AlreadyRunningError, match="same identity"), identity_lock(tmp_path / folder, pin):
                pass
    with identity_lock(tmp_path / "store", pin):
        pass


def test_a_pin_file_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", "link"):
        with pytest.raises(TokenError) as refused, identity_lock(tmp_path / "store", tmp_path / name):
            pass
        assert refused.value.reason is TokenReason.PIN_FILE
    with identity_lock(tmp_path / "store", tmp_path / "pipe"):
        pass  # not waited for: whoever reads the PIN refuses it (pki/pin.py)


def test_a_state_folder_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as refused, identity_lock(tmp_path / "file" / "store", tmp_path / "file"):
        pass
    assert refused.value.reason is StoreReason.FOLDER
