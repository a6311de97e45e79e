"""FDP_IFC.2/FW: who may change the rules. Needs real root, because a user of its own takes real capabilities."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from smgw.firewall.rights import keep_rights, lent_rights

ROOT = Path(__file__).parents[3]
PROBE = """
import subprocess, threading
from smgw.firewall.rights import keep_rights, lent_rights

def child() -> str:
    told = subprocess.run(["/bin/cat", "/proc/self/status"], capture_output=True, text=True, check=True).stdout
    rights = int(told.split("CapEff:")[1].split()[0], 16)
    return f"{bool(rights >> 12 & 1)} {bool(rights >> 10 & 1)}"

def say(what: str) -> None:
    print(f"{what} {child()}\\n", end="")  # in one go: two threads say something at the same time

def other() -> None:
    thread = threading.Thread(target=lambda: say("other thread"))
    thread.start()
    thread.join()

say("before")
keep_rights()
say("kept")
lent, done = threading.Event(), threading.Event()
def lend() -> None:
    with lent_rights():
        lent.set()
        say("lent")
        done.wait()
    say("back")
lender = threading.Thread(target=lend)
lender.start()
lent.wait()
other()
done.set()
lender.join()
"""


def test_children_have_the_right_only_while_it_is_lent_and_only_in_that_thread() -> None:
    """O.SeparateIF: the child that speaks with the WAN cannot change what passes."""
    if os.geteuid() or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv: capabilities of another user")
    as_user = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=+net_admin,+net_bind_service",
               "--ambient-caps=+net_admin,+net_bind_service"]  # fmt: skip
    # The interpreter may lie where another user cannot read; /bin/cat tells what a child has.
    reads = subprocess.run([*as_user, sys.executable, "-c", "import cryptography"], check=False, capture_output=True)
    if reads.returncode:
        pytest.skip("another user cannot run this interpreter, or may not have the capability")
    code = (ROOT / "smgw" / "firewall" / "rights.py").read_text() + PROBE.replace(
        "from smgw.firewall.rights import keep_rights, lent_rights\n", ""
    )
    told = subprocess.run([*as_user, sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    lines = set(told.splitlines())
    # The right to listen at port 443 goes to nobody: whoever serves there inherits the socket.
    assert lines == {
        "before True True", "kept False False", "lent True False", "other thread False False", "back False False",
    }  # fmt: skip


def test_without_the_right_nothing_happens() -> None:
    keep_rights()
    with lent_rights():
        pass
