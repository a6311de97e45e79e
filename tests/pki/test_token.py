"""The security module on a real SoftHSM2: keys, storage, sessions, and refusals that say what to do."""

import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pki import softhsm
from pki.errors import TokenError, TokenReason
from pki.token import MAXIMUM_SESSION_SECONDS, Token, initialise_token, use_configuration
from tests.softhsm import MODULE, PIN, SO_PIN, fresh_token, shared_configuration, write_configuration

pytestmark = pytest.mark.token
SHA256 = ec.ECDSA(hashes.SHA256())
CURVES = [ec.BrainpoolP256R1(), ec.BrainpoolP384R1(), ec.BrainpoolP512R1(), ec.SECP256R1(), ec.SECP384R1()]


def refused(reason: TokenReason) -> "pytest.RaisesExc[TokenError]":
    return pytest.raises(TokenError, check=lambda error: error.reason is reason)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_generated_keys_sign_and_are_found_again(token: Token, curve: ec.EllipticCurve) -> None:
    key = token.generate_key("SIG", curve)
    assert (key.curve.name, key.key_size, key.label) == (curve.name, curve.key_size, "SIG")
    for signing in (key, token.key("SIG")):
        key.public_key().verify(signing.sign(b"reading", SHA256), b"reading", SHA256)


def test_labels_are_unique_and_destroyed_keys_gone(token: Token) -> None:
    token.generate_key("TLS", ec.BrainpoolP256R1())
    token.generate_storage_key("STORAGE")
    assert token.labels() == ["STORAGE", "TLS"]
    for label in ("TLS", "STORAGE"):
        with refused(TokenReason.KEY_EXISTS):
            token.generate_key(label, ec.BrainpoolP256R1())
        with refused(TokenReason.KEY_EXISTS):
            token.generate_storage_key(label)
    key = token.key("TLS")
    token.destroy_key("TLS")
    assert token.labels() == ["STORAGE"]
    for gone in (lambda: token.key("TLS"), lambda: key.sign(b"", SHA256), lambda: token.destroy_key("TLS")):
        with refused(TokenReason.KEY_MISSING):
            gone()


def test_a_curve_of_no_technical_guideline_is_refused(token: Token) -> None:
    with refused(TokenReason.KEY_REFUSED):
        token.generate_key("SIG", ec.SECP256K1())


# Storage.


def test_wrapped_secrets_open_only_unaltered_and_in_their_context(token: Token) -> None:
    token.generate_storage_key("STORAGE")
    token.generate_storage_key("OTHER")
    secret = bytes(range(32))
    wrapped = token.wrap_secret("STORAGE", secret, b"gateway.db")
    assert secret not in wrapped
    assert token.wrap_secret("STORAGE", secret, b"gateway.db") != wrapped
    assert token.unwrap_secret("STORAGE", wrapped, b"gateway.db") == secret
    altered = [
        wrapped[:position] + bytes([wrapped[position] ^ 1]) + wrapped[position + 1 :] for position in (0, 12, -1)
    ]
    for label, data, context in [
        *(("STORAGE", data, b"gateway.db") for data in altered if len(data) == len(wrapped)),
        ("STORAGE", wrapped, b"other.db"),
        ("STORAGE", wrapped[:-1], b"gateway.db"),
        ("STORAGE", wrapped[:28], b"gateway.db"),
        ("STORAGE", b"", b""),
        ("OTHER", wrapped, b"gateway.db"),
    ]:
        with refused(TokenReason.UNWRAP):
            token.unwrap_secret(label, data, context)
    assert token.unwrap_secret("STORAGE", wrapped, b"gateway.db") == secret
    with refused(TokenReason.KEY_MISSING):
        token.unwrap_secret("ABSENT", wrapped, b"gateway.db")


def test_the_storage_key_survives_the_session(token: Token) -> None:
    label = token._label
    token.generate_storage_key("STORAGE")
    wrapped = token.wrap_secret("STORAGE", b"key", b"")
    token.close()
    with Token.open(MODULE, label, PIN, monotonic=time.monotonic) as again:
        assert again.unwrap_secret("STORAGE", wrapped, b"") == b"key"


def test_random(token: Token) -> None:
    assert len(token.random(16)) == 16
    assert token.random(16) != token.random(16)


# Sessions.


def test_the_session_is_renewed_after_48_hours() -> None:
    now = [1000.0]
    with Token.open(MODULE, fresh_token(), PIN, monotonic=lambda: now[0]) as token:
        key = token.generate_key("SIG", ec.BrainpoolP256R1())
        first = token._session
        now[0] += MAXIMUM_SESSION_SECONDS - 1
        key.sign(b"", SHA256)
        assert token._session is first
        now[0] += 1
        key.public_key().verify(key.sign(b"x", SHA256), b"x", SHA256)
        assert token._session is not first
        assert MAXIMUM_SESSION_SECONDS == 48 * 3600


def test_threads_share_tokens(token: Token) -> None:
    with Token.open(MODULE, fresh_token(), PIN, monotonic=time.monotonic) as other:
        keys = [held.generate_key("SIG", ec.BrainpoolP256R1()) for held in (token, other)]

        def sign(number: int) -> None:
            key, data = keys[number % 2], number.to_bytes(2, "big")
            key.public_key().verify(key.sign(data, SHA256), data, SHA256)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(sign, range(120)))


def test_one_login_at_a_time(token: Token) -> None:
    with refused(TokenReason.IN_USE):
        Token.open(MODULE, token._label, PIN, monotonic=time.monotonic)
    token.close()
    token.close()
    with Token.open(MODULE, token._label, PIN, monotonic=time.monotonic):
        pass


def test_a_closed_token_does_nothing_more(token: Token) -> None:
    key = token.generate_key("SIG", ec.BrainpoolP256R1())
    token.close()
    assert PIN not in repr(vars(token))
    for use in (lambda: key.sign(b"", SHA256), token.labels, lambda: token.random(1)):
        with refused(TokenReason.LOST):
            use()


# Refusals at the start.


def test_no_module(tmp_path: Path) -> None:
    for module in (tmp_path / "absent.so", tmp_path):
        with refused(TokenReason.NO_MODULE):
            Token.open(module, "x", PIN, monotonic=time.monotonic)
    (tmp_path / "text.so").write_text("not a library")
    with refused(TokenReason.NO_MODULE):
        Token.open(tmp_path / "text.so", "x", PIN, monotonic=time.monotonic)


def test_a_token_that_another_process_logs_in_to_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """SoftHSM2 empties the description with every log-in: whoever looks at that moment looks again."""
    label = fresh_token()
    Token.open(MODULE, label, PIN, monotonic=time.monotonic).close()
    (folder,) = [one.parent for one in softhsm_descriptions() if label.encode() in one.read_bytes()]
    description, looked = folder / "token.object", list[float]()
    content = description.read_bytes()

    def empty(_: Path) -> None:
        description.write_bytes(b"")

    def fill(seconds: float) -> None:
        looked.append(seconds)
        description.write_bytes(content)

    monkeypatch.setattr(softhsm, "mend", empty)
    monkeypatch.setattr(time, "sleep", fill)
    Token.open(MODULE, label, PIN, monotonic=time.monotonic).close()
    assert len(looked) == 1


def softhsm_descriptions() -> list[Path]:
    text = shared_configuration().read_text()
    (folder,) = [line.partition("=")[2].strip() for line in text.splitlines() if "tokendir" in line]
    return list(Path(folder).glob("*/token.object"))


def test_no_token() -> None:
    shared_configuration()
    with refused(TokenReason.NO_TOKEN):
        Token.open(MODULE, "nobody", PIN, monotonic=time.monotonic)


def test_wrong_and_weak_pins() -> None:
    label = fresh_token()
    with refused(TokenReason.PIN_WRONG) as caught:
        Token.open(MODULE, label, "1111111111", monotonic=time.monotonic)
    assert "1111111111" not in str(caught.value)
    with refused(TokenReason.PIN_WEAK):
        Token.open(MODULE, label, "1234", monotonic=time.monotonic)
    for pin, so_pin in (("1234", SO_PIN), (PIN, "1234")):
        with refused(TokenReason.PIN_WEAK):
            initialise_token(MODULE, "weak", pin, so_pin)
    with Token.open(MODULE, label, PIN, monotonic=time.monotonic):
        pass


@pytest.mark.parametrize("label", ["", "x" * 33])
def test_bad_labels(label: str) -> None:
    shared_configuration()
    with refused(TokenReason.TOKEN_EXISTS):
        initialise_token(MODULE, label, PIN, SO_PIN)


def test_a_token_is_not_made_twice() -> None:
    label = fresh_token()
    with refused(TokenReason.TOKEN_EXISTS):
        initialise_token(MODULE, label, PIN, SO_PIN)


# One module and one configuration a process.


def test_the_configuration_changes_only_while_no_token_is_open(tmp_path: Path) -> None:
    ours = shared_configuration()
    other = write_configuration(tmp_path)
    label = fresh_token()
    with Token.open(MODULE, label, PIN, monotonic=time.monotonic):
        use_configuration(ours)
        with refused(TokenReason.CONFIGURATION):
            use_configuration(other)
    with refused(TokenReason.CONFIGURATION):
        use_configuration(tmp_path / "absent.conf")
    (tmp_path / "bad.conf").write_text("directories.tokendir = /nowhere/at/all\n")
    try:
        with refused(TokenReason.CONFIGURATION):
            use_configuration(tmp_path / "bad.conf")
        use_configuration(other)
        with refused(TokenReason.NO_TOKEN):
            Token.open(MODULE, label, PIN, monotonic=time.monotonic)
    finally:
        use_configuration(ours)
    with Token.open(MODULE, label, PIN, monotonic=time.monotonic) as token:
        assert token.labels() == []


def test_a_token_that_another_process_made_is_found() -> None:
    shared_configuration()
    program = (
        "import sys; from pathlib import Path; from pki.token import initialise_token;"
        f"initialise_token(Path('{MODULE}'), 'made-elsewhere', '{PIN}', '{SO_PIN}')"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2], timeout=120)
    with Token.open(MODULE, "made-elsewhere", PIN, monotonic=time.monotonic) as token:
        assert token.labels() == []


def test_a_token_that_is_taken_away_is_lost() -> None:
    tokens = shared_configuration().parent / "tokens"
    before = set(tokens.iterdir())
    label = fresh_token()
    folder = (set(tokens.iterdir()) - before).pop()
    with Token.open(MODULE, label, PIN, monotonic=time.monotonic) as token:
        key = token.generate_key("SIG", ec.BrainpoolP256R1())
        shutil.rmtree(folder)
        with pytest.raises(TokenError) as caught:
            key.sign(b"", SHA256)
        assert caught.value.reason in (TokenReason.LOST, TokenReason.KEY_MISSING)
    use_configuration(shared_configuration())
    with refused(TokenReason.NO_TOKEN):
        Token.open(MODULE, label, PIN, monotonic=time.monotonic)
