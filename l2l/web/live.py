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
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from l2l.dataset.layout import ROTATION
from l2l.errors import ShownError, UserError
from l2l.evaluation.events import Directions
from l2l.faces.meshes import Mesher, mesher_of
from l2l.faces.store import Faces
from l2l.live.livelink import LiveLink
from l2l.live.session import Answer, Session
from l2l.sides import Side
from l2l.units import FPS, PATCH, SAMPLE_RATE
from l2l.web.messages import described, packed
from l2l.web.record import Recorder
from l2l.web.serve import application

PICTURE, SOUND = 1, 2  # the first byte of a message from the page; then its time, float64 seconds
_WAITING = 4  # pictures that wait, at most
_ENDING = 3.0  # seconds that a page waits for the one before it, which may be itself before it was reloaded
_LATE = 0.2  # seconds of sound that wait, above which only the newest picture is looked at
_BEHIND = 5.0  # seconds of sound that wait, at most
_LARGEST = 4_000_000  # bytes of a message


@dataclass(frozen=True)
class Person:
    """One of those who can listen."""

    basis: Path
    like: Faces  # at rest
    mesher: Mesher
    directions: Directions | None

    @classmethod
    def of(cls, basis: Path, like: Faces) -> "Person":
        """From their face_basis.npz."""
        return cls(basis, like, mesher_of(basis, like.neutral), Directions.of(basis))

    def smiling(self, motion: np.ndarray) -> list[float]:
        """How much each frame of motion (8, 56) smiles, 1 where it counts as a smile; nothing where that is unknown."""
        return [] if self.directions is None else np.round(self.directions.smiling(motion), 2).tolist()


@dataclass
class Live:
    """What the page shows."""

    title: str
    people: dict[str | None, Person]  # None: the models are of one person
    open_session: Callable[[str | None, int], Session]  # by person and seed
    recordings: Path  # folder for what is recorded
    sample: Path | None  # a video to play instead of a camera
    sample_side: Side  # where in it the speaker sits
    avatar: LiveLink | None = None  # who else gets the listener's motion
    talking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def app(self) -> Starlette:
        return application(
            "live.html", self._about, Route("/sample.mp4", self._sample), WebSocketRoute("/talk", self._talk)
        )

    def _about(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "people": [name for name in self.people if name],
            "fps": FPS,
            "patch": PATCH,
            "rate": SAMPLE_RATE,
            "sample": self.sample is not None,
            "side": self.sample_side,
            "sent": self.avatar.address if self.avatar else "",
            "folder": str(self.recordings),
            "mesh": described(next(iter(self.people.values())).mesher),
        }

    async def _sample(self, request: Request) -> Response:
        if self.sample is None:
            return PlainTextResponse("There is no recording to play.\n", 404)
        return FileResponse(self.sample, media_type="video/mp4")

    async def _talk(self, socket: WebSocket) -> None:
        await socket.accept()
        try:
            await asyncio.wait_for(self.talking.acquire(), _ENDING)
        except TimeoutError:
            await socket.close(1013, "Somebody is talking to this listener already.")
            return
        try:
            await _Talk(self, socket).run()
        except WebSocketDisconnect:
            pass
        except (ShownError, OSError) as error:  # OSError: a recording cannot be written
            logging.getLogger(__name__).warning("%s", error)
            with contextlib.suppress(RuntimeError):
                await socket.close(1011, str(error)[:120])
        finally:
            self.talking.release()


class _Talk:
    """One conversation over one WebSocket. All that takes time runs in one thread, in order."""

    def __init__(self, live: Live, socket: WebSocket) -> None:
        self._live, self._socket = live, socket
        self._pictures: deque[tuple[float, bytes]] = deque(maxlen=_WAITING)
        self._sounds: deque[np.ndarray] = deque()
        self._wishes: deque[dict[str, Any]] = deque()
        self._arrived = asyncio.Event()
        self._received, self._dropped = 0.0, 0  # when the newest sound came; pictures that nobody had time for
        self._person = next(iter(live.people.values()))
        self._session: Session | None = None
        self._recorder: Recorder | None = None
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        with ThreadPoolExecutor(1, "talk") as thread:
            reading = asyncio.create_task(self._read())
            try:
                while not reading.done():
                    await self._arrived.wait()
                    self._arrived.clear()
                    for message in await self._loop.run_in_executor(thread, self._work):
                        await (self._socket.send_bytes(message) if isinstance(message, bytes) else self._say(message))
                reading.result()
            finally:
                reading.cancel()
                await self._loop.run_in_executor(thread, self._end_recording)

    async def _say(self, message: dict[str, Any]) -> None:
        await self._socket.send_text(json.dumps(message))

    async def _read(self) -> None:
        """Sort what the page sends, until it goes; nothing is computed here."""
        try:
            while (message := await self._socket.receive())["type"] != "websocket.disconnect":
                if (text := message.get("text")) is not None:
                    with contextlib.suppress(ValueError, TypeError, RecursionError):
                        self._wishes.append(dict(json.loads(text)))
                elif (data := message.get("bytes")) and 9 < len(data) <= _LARGEST:
                    self._take(data)
                self._arrived.set()
        finally:
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
                    self._recorder.see(jpeg, at)
        while self._sounds:
            sound = self._sounds.popleft()
            self._session.hear(sound)
            if self._recorder:
                self._recorder.hear(sound)
        if self._recorder and self._recorder.over:
            self._end_recording()
        for answer in self._session.answers():
            out.append(self._packed(answer))
            if self._live.avatar:
                self._live.avatar.send(answer.motion, self._person.like.rest)
            if self._recorder:
                self._recorder.answer(answer)
        return out

    def _fulfil(self, wish: dict[str, Any]) -> list[dict[str, Any] | bytes]:
        if wish.get("do") == "begin":
            people, seed = self._live.people, wish.get("seed")
            person = wish.get("person") if wish.get("person") in people else next(iter(people))
            self._person = people[person]
            self._session = self._live.open_session(person, seed if isinstance(seed, int) and 0 <= seed < 2**31 else 0)
            self._end_recording()
            self._pictures.clear()
            self._sounds.clear()
            return [{"is": "begun", "person": person, "mesh": described(self._person.mesher)}]
        if wish.get("do") == "record" and self._session:
            if not wish.get("on"):
                self._end_recording()
                return []
            if self._recorder is None:
                person = self._person
                self._recorder = Recorder(self._live.recordings, person.basis, person.like, self._session.seconds)
            return [{"is": "recording"}]
        return []

    def _end_recording(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder:
            recorder.end()
            asyncio.run_coroutine_threadsafe(self._save(recorder), self._loop)

    async def _save(self, recorder: Recorder) -> None:
        """Wait for the film, while the conversation goes on, and say where it is."""
        await self._say_if_there({"is": "saving"})
        try:
            messages = [{"is": "recorded", "path": str(path)} for path in await asyncio.to_thread(recorder.saved)]
        except ShownError as error:
            logging.getLogger(__name__).warning("%s", error)
            messages = [{"is": "lost", "why": str(error)}]
        for message in messages:
            await self._say_if_there(message)

    async def _say_if_there(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the page has gone
            await self._say(message)

    def _packed(self, answer: Answer) -> bytes:
        """What was noticed, as JSON behind its length, then the meshes (8, V, 3) float32."""
        noticed = {
            "frame": answer.frame,
            "speaks": np.round(answer.speaks, 2).tolist(),
            "seen": answer.seen.tolist(),
            "pitch": np.round(answer.motion[:, ROTATION.start], 4).tolist(),
            "smile": self._person.smiling(answer.motion),
            "yours": self._person.smiling(answer.speaker),
            "dropped": self._dropped,
            "took": round(time.perf_counter() - self._received, 4),
        }
        return packed(noticed, self._person.mesher.vertices(answer.motion))
