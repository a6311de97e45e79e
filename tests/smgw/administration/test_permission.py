"""An order that the state does not let be carried out changes nothing, and may be given again."""

import pytest

from smgw.administration.errors import CommandRefusedError, Done
from smgw.administration.permission import PermissionReason, permitted
from testbed.small_pki import NOW


def test_the_state_is_asked_at_the_moment_of_the_order() -> None:
    """FPT_FLS.1: what would not be safe now is refused, with a reason."""
    done, allowed = [], [False]

    def handle(command: str, _: object) -> Done:
        done.append(command)
        return Done({"command": command})

    handler = permitted(handle, lambda _: allowed[0])
    with pytest.raises(CommandRefusedError) as refusal:
        handler("first", NOW)
    assert refusal.value.reason is PermissionReason.SECURE_STATE
    assert done == []
    allowed[0] = True
    assert handler("second", NOW).result == {"command": "second"}
