from pathlib import Path

import pytest

from smgw.lock import AlreadyRunningError, identity_lock


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
