"""live: talk to a trained listener in the browser.

The page sends pictures (JPEG) and sound (16-bit, 16 kHz) with their times over one WebSocket; every 267 ms it gets the
listener's moving mesh, and what was noticed. Only the newest pictures wait: those that nobody had time for are dropped.
Nothing is written, unless the page asks for a recording.
"""

import asyncio
import contextlib
import json
import logging
import struct
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from l2l.errors import UserError
from l2l.evaluation.events import Directions
from l2l.faces.meshes import Mesher, mesher_of
from l2l.faces.store import Faces
from l2l.live.session import Answer, Session
from l2l.units import FPS, PATCH, SAMPLE_RATE
from l2l.web.messages import described, packed
from l2l.web.record import Recorder
from l2l.web.serve import PAGES

PICTURE, SOUND = 1, 2  # the first byte of a message from the page; then its time, float64 seconds
_WAITING = 4  # pictures that wait, at most
_LATE = 0.2  # seconds of sound that wait, above which only the newest picture is looked at
_BEHIND = 5.0  # seconds of sound that wait, at most
_LARGEST = 4_000_000  # bytes of a message


@dataclass
class Live:
    """What the page shows: a session with one of the people, and how to draw them."""

    open_session: Callable[[str | None, int], Session]  # by person and seed
    looks_of: Callable[[str | None], Faces]  # the person at rest
    basis_of: Callable[[str | None], Path]
    people: list[str]  # empty: the models are of one person
    title: str
    directions: Directions | None
    recordings: Path  # folder for what is recorded
    backend: str  # of the faces
    sample: Path | None = None  # a video to play instead of a camera
    sample_side: str = "right"  # where in it the speaker sits
    busy: bool = field(default=False, init=False)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/about", self._about),
                Route("/sample.mp4", self._sample),
                WebSocketRoute("/talk", self._talk),
                Mount("/", StaticFiles(directory=PAGES)),
            ]
        )

    async def _page(self, request: Request) -> Response:
        return FileResponse(PAGES / "live.html")

    async def _about(self, request: Request) -> Response:
        """What the page must know before it connects."""
        about = {"title": self.title, "people": self.people, "fps": FPS, "patch": PATCH, "rate": SAMPLE_RATE}
        return JSONResponse(about | {"sample": self.sample is not None, "side": self.sample_side})

    async def _sample(self, request: Request) -> Response:
        if self.sample is None:
            return PlainTextResponse("There is no recording to play.\n", 404)
        return FileResponse(self.sample, media_type="video/mp4")

    async def _talk(self, socket: WebSocket) -> None:
        await socket.accept()
        if self.busy:
            await socket.close(1013, "Somebody is talking to this listener already.")
            return
        self.busy = True
        try:
            await _Talk(self, socket).run()
        except WebSocketDisconnect:
            pass
        except UserError as error:
            logging.getLogger(__name__).warning("%s", error)
            with contextlib.suppress(RuntimeError):
                await socket.close(1011, str(error)[:120])
        finally:
            self.busy = False


class _Talk:
    """One conversation over one WebSocket. All that takes time runs in one thread, in order."""

    def __init__(self, live: Live, socket: WebSocket) -> None:
        self._live, self._socket = live, socket
        self._pictures: deque[tuple[float, bytes]] = deque(maxlen=_WAITING)
        self._sounds: deque[np.ndarray] = deque()
        self._wishes: deque[dict[str, Any]] = deque()
        self._arrived = asyncio.Event()
        self._received, self._dropped = 0.0, 0  # when the newest sound came; pictures that nobody had time for
        self._session: Session | None = None
        self._mesher: Mesher | None = None
        self._like: Faces | None = None
        self._recorder: Recorder | None = None

    async def run(self) -> None:
        with ThreadPoolExecutor(1, "talk") as thread:
            loop = asyncio.get_running_loop()
            reading = asyncio.create_task(self._read())
            try:
                while not reading.done():
                    await asyncio.wait(
                        {reading, asyncio.create_task(self._arrived.wait())}, return_when="FIRST_COMPLETED"
                    )
                    self._arrived.clear()
                    for message in await loop.run_in_executor(thread, self._work):
                        await (self._socket.send_bytes(message) if isinstance(message, bytes) else self._say(message))
                reading.result()
            finally:
                reading.cancel()
                if self._recorder:
                    await loop.run_in_executor(thread, self._recorder.close)

    async def _say(self, message: dict[str, Any]) -> None:
        await self._socket.send_text(json.dumps(message))

    async def _read(self) -> None:
        """Sort what the page sends; nothing is computed here."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                self._arrived.set()
                return
            if (text := message.get("text")) is not None:
                with contextlib.suppress(ValueError, TypeError, RecursionError):
                    self._wishes.append(dict(json.loads(text)))
            elif (data := message.get("bytes")) and 9 < len(data) <= _LARGEST:
                self._take(data)
            self._arrived.set()

    def _take(self, data: bytes) -> None:
        kind, at = struct.unpack_from("<Bd", data)
        if kind == PICTURE:
            self._dropped += len(self._pictures) == _WAITING
            self._pictures.append((at, data[9:]))
        elif kind == SOUND and len(data) % 2:
            self._sounds.append(np.frombuffer(data, "<i2", offset=9).astype(np.float32) / 32768)
            self._received = time.perf_counter()
            if sum(map(len, self._sounds)) > _BEHIND * SAMPLE_RATE:
                raise UserError("this machine is too slow: sound waits for more than 5 seconds.")

    def _work(self) -> list[bytes | dict[str, Any]]:
        """Do what waits; returns what is to be sent. In the thread."""
        out: list[bytes | dict[str, Any]] = []
        while self._wishes:
            out += self._fulfil(self._wishes.popleft())
        if self._session is None:
            self._pictures.clear()
            self._sounds.clear()
            return out
        # Who is late looks less: sound must be heard whole, pictures need not all be seen.
        while len(self._pictures) > 1 and sum(map(len, self._sounds)) > _LATE * SAMPLE_RATE:
            self._pictures.popleft()
            self._dropped += 1
        while self._pictures:
            at, jpeg = self._pictures.popleft()
            picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
            if picture is not None and np.isfinite(at):
                self._session.see(picture, at)
                if self._recorder:
                    self._recorder.see(picture, at)
        while self._sounds:
            sound = self._sounds.popleft()
            self._session.hear(sound)
            if self._recorder:
                self._recorder.hear(sound)
        for answer in self._session.answers():
            out.append(self._packed(answer))
            if self._recorder:
                self._recorder.answer(answer)
        return out

    def _fulfil(self, wish: dict[str, Any]) -> list[dict[str, Any] | bytes]:
        live = self._live
        if wish.get("do") == "begin":
            person = wish.get("person") if wish.get("person") in live.people else None
            person = person or (live.people[0] if live.people else None)
            seed = wish.get("seed")
            self._session = live.open_session(person, seed if isinstance(seed, int) and 0 <= seed < 2**31 else 0)
            self._like = live.looks_of(person)
            self._mesher = mesher_of(live.basis_of(person), self._like.neutral)
            self._close_recorder()
            self._pictures.clear()
            self._sounds.clear()
            return [{"is": "begun", "person": person, "mesh": described(self._mesher)}]
        if wish.get("do") == "record" and self._session and self._mesher and self._like is not None:
            if not wish.get("on"):
                return [{"is": "recorded", "path": str(path)} for path in self._close_recorder()]
            if self._recorder is None:
                self._recorder = Recorder(
                    live.recordings, self._mesher, self._like, live.backend, self._session.seconds
                )
            return [{"is": "recording"}]
        return []

    def _close_recorder(self) -> list[Path]:
        recorder, self._recorder = self._recorder, None
        return recorder.close() if recorder else []

    def _packed(self, answer: Answer) -> bytes:
        """What was noticed, as JSON behind its length, then the meshes (8, V, 3) float32."""
        assert self._mesher is not None
        smile = self._live.directions
        noticed = {
            "frame": answer.frame,
            "speaks": np.round(answer.speaks, 2).tolist(),
            "seen": answer.seen.tolist(),
            "pitch": np.round(answer.motion[:, 50], 4).tolist(),
            "smile": []
            if smile is None
            else np.round(answer.motion[:, :50] @ smile.smile / smile.smiles_from, 2).tolist(),
            "yours": []
            if smile is None
            else np.round(answer.speaker[:, :50] @ smile.smile / smile.smiles_from, 2).tolist(),
            "dropped": self._dropped,
            "took": round(time.perf_counter() - self._received, 4),
        }
        return packed(noticed, self._mesher.vertices(answer.motion))
