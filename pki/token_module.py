"""The PKCS#11 module behind :mod:`pki.token`: loading it, its configuration, its errors; nobody else imports this.

A PKCS#11 module is one per process, so ``pkcs11.lib`` is a singleton; and SoftHSM2 reads the environment variable
SOFTHSM2_CONF when the module is initialised and never again, which is why :func:`use_configuration` comes before the
first token is opened. The module is initialised without locking of its own, so :data:`LOCK` covers every call.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pkcs11
from pkcs11 import TokenFlag

from pki.errors import TokenError, TokenReason
from pki.pin import check_pin

LOCK: Final = threading.RLock()
OPEN: Final[set[str]] = set()
"""Labels of the tokens that this process has logged in to."""
_LOADED: Final[dict[str, Any]] = {}
_LABEL_SIZE: Final = 32
_INIT_TOKEN: Final = 9
"""Position of C_InitToken in the function list of PKCS#11 2.x (python-pkcs11 has no call for it)."""


def use_configuration(path: Path) -> None:
    """Make ``path`` the SoftHSM2 configuration of this process; call it before the first token is opened.

    Raises:
        TokenError: CONFIGURATION where the file is not there, or while a token of another configuration is open.
    """
    chosen = str(path.resolve())
    with LOCK:
        if not path.is_file():
            raise TokenError(TokenReason.CONFIGURATION, f"no SoftHSM2 configuration at {path}")
        if os.environ.get("SOFTHSM2_CONF") == chosen:
            return
        if OPEN:
            raise TokenError(TokenReason.CONFIGURATION, f"close the open tokens before this process changes to {path}")
        os.environ["SOFTHSM2_CONF"] = chosen
        try:
            for library in _LOADED.values():
                reinitialise(library)
        except pkcs11.PKCS11Error as error:
            raise TokenError(TokenReason.CONFIGURATION, f"the module does not start with {path}: {error}") from error


def initialise_token(module: Path, label: str, pin: str, so_pin: str) -> None:
    """Make an empty token called ``label`` in the module's free slot, with user PIN and security officer's PIN.

    Raises:
        TokenError: TOKEN_EXISTS, PIN_WEAK, NO_MODULE, CONFIGURATION, or NO_TOKEN where no slot is free.
    """
    check_pin(pin)
    check_pin(so_pin)
    padded = label.encode().ljust(_LABEL_SIZE)
    with LOCK, translated(label):
        library = load(module)
        if len(padded) != _LABEL_SIZE or not label or list(library.get_tokens(token_label=label)):
            raise TokenError(TokenReason.TOKEN_EXISTS, f"a token {label!r} exists already, or the label is too long")
        free = [slot for slot in library.get_slots() if not slot.get_token().flags & TokenFlag.TOKEN_INITIALIZED]
        if not free:
            raise TokenError(TokenReason.NO_TOKEN, f"{module} has no free slot for a new token")
        secret = so_pin.encode()
        if _function(module, _INIT_TOKEN)(free[0].slot_id, secret, len(secret), padded):
            raise TokenError(TokenReason.LOST, f"{module} refused to initialise the token {label!r}")
        session = library.get_token(token_label=label).open(rw=True, so_pin=so_pin)
        try:
            session.init_pin(pin)
        finally:
            session.close()


def load(module: Path) -> Any:
    """The module, initialised; raises TokenError NO_MODULE or CONFIGURATION."""
    if not module.is_file():
        sentence = f"no PKCS#11 module at {module}; on Debian: apt install softhsm2"
        raise TokenError(TokenReason.NO_MODULE, sentence)
    known = _LOADED.get(str(module))
    if known is not None:
        if not known.initialized:
            known.initialize()
        return known
    try:
        library = pkcs11.lib(str(module))
    except pkcs11.PKCS11Error as error:
        if type(error) is pkcs11.PKCS11Error:  # The loader's own error, before the module was asked anything.
            raise TokenError(TokenReason.NO_MODULE, f"{module} is not a PKCS#11 module: {error}") from error
        configuration = os.environ.get("SOFTHSM2_CONF", "the system's default")
        sentence = f"the module {module} does not start; is its configuration ({configuration}) good? {error}"
        raise TokenError(TokenReason.CONFIGURATION, sentence) from error
    _LOADED[str(module)] = library
    return library


def reinitialise(library: Any) -> None:
    """Make the module read its configuration and look at its slots again; only while no token is open."""
    if library.initialized:
        library.finalize()
    library.initialize()


def _function(module: Path, position: int) -> Callable[..., int]:
    """One function of the loaded module's list (PKCS#11 2.40 section 3.6: a version, then pointers in fixed order)."""
    functions = ctypes.POINTER(ctypes.c_void_p)()
    if ctypes.CDLL(str(module)).C_GetFunctionList(ctypes.byref(functions)):
        raise TokenError(TokenReason.NO_MODULE, f"{module} is not a PKCS#11 module")
    kind = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
    call: Callable[..., int] = kind(functions[1 + position])
    return call


@contextmanager
def translated(label: str) -> Iterator[None]:
    """Turn the module's errors into ours, with what to do."""
    try:
        yield
    except pkcs11.NoSuchToken as error:
        raise TokenError(TokenReason.NO_TOKEN, f"no token is called {label!r}; initialise it first") from error
    except (pkcs11.MultipleTokensReturned, pkcs11.UserPinNotInitialized) as error:
        sentence = f"the token {label!r} exists twice or was never given a PIN; initialise it again"
        raise TokenError(TokenReason.NO_TOKEN, sentence) from error
    except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinExpired) as error:
        raise TokenError(TokenReason.PIN_WRONG, f"the PIN of the token {label!r} is wrong; correct its file") from error
    except pkcs11.PinLocked as error:
        raise TokenError(
            TokenReason.PIN_WRONG, f"the PIN of the token {label!r} is locked after wrong tries"
        ) from error
    except pkcs11.UserAlreadyLoggedIn as error:
        raise TokenError(TokenReason.IN_USE, f"the token {label!r} is open in this process already") from error
    except (pkcs11.KeyTypeInconsistent, pkcs11.MechanismInvalid) as error:
        raise TokenError(TokenReason.KEY_REFUSED, f"the token {label!r} refuses this use of the key") from error
    except pkcs11.PKCS11Error as error:
        sentence = f"the token {label!r} does not answer ({type(error).__name__}); is it still there?"
        raise TokenError(TokenReason.LOST, sentence) from error
