"""Inside the process on trial: end it at the n-th thing it does to files or processes; or let no file grow too large.

It may also be given another list of weight files than ours.

A random second hardly ever hits the milliseconds in which a file gets its name, a random one of these does.
"""

import atexit
import json
import os
import resource
import sys
from pathlib import Path

VARIABLE = "L2L_TESTS_ENDS"
DOES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.utime", "subprocess.Popen", "mmap.__new__"}


def arm() -> None:
    """Do what the variable says: {"at": n, "signal": 9, "count": PATH, "largest": bytes, "catalogue": PATH}."""
    asked = json.loads(os.environ.get(VARIABLE, "{}"))
    if "catalogue" in asked:
        from l2l.weights import catalogue

        catalogue.CATALOGUE = Path(asked["catalogue"])
        catalogue.catalogue.cache_clear()
    if "largest" in asked:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["largest"], resource.RLIM_INFINITY))
    if "at" not in asked and "count" not in asked:
        return
    done = 0

    def watch(event: str, arguments: tuple) -> None:
        nonlocal done
        if event in DOES or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            done += 1
            if done == asked.get("at"):
                os.kill(os.getpid(), asked["signal"])

    def count() -> None:
        with open(asked["count"], "w") as file:
            file.write(str(done))

    sys.addaudithook(watch)
    if "count" in asked:
        atexit.register(count)
