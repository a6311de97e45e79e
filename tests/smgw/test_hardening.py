import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMME = """
import ctypes, json, os, resource, subprocess, sys
os.umask(0)
from smgw.hardening import protect_process
protect_process()
child = [sys.executable, "-c", "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"]
print(json.dumps({
    "dumpable": ctypes.CDLL(None).prctl(3, 0, 0, 0, 0),
    "core": resource.getrlimit(resource.RLIMIT_CORE),
    "umask": os.umask(0),
    "core of a child": int(subprocess.run(child, capture_output=True, check=True).stdout),
}))
"""


def test_no_dump_no_debugger_no_file_for_others() -> None:
    """In a process of its own: none of it can be taken back."""
    done = subprocess.run([sys.executable, "-c", PROGRAMME], cwd=ROOT, capture_output=True, check=True)
    assert json.loads(done.stdout) == {"dumpable": 0, "core": [0, 0], "umask": 0o077, "core of a child": 0}
