"""The edge of the command line: every refusal becomes one sentence on standard error and an exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import NoReturn

import click

from admin.errors import AdminError, AuditError, ConfigError, StorageError
from pki.errors import CertificateError, TokenError, TrustError
from wire.errors import WireError


class Exit(IntEnum):
    """Exit codes; 2 is also what click uses for a wrong command line."""

    DONE = 0
    DEFECT = 1
    CONFIGURATION = 2
    SECURITY_MODULE = 3
    TRUST = 4
    DATABASE = 5
    REFUSED = 6
    """We refused: the inventory, a draft, an order."""
    SILENCE = 7
    """The gateway did not come."""
    GATEWAY_REFUSED = 8
    """The gateway came and refused."""
    UNANSWERED = 9
    """The gateway came and did not answer in time; the order stays open."""
    AUDIT = 10
    """The audit log is not whole."""


@contextmanager
def refusals() -> Iterator[None]:
    """Turn every refusal into one sentence and its exit code; nobody is shown a trace."""
    try:
        yield
    except ConfigError as error:
        code, sentence = Exit.CONFIGURATION, str(error)
    except StorageError as error:
        code, sentence = Exit.DATABASE, str(error)
    except AuditError as error:
        code, sentence = Exit.AUDIT, f"audit log: {error.reason}: {error}"
    except AdminError as error:
        code, sentence = Exit.REFUSED, str(error)
    except TokenError as error:
        code, sentence = Exit.SECURITY_MODULE, f"security module: {error.reason.value}: {error}"
    except CertificateError as error:
        code, sentence = Exit.TRUST, f"trust: {error.reason.value}: {error}"
    except TrustError as error:
        code, sentence = Exit.TRUST, f"trust: {error}"
    except WireError as error:
        code, sentence = Exit.REFUSED, str(error)
    else:
        return
    leave(code, sentence)


def leave(code: Exit, sentence: str = "") -> NoReturn:
    """End with ``code``, and with a sentence for people where there is one."""
    if sentence:
        click.echo(f"smgw-admin: {sentence}", err=True)
    sys.exit(code)
