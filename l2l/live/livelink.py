"""The listener's motion over the network, as the app Live Link Face sends it: Unreal and other programs hear it.

    link = l2l.LiveLink("127.0.0.1:11111", "results/alice")
    for answer in session.answers():
        link.send(answer.motion)

- A datagram is one frame: version, device, subject, time, and the 61 curves of `l2l.faces.livelink`. Numbers are big
  endian. The layout is that of Unreal's plugin Apple ARKit Face Support, version 6, as `pylivelinkface` reads it.
- Answers come 8 frames at once. They are sent one by one, 30 a second, by a thread: programs show what comes when it
  comes. What waits longer than a patch is left out.
- Only numbers of the listener's face are sent, no picture and no sound, and only to the address that was given.
"""

import logging
import queue
import socket
import struct
import threading
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from l2l.errors import UserError
from l2l.faces.columns import NO_SHAPES
from l2l.faces.livelink import RATE, SENT, curves
from l2l.faces.store import backend_of, basis_of
from l2l.live.people import at_rest
from l2l.units import FPS

VERSION = 6
_LATE = 0.05  # seconds after which a patch does not follow the last one any more
_WAITING = 2  # patches that wait, at most

log = logging.getLogger(__name__)


def packet(device: str, subject: str, seconds: float, values: np.ndarray) -> bytes:
    """One frame: `values` (61,) in the order of `CURVES`, at so many seconds after midnight."""
    frame, part = divmod(seconds * RATE, 1)
    names = b"".join(struct.pack(">i", len(name)) + name for name in (_ascii(device), _ascii(subject)))
    moment = struct.pack(">ifii", int(frame), part, RATE, 1)
    return bytes([VERSION]) + names + moment + struct.pack(f">B{len(SENT)}f", len(SENT), *values[SENT])


def _ascii(name: str) -> bytes:
    return name.encode("ascii", "replace")[:250]


class LiveLink:
    """Sends what a listener does to one address."""

    def __init__(self, address: str, results: str | Path, person: str | None = None) -> None:
        """`address` is HOST:PORT; Unreal listens at 11111. `person` says who listens, where the models know several.

        Raises UserError when the address is none, when models are missing, or when their faces are no named shapes.
        """
        results = Path(results)
        self.address, self.subject = address, person or results.resolve().name
        self._family, self._to = _resolved(address)
        if why := NO_SHAPES.get(backend_of(basis_of(results, person))):
            raise UserError(
                f"{results}: --livelink needs named shapes; {why}. Measure the videos with faces.backend: blendshapes, "
                "and train on these."
            )
        self.rest = at_rest(results, person).rest
        self._device = str(uuid.uuid5(uuid.NAMESPACE_URL, f"l2l/{self.subject}")).upper()
        self._patches: queue.Queue[np.ndarray | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="livelink", daemon=True)
        self._thread.start()

    def send(self, motion: np.ndarray, rest: np.ndarray | None = None) -> None:
        """The next frames (n, 56), to be sent from now on, or after those before; `rest`: of another person, (52,)."""
        while self._patches.qsize() >= _WAITING:
            try:
                self._patches.get_nowait()
            except queue.Empty:
                break
        self._patches.put(curves(motion, self.rest if rest is None else rest))

    def close(self) -> None:
        """Send what waits, and end."""
        self._patches.put(None)
        self._thread.join()

    def _run(self) -> None:
        due, warned = 0.0, False
        with socket.socket(self._family, socket.SOCK_DGRAM) as sending:
            while (patch := self._patches.get()) is not None:
                now = time.monotonic()
                due = now if now > due + _LATE else due
                for values in patch:
                    time.sleep(max(0.0, due - time.monotonic()))
                    due += 1 / FPS
                    try:
                        sending.sendto(packet(self._device, self.subject, _of_day(), values), self._to)
                    except OSError as error:  # an address that cannot be reached now may be there later
                        if not warned:
                            log.warning("--livelink %s: %s; the listener goes on.", self.address, error.strerror)
                        warned = True


def _of_day() -> float:
    """Seconds after midnight."""
    now = datetime.now()
    return (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()


def _resolved(address: str) -> tuple[socket.AddressFamily, Any]:
    """The family and the socket address of HOST:PORT. Raises UserError."""
    try:
        parts = urlsplit(f"//{address}")
        host, port = (parts.hostname, parts.port) if parts.netloc == address and "@" not in address else (None, None)
    except ValueError:
        host = port = None
    if not host or not port:
        raise UserError(f"--livelink {address}: give the host and the port that listen, such as 127.0.0.1:11111.")
    try:
        family, *_, to = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    except OSError as error:
        raise UserError(f"--livelink {address}: {error.strerror}; check the host's name.") from None
    return family, to
