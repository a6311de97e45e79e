"""The built page: from these sources, and able to do nothing but check."""

import base64
import hashlib
import json
import re
from importlib.resources import files
from pathlib import Path

from proof.bundle import FORM as BUNDLE_FORM
from proof.bundle import MAXIMUM_BYTES, MAXIMUM_READINGS
from proof.log_export import FORM as LOG_FORM
from proof.report import FORM as VERDICT_FORM
from proof.report import SHOWN
from wire.reading import Unit

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "proof" / "page"
PAGE = files("proof").joinpath("page", "verify.html").read_text(encoding="utf-8")
REBUILD = "build the page anew: cd tools/proof-page && npm ci && npm run build"


def inside(name: str, attributes: str = "") -> str:
    match = re.search(rf"<{name}{attributes}>(.*?)</{name}>", PAGE, re.DOTALL)
    assert match is not None
    return match[1]


def test_it_was_built_from_these_sources() -> None:
    recorded: dict[str, str] = json.loads(inside("script", ' type="application/json" id="inputs"'))
    found = [path for path in SOURCES.iterdir() if path.name != "verify.html"]
    found += [ROOT / "tools" / "proof-page" / name for name in ("build.mjs", "package.json", "package-lock.json")]
    now = {path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
    assert recorded == now, REBUILD


def test_it_runs_its_own_script_and_nothing_else() -> None:
    """No network, no other script, no form that sends: the browser itself refuses."""
    match = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', PAGE)
    assert match is not None
    policy = dict(part.strip().split(" ", 1) for part in match[1].split(";"))
    script, style = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in parts())
    assert policy == {
        "default-src": "'none'",
        "script-src": f"'sha256-{script}'",
        "style-src": f"'sha256-{style}'",
        "worker-src": "blob:",
        "connect-src": "'none'",
        "form-action": "'none'",
        "base-uri": "'none'",
    }


def parts() -> tuple[str, str]:
    return inside("script", ' id="program"'), inside("style")


def test_nothing_in_it_loads_anything() -> None:
    script, style = parts()
    for word in ("eval(", "new Function", "fetch(", "XMLHttpRequest", "WebSocket", "importScripts", "innerHTML"):
        assert word not in script, word
    assert re.findall(r"(?:src|href)=", PAGE.replace(script, "")) == []
    assert "url(" not in style
    assert "@import" not in style
    assert str(ROOT) not in PAGE


def test_the_licences_of_what_is_in_it_stand_in_it() -> None:
    licences = inside("script", ' type="text/plain" id="licences"')
    assert [name in licences for name in ("@noble/curves", "@noble/hashes")] == [True, True]
    assert licences.count("The MIT License") == licences.count("Permission is hereby granted") == 2


def test_both_verifiers_have_the_same_bounds() -> None:
    bundle, verify = (SOURCES.joinpath(name).read_text() for name in ("bundle.js", "verify.js"))
    assert f'BUNDLE_FORM = "{BUNDLE_FORM}"' in bundle
    assert f"READINGS = {MAXIMUM_READINGS:_};" in bundle
    assert MAXIMUM_BYTES == 128 * 1024 * 1024
    assert "BUNDLE_BYTES = 128 * 1024 * 1024;" in bundle
    units = re.search(r"UNITS = \[([\d, ]+)\]", bundle)
    assert units is not None
    assert [int(each) for each in units[1].split(",")] == sorted(Unit)
    assert f'FORM = "{VERDICT_FORM}"' in verify
    assert f"SHOWN = {SHOWN};" in verify
    assert f'LOG_FORM = "{LOG_FORM}"' in SOURCES.joinpath("log.js").read_text()


def test_every_source_is_short_and_every_word_is_used() -> None:
    text = "".join(path.read_text() for path in SOURCES.glob("*.js")) + SOURCES.joinpath("page.html").read_text()
    assert max(len(path.read_text().splitlines()) for path in SOURCES.iterdir() if path.name != "verify.html") < 400
    known = json.loads(SOURCES.joinpath("words.json").read_text())["en"]
    composed = ("reason.", "log.", "open.", "page.refused.", "page.table.")
    assert [name for name in known if f'"{name}"' not in text and not name.startswith(composed)] == []
