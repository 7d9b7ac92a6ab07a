"""view: a person's recordings beside the true listener and one that is drawn anew at every touch of a slider."""

import asyncio
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from l2l.dataset.layout import ROTATION
from l2l.errors import UserError
from l2l.evaluation.events import Directions
from l2l.faces.meshes import mesher_of
from l2l.faces.store import Faces, hold, load_faces
from l2l.features.sound import frame_sound
from l2l.files import scratch
from l2l.patches.checkpoint import Models, load_codebook, load_models
from l2l.patches.stream import Sampling, sample_sequences
from l2l.recordings.recordings import Recording
from l2l.recordings.table import with_pictures
from l2l.sides import Side, number, other
from l2l.speech.mel import load_mel
from l2l.speech.speaking import SPEAKS, load_speaking
from l2l.units import AUDIO_PER_FRAME, FPS, MODEL_DIM, PATCH
from l2l.video.media import add_sound
from l2l.web.messages import described, packed
from l2l.web.serve import application, serve

SECONDS = 12  # that are drawn at once
_PAST = 8  # patches of the true listener before them
_HEARD = 30 * FPS  # frames of the speaker before them


def view(results: Path, host: str = "127.0.0.1", port: int = 0, browser: bool = True) -> None:
    """Serve the page until Ctrl-C. Raises UserError when models or recordings are missing."""
    with scratch() as folder:
        serve(View.of(results, folder).app(), host, port, browser)


@dataclass
class Seen:
    """One recording, as far as it is looked at."""

    recording: Recording
    side: Side  # where the listener sits
    folder: Path

    def faces(self, side: Side) -> Faces:
        return load_faces(self.folder / f"faces_{side}.npz")


class View:
    """What the page asks for."""

    def __init__(self, title: str, models: Models, basis: Path, recordings: list[Seen], scratch: Path) -> None:
        self.title, self.models, self.basis = title, models, basis
        self.recordings = {one.recording.name: one for one in recordings}
        self.directions = Directions.of(basis)
        self._scratch, self._muxing = scratch, threading.Lock()
        self._drawing = asyncio.Lock()

    @classmethod
    def of(cls, results: Path, scratch: Path) -> "View":
        """From a person's results; test recordings come first."""
        models = load_models(results / "codebook.pt", results / "predictor.pt")
        if models.people:
            raise UserError(f"{results} has models of several people and no recordings; look at one of the people.")
        side: Side = load_codebook(results / "codebook.pt")[2]["listener"]
        rows = with_pictures(results)
        if not rows:
            raise UserError(
                f"{results / 'videos'} holds no recording that can be shown; set keep_intermediates to all, and run the"
                " workflow again."
            )
        seen = [Seen(row, row.listener or side, results / "videos" / row.name) for row in rows]
        return cls(results.name, models, results / "face_basis.npz", seen, scratch)

    def app(self) -> Starlette:
        return application("view.html", self._about, Route("/video/{name}", self._video), Route("/draw", self._draw))

    def _about(self) -> dict[str, Any]:
        recordings = [
            {"name": name, "seconds": one.recording.seconds or SECONDS, "split": one.recording.split, "side": one.side}
            for name, one in self.recordings.items()
        ]
        strength = round(float(self.models.predictor.strength.mean()), 2)
        return {"title": self.title, "recordings": recordings, "strength": strength, "seconds": SECONDS, "fps": FPS}

    async def _video(self, request: Request) -> Response:
        one = self.recordings.get(request.path_params["name"])
        if one is None:
            return PlainTextResponse("There is no such recording.\n", 404)
        return FileResponse(await run_in_threadpool(self._with_sound, one), media_type="video/mp4")

    def _with_sound(self, one: Seen) -> Path:
        """The normalised recording as browsers play it; made once."""
        out = self._scratch / f"{list(self.recordings).index(one.recording.name)}.mp4"
        with self._muxing:
            if not out.exists():
                add_sound(one.folder / "video.mp4", one.folder / "audio.wav", out)
        return out

    async def _draw(self, request: Request) -> Response:
        asked = request.query_params
        one = self.recordings.get(asked.get("recording", ""))
        try:
            start, seed = max(0, round(float(asked.get("start", 0)) * FPS)), int(asked.get("seed", 0))
            strength = float(asked["strength"]) if asked.get("strength") else None
            sampling = Sampling(temperature=float(asked.get("temperature", 1)), strength=strength)
        except (ValueError, OverflowError):
            one = None
        if one is None or seed < 0 or not 0.05 <= sampling.temperature <= 5 or not 0 <= (strength or 0) <= 10:
            return PlainTextResponse("This cannot be drawn: a recording, start, seed, strength or temperature.\n", 400)
        async with self._drawing:
            if await request.is_disconnected():
                return Response(status_code=499)  # the slider has moved on
            return Response(await run_in_threadpool(self.drawn, one, start, seed, sampling))

    def drawn(self, one: Seen, start: int, seed: int, sampling: Sampling) -> bytes:
        """The true and a drawn listener from frame `start` on, as meshes, and what they do."""
        speaks_at = other(one.side)
        true, speaker = one.faces(one.side), one.faces(speaks_at)
        count = min(SECONDS * FPS, len(true) - start)
        if count < PATCH or not speaker.valid.any():
            return packed({"frames": 0})
        # The past is whole patches of the true listener, as far as they were seen.
        unseen = np.flatnonzero(~true.valid[:start])
        past = min(_PAST, (start - int(unseen.max(initial=-1)) - 1) // PATCH) * PATCH
        before = min(_HEARD, (start - past) // PATCH * PATCH)
        heard = slice(start - past - before, start + count)
        faces = hold(speaker.faces[:, :MODEL_DIM], speaker.valid)[heard]
        rows = load_mel(one.folder / f"mel_{speaks_at}.npy")
        sound = frame_sound(rows[heard.start * AUDIO_PER_FRAME : heard.stop * AUDIO_PER_FRAME], self.models.power)
        given = true.faces[None, start - past : start, :MODEL_DIM] if past else None
        sampled = sample_sequences(
            self.models, faces[None], sound[None], [(seed, 0, 0)], sampling, given, before=before
        )
        motion, shown = sampled.motion[0][past:], slice(start, start + count)
        mesher = mesher_of(self.basis, true.neutral)
        speaks = load_speaking(one.folder / "speaking.npz")[shown, number(speaks_at)] >= SPEAKS
        words = {
            "frames": count,
            "seen": true.valid[shown].tolist(),
            "speaks": speaks.tolist(),
            "true": self._curves(true.faces[shown]),
            "drawn": self._curves(motion),
            "mesh": described(mesher),
        }
        return packed(words, mesher.vertices(true.faces[shown, :MODEL_DIM]), mesher.vertices(motion))

    def _curves(self, motion: np.ndarray) -> dict[str, list[float]]:
        """What motion (T, 56) shows over time: pitch in degrees, and the smile, 1 where it counts as one."""
        smiles = [] if self.directions is None else np.round(self.directions.smiling(motion), 3).tolist()
        return {"pitch": np.round(np.degrees(motion[:, ROTATION.start]), 2).tolist(), "smile": smiles}
