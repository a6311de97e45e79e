"""What nginx is told, as far as it can be seen without one; the rest is in ``test_front.py``."""

import re
from ipaddress import ip_address
from pathlib import Path

import pytest

from han_web.front_configuration import FILES, GROUPS_TLS13, Inherited, configure, configure_openssl
from smgw.han.settings import ServingError, ServingReason
from tests.han_web.empty import empty_app

PLACES = [(ip_address("10.0.0.1"), 443), (ip_address("fe80::1%eth1"), 443)]
URI = "pkcs11:token=a%20b;object=HAN.1;type=private"


def text(openssl: tuple[int, int] = (3, 0), **changes: object) -> str:
    return configure(PLACES, URI, Inherited(7, 8), openssl=openssl, **changes)  # type: ignore[arg-type]


def test_only_the_addresses_are_listened_at_and_a_scope_is_not_nginx_s() -> None:
    """FDP_IFF.1/FW."""
    places = [line for line in text().splitlines() if line.startswith("listen ")]
    assert places == ["listen 10.0.0.1:443 ssl;", "listen [fe80::1]:443 ssl;"]


def test_certificate_and_pin_are_descriptors() -> None:
    assert "ssl_certificate /proc/self/fd/7;" in text()
    assert f'ssl_certificate_key "engine:pkcs11:{URI};pin-source=file:/proc/self/fd/8";' in text()


def test_brainpool_in_the_newer_version_where_openssl_knows_it() -> None:
    """FCS_COP.1/TLS."""
    assert GROUPS_TLS13[0] not in text((3, 0))
    assert f":{':'.join(GROUPS_TLS13)};" in text((3, 2))
    assert f":{':'.join(GROUPS_TLS13)};" in text((4, 0))


def test_modules_that_nginx_was_built_without_are_not_named() -> None:
    assert ("scgi_temp_path scgi;" in text(), "scgi_temp_path" in text(missing=["scgi"])) == (True, False)


def test_no_access_is_logged_and_no_session_kept() -> None:
    told = re.findall(r"(?m)^(?:access_log|log_format) .*$", text())
    assert told == [
        'log_format refusal "[error] 0#0: refused with $status before the page was asked";',
        "access_log /dev/stderr refusal if=$refused_here;",
    ], "of what nginx refuses by itself its status, and nothing of who asked for what"
    for line in ("ssl_session_tickets off;", "ssl_session_cache off;", "ssl_early_data off;"):
        assert f"\n{line}\n" in text()


def test_files_are_where_the_page_has_them() -> None:
    rules = {rule.rule for rule in empty_app().url_map.iter_rules()}
    assert {one for one in rules if "export" in one} == {*FILES, "/data/export", "/data/export/verify.html"}


def test_whom_it_runs_as() -> None:
    assert "\nuser root wheel;\n" in text(user="root wheel")
    assert "\nuser " not in text()


@pytest.mark.parametrize("uri", ['pkcs11:token=a";', "pkcs11:token=$x", "pkcs11:token=a b", "a\nb", "a{b", ""])
def test_what_could_be_more_than_a_word_is_not_handed_on(uri: str) -> None:
    with pytest.raises(ServingError) as refusal:
        configure(PLACES, uri, Inherited(7, 8), openssl=(3, 0))
    assert refusal.value.reason is ServingReason.FRONT


@pytest.mark.parametrize("path", ["/a b.so", "/a\n.so", "/$HOME/a.so", "/a#.so"])
def test_a_module_s_path_is_one_word(path: str) -> None:
    assert "\nMODULE_PATH = /usr/lib/a.so\n" in configure_openssl(Path("/usr/lib/a.so"))
    with pytest.raises(ServingError):
        configure_openssl(Path(path))
