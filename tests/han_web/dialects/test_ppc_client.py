"""The package py-ppc-smgw as it is published, unchanged, against the application on a real server.

It needs Python 3.13; the interpreter that has it is named by ``SMGW_PPC_CLIENT_PYTHON``, or is the one that runs this.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from threading import Thread

import pytest
from werkzeug.serving import make_server

from tests.han_web.place import Place, furnished
from tests.smgw.han.house import FIRST, PASSWORDS, SECOND

PYTHON = os.environ.get("SMGW_PPC_CLIENT_PYTHON", sys.executable)
CLIENT = """
import asyncio, json, logging, sys, httpx
from py_ppc_smgw import PPCSMGWClient

async def main(url, name, password):
    async with httpx.AsyncClient(verify=False) as http:
        logger = logging.getLogger("client")
        async with PPCSMGWClient(url, name, password, http, logger) as client:
            versions = await client.get_firmware_versions()
            meters = await client.get_meters()
            readings = [await client.get_meter_reading(one) for one in meters]
            profile = await client.get_meter_profile(meters[0])
            day = await client.export_meter_values(meters[0], "2026-10-25 00:00:00", "2026-10-25 23:59:59")
            none = await client.export_meter_values(meters[0], "2019-10-25 00:00:00", "2019-10-25 23:59:59")
            await client.selftest()
    print(json.dumps({
        "versions": [one.component for one in versions],
        "meters": [one.mid for one in meters],
        "readings": [{str(code): one.value for code, one in some.items()} for some in readings],
        "samplerate": profile.samplerate_s,
        "day": [one.value_kwh for one in day],
        "statuses": sorted({one.status for one in day}),
        "none": len(none),
    }))

asyncio.run(main(*json.load(sys.stdin)))
"""


def has_client() -> bool:
    found = subprocess.run([PYTHON, "-c", "import py_ppc_smgw.client"], check=False, capture_output=True, timeout=180)
    return found.returncode == 0


@pytest.fixture(scope="module")
def address(place: Place) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, furnished(place.house).app, threaded=True, ssl_context="adhoc")
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/cgi-bin/hanservice.cgi"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.peer
def test_the_published_client_reads_this_gateway_unchanged(request: pytest.FixtureRequest) -> None:
    if not has_client():
        pytest.skip("py-ppc-smgw needs Python 3.13: name one that has it in SMGW_PPC_CLIENT_PYTHON")
    asked = json.dumps([request.getfixturevalue("address"), "house", PASSWORDS["house"]])
    done = subprocess.run([PYTHON, "-c", CLIENT], input=asked, check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["versions"] == ["smgw-bootstream", "smgw-services"]
    assert told["meters"] == [FIRST.text, SECOND.text]
    assert [sorted(one) for one in told["readings"]] == [["1-0:1.8.0", "1-0:2.8.0"], ["1-0:1.8.0"]]
    assert told["samplerate"] == 60
    # Twenty-five hours of two registers, and a range without readings is no error.
    assert (len(told["day"]), told["none"]) == (200, 0)
    assert told["statuses"] == [0]
