"""Where this folder is on PYTHONPATH, Python imports it first. It notes calls to the net, and files that are written.

Compiled libraries are not seen; what they would keep lies in the home folder, which the test looks at.
"""

import os
import sys

NOTES = os.environ.get("L2L_TESTS_WATCHED")
NET = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.sendto"}


def watch(event: str, arguments: tuple) -> None:
    if event in NET:
        note = f"{event} {arguments[-1] if event in ('socket.connect', 'socket.sendto') else arguments[0]!r}"
    elif event == "open" and isinstance(arguments[0], (str, bytes)) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
        note = f"write {os.path.abspath(os.fsdecode(arguments[0]))}"
    else:
        return
    line = f"{note}\n".encode()
    file = os.open(NOTES, os.O_WRONLY | os.O_APPEND | os.O_CREAT) if NOTES not in note else -1
    if file >= 0:
        os.write(file, line)
        os.close(file)


if NOTES:
    sys.addaudithook(watch)
