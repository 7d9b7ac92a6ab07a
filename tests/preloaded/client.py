"""`client.py PROGRAM ARGUMENTS`: ask the server to run it, and end as it ends. Nothing but the standard library."""

import json
import os
import signal
import socket
import sys
import time


def connected(path: str) -> socket.socket:
    """A connection to the server, which may still be starting."""
    for _ in range(600):
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            return connection
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            time.sleep(0.05)
    sys.exit(f"{path}: nobody answers")


def main() -> int:
    with connected(f"{os.environ['L2L_TESTS_PRELOADED']}/socket") as connection:
        asked = json.dumps({"argv": sys.argv[1:], "folder": os.getcwd(), "variables": dict(os.environ)}).encode()
        socket.send_fds(connection, [len(asked).to_bytes(8, "big")], [0, 1, 2])
        connection.sendall(asked)
        answer = connection.makefile()
        process = int(answer.readline())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: os.kill(process, number))
        return int(answer.readline())


if __name__ == "__main__":
    sys.exit(main())
