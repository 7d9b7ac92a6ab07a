"""listen: a trained listener on one recording, as if live.

- The recording is measured in a temporary folder: the same steps as in the workflow, with the person's own basis.
- Every 8 frames of the speaker go into `Listener.step`. The answer is shown when it would have come in a live
  conversation: 16 frames (0.53 s) after the speaker, 8 to hear a patch and 8 of look-ahead.
- Where the speaker's face is not seen, the last one seen is used.
- Beside the video lies the listener's motion as a faces file, for `l2l export`.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from l2l.config import Settings
from l2l.errors import UserError
from l2l.faces.store import Faces, basis_of, hold, load_faces, write_motion
from l2l.files import scratch
from l2l.patches.checkpoint import load_codebook as load_patch_codebook
from l2l.patches.live import Listener
from l2l.pictures.preview import Scene, render
from l2l.progress import progress
from l2l.recordings.recordings import Recording
from l2l.recordings.steps import STEPS, Work, bring
from l2l.sides import SIDES, Side
from l2l.speech.mel import load_mel
from l2l.units import AUDIO_PER_FRAME, MEL_BANDS, MODEL_DIM, PATCH

DELAY = PATCH + Listener.look_ahead  # frames between what the speaker does and the listener's answer to it


def listen(
    video: Path, results: Path, out: Path, settings: Settings, person: str | None = None, side: Side | None = None
) -> None:
    """Write `out`, a video of the recording and of the listener in `results`, a person's folder of results; and beside
    it the listener's motion, a faces file that also holds who speaks (`probability`).

    Where the models know several people, `person` listens, who sits at `side`; the basis is that person's own. Raises
    UserError when the recording cannot be measured or the person has no trained models of patches.
    """
    listener = Listener.load(results, settings.seed, person=person)
    if person and not side:
        raise UserError("models of several people do not say where the listener sits; give --listener left or right.")
    number = SIDES.index(side or load_patch_codebook(results / "codebook.pt")[2]["listener"])
    basis = basis_of(results, person)
    with scratch() as folder:
        work = Work(Recording(video.stem, str(video)), folder, settings, basis=basis)
        for step in STEPS:
            bring(step, work)
        outs = work.both("faces_{}.npz")
        true, speaker = load_faces(outs[number]), load_faces(outs[1 - number])
        shown = play(listener.step, held(speaker), load_mel(folder / f"mel_{SIDES[1 - number]}.npy"))
        late = np.full((len(true), MODEL_DIM), np.nan, np.float32)
        late[DELAY:] = shown[: len(true) - DELAY]
        scene = Scene.of(folder, number, true, late, basis)
        render(scene, 0, len(true), out)
        write_motion(out.with_suffix(".npz"), late, true, scene.probability)


def held(faces: Faces) -> np.ndarray:
    """(T, 56): each face, or the last one seen before it; at the beginning, the first that will be seen."""
    if not faces.valid.any():
        raise UserError("the speaker's face is never seen in this recording; give another one.")
    return hold(faces.faces[:, :MODEL_DIM], faces.valid)


def play(step: Callable[[np.ndarray, np.ndarray], np.ndarray], faces: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Speaker (T, 56) and mel rows (4 T, 128), patch by patch -> the listener of whole patches (8 n, 56).

    Frame f of the result answers frame f of the speaker: the first 8 that come out, which lead in, are left out.
    """
    count = len(faces) // PATCH
    patches = zip(
        faces[: PATCH * count].reshape(count, PATCH, MODEL_DIM),
        rows[: PATCH * AUDIO_PER_FRAME * count].reshape(count, PATCH * AUDIO_PER_FRAME, MEL_BANDS),
        strict=True,
    )
    motion = [step(*patch) for patch in progress(list(patches), "listen", unit="patch")]
    return np.concatenate(motion[1:])
