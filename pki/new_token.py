"""Where a machine's token is, and its first day: an empty token under a label, with PINs that nobody has seen.

Decides what is made and that nothing is ever made twice: a token, a PIN or a SoftHSM2 configuration that exists is left
as it is, so that the command may be repeated after a failure. What comes into the token is its owner's business.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pki.errors import TokenError, TokenReason
from pki.pin import create_pin_file, read_pin
from pki.store import write_softhsm_configuration
from pki.token import initialise_token, use_configuration


@dataclass(frozen=True, slots=True)
class TokenConfiguration:
    """A security module (Sicherheitsmodul): its library, its configuration, the token's label, the file of its PIN."""

    module: Path
    configuration: Path | None
    label: str
    pin_file: Path


def create_token(chosen: TokenConfiguration, random: Callable[[int], bytes]) -> None:
    """Make an empty token; PINs that do not exist are drawn and written (mode 0600).

    The security officer's PIN stands beside the user's in a file with the ending ``.so``. A SoftHSM2 configuration that
    does not exist is written too, with a folder ``tokens`` beside it. A token that exists stays. Raises TokenError,
    OSError.
    """
    if chosen.configuration is not None and not chosen.configuration.exists():
        write_softhsm_configuration(chosen.configuration)
    officer_file = chosen.pin_file.with_name(chosen.pin_file.name + ".so")
    for file in (chosen.pin_file, officer_file):
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            create_pin_file(file, random)
    if chosen.configuration is not None:
        use_configuration(chosen.configuration)
    try:
        initialise_token(chosen.module, chosen.label, read_pin(chosen.pin_file), read_pin(officer_file))
    except TokenError as error:
        if error.reason is not TokenReason.TOKEN_EXISTS:
            raise
