"""The default models in benchmarks: trained as a user trains them, then asked for listeners and likelihoods."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.dyads import Speaker
from l2l.architectures import train_codebook, train_predictor
from l2l.config import Settings
from l2l.features.sound import frame_sound
from l2l.files import save_json
from l2l.patches import likelihood
from l2l.patches.checkpoint import Models, load_models
from l2l.patches.live import Listener
from l2l.patches.stream import sample_sequences
from l2l.units import AUDIO_PER_FRAME, PATCH


def train(folder: Path, write: Callable[[Path], None], settings: Settings, people: tuple[str, ...] = ()) -> None:
    """`codebook.pt` and `predictor.pt` in `folder`, unless they are there; their CPU-seconds in `training.json`.

    `write` writes what they are trained on to a folder, in the published format; the person on the left listens. A
    codebook that was put there is used: so two predictors can be compared on the same codes. `people` are those whom
    the predictor tells apart.
    """
    paths = folder / "codebook.pt", folder / "predictor.pt"
    if all(path.exists() for path in paths):
        return
    data, logs, report = folder / "data", folder / "tensorboard", folder / "training.json"
    spent = json.loads(report.read_text()) if report.exists() else {}
    write(data)
    if not paths[0].exists():
        start = time.process_time()
        train_codebook(data, "left", settings, paths[0], logs / "codebook")
        save_json(report, spent := {"codebook": time.process_time() - start})
    start = time.process_time()
    train_predictor(data, paths[0], "left", settings, paths[1], logs / "predictor", people)
    save_json(report, spent | {"predictor": time.process_time() - start})
    shutil.rmtree(data)


def measured_before(scores: Path) -> bool:
    """Whether an earlier run has left these scores, which is said: they are not measured again."""
    if scores.exists():
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(scores.stat().st_mtime))
        print(f"{scores} was measured on {when}; delete it to measure again", flush=True)
    return scores.exists()


@torch.inference_mode()
def nats(
    models: Models,
    faces: np.ndarray,
    sound: np.ndarray,
    codes: Tensor,
    with_speaker: bool = True,
    counted: np.ndarray | None = None,
    who: list[int] | None = None,
) -> np.ndarray:
    """(B,) nats per frame of the true codes (B, P, Q) given all of their past, as trained; of the frames `counted`
    (B, 8 P), by default all. `who` (B,) listens, of a model of several people.

    faces (B, 8 P, 56) and sound (B, 8 P, 128) are raw; without speaker, it is the model's own unconditional part.
    """
    predictor = models.predictor
    heard = models.hear(faces, sound) if with_speaker else None
    logits = predictor.conditioned(
        likelihood.unconditional(predictor, codes, models.whose(who)), heard, models.whose(who)
    )
    found = likelihood.nats(logits, codes).sum(-1).numpy()  # (B, P)
    if counted is None:
        return found.mean(1) / PATCH
    weights = counted.reshape(len(found), -1, PATCH).mean(2) > 0.5
    return (found * weights).sum(1) / weights.sum(1) / PATCH


class Modern:
    """Trained models of patches; of several people, those of one of them."""

    def __init__(self, folder: Path, person: str | None = None) -> None:
        self.models = load_models(folder / "codebook.pt", folder / "predictor.pt")
        self.person = person

    def who(self, count: int) -> list[int] | None:
        """The person's number, once for each of `count` recordings."""
        return None if self.person is None else [self.models.people.index(self.person)] * count

    def sample(self, speakers: list[Speaker], samples: int) -> np.ndarray:
        """(S, N, T, 56) raw listeners to whole recordings, from nothing."""
        faces = np.stack([speaker.motion for speaker in speakers])
        sound = np.stack([frame_sound(speaker.audio, self.models.power) for speaker in speakers])
        seeds = [[(0, s, n) for n in range(len(speakers))] for s in range(samples)]
        return np.stack(
            [sample_sequences(self.models, faces, sound, each, who=self.who(len(speakers))).motion for each in seeds]
        )

    def live(self, speakers: list[Speaker]) -> np.ndarray:
        """(N, T, 56) raw, by the real-time listener."""
        listener = Listener(self.models, 0, len(speakers), person=self.person)
        faces = np.stack([speaker.motion for speaker in speakers])
        audio = np.stack([speaker.audio for speaker in speakers])
        rows = PATCH * AUDIO_PER_FRAME
        steps = [
            listener.step(faces[:, PATCH * t : PATCH * (t + 1)], audio[:, rows * t : rows * (t + 1)])
            for t in range(faces.shape[1] // PATCH)
        ]
        return np.concatenate([*steps[1:], listener.flush()], axis=1)

    def through_codebook(self, motion: np.ndarray) -> np.ndarray:
        """Raw motion (N, T, 56) to codes and back."""
        codebook = self.models.codebook
        codes = codebook.encode(torch.from_numpy(self.models.listener.apply(motion)))
        return self.models.listener.undo(codebook.decode(codes).numpy())

    def likelihoods(
        self, speakers: list[Speaker], truth: np.ndarray, shifts: tuple[int, ...], counted: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Nats per frame of the true listeners (N, T, 56), (N,) each: with the speaker, without one, and with the
        speaker shifted circularly, mean over `shifts` in frames; of the frames `counted` (N, T), by default all."""
        codes = self.models.codebook.encode(torch.from_numpy(self.models.listener.apply(truth)))  # (N, P, Q)
        faces = np.stack([speaker.motion for speaker in speakers])
        sound = np.stack([frame_sound(speaker.audio, self.models.power) for speaker in speakers])

        def of(shift: int, with_speaker: bool = True) -> np.ndarray:
            heard = np.roll(faces, shift, 1), np.roll(sound, shift, 1)
            return nats(self.models, *heard, codes, with_speaker, counted, self.who(len(codes)))

        shifted = np.mean([of(shift) for shift in shifts], axis=0)
        return {"with_speaker": of(0), "without_speaker": of(0, False), "shifted": shifted}
