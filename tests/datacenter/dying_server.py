"""``smgw-datacenter serve``, killed when the answer to its first request is ready to be sent."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from datacenter import config, serve, tls


def dies(application: Any) -> Any:
    def call(environ: Any, start_response: Any) -> Any:
        answer = application(environ, start_response)
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return call


if __name__ == "__main__":
    tls.restart_with_groups()
    serve.run(config.load(Path(sys.argv[-1])), wrap=dies)
