"""No container outlives whoever asked for it: ``python -I -S warden.py FD ENGINE NAME ARGUMENT...``

Runs ``ENGINE ARGUMENT...``, which runs the container NAME in the foreground, and ends as that ends. When the
other end of the pipe FD is gone, however its owner died, the container is removed. Standard library only.
"""

import os
import signal
import subprocess
import sys
import threading
import time

ENGINE_TIMEOUT_S = 60.0
GIVE_UP_AFTER_S = 10.0
PAUSE_S = 0.2


def main(arguments: list[str]) -> int:
    lifeline, engine, name = int(arguments[0]), arguments[1], arguments[2]
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A handler, and not SIG_IGN, which the engine would inherit.
        signal.signal(number, lambda *_: None)
    process = subprocess.Popen([engine, *arguments[3:]], stdin=subprocess.DEVNULL)  # noqa: S603

    def follow() -> None:
        code = process.wait()
        if not is_removing.is_set():
            os._exit(code if code >= 0 else 128 - code)

    is_removing = threading.Event()
    threading.Thread(target=follow, daemon=True).start()
    while os.read(lifeline, 4096):
        pass
    is_removing.set()
    remove(engine, name, process)
    return 0


def remove(engine: str, name: str, process: "subprocess.Popen[bytes]") -> None:
    """Remove the container, which may be about to be made, and end the engine's program."""
    give_up_at = time.monotonic() + GIVE_UP_AFTER_S
    while True:
        has_ended = process.poll() is not None
        for verb in (["kill", name], ["rm", "-f", name]):
            try:
                subprocess.run(  # noqa: S603 - the engine
                    [engine, *verb],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=ENGINE_TIMEOUT_S,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired):
                continue
        if has_ended:
            return
        if time.monotonic() > give_up_at:
            process.kill()
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
