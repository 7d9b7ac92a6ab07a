"""The two trained rows of benchmarks/quality.py: train within a budget, sample whole recordings, likelihoods.

- The number of steps follows from a few steps measured first; what training then took is measured and reported.
- The released model knows windows only: each window of 64 frames, 32 further each time, gives its second half.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.dyads import Speaker, answered, listen, speak
from l2l import config
from l2l.architectures import train_codebook, train_predictor
from l2l.config import Settings
from l2l.dataset.layout import Chunks
from l2l.features.sound import frame_sound
from l2l.files import save_json
from l2l.patches.calibration import calibrate
from l2l.patches.checkpoint import load_codebook as load_patch_codebook
from l2l.patches.checkpoint import load_models as load_patch_models
from l2l.patches.checkpoint import set_guidance
from l2l.patches.stream import sample_sequences
from l2l.patches.train_codebook import prepare_codebook as prepare_patch_codebook
from l2l.patches.train_predictor import nats
from l2l.patches.train_predictor import prepare_predictor as prepare_patch_predictor
from l2l.training.checkpoint import read_checkpoint
from l2l.training.holdout import load_training_chunks, split_by_video
from l2l.units import AUDIO_PER_FRAME, FACE_DIM, FPS, PATCH
from l2l.windows.checkpoint import load_codebook, load_pair
from l2l.windows.codebook import FRAMES, GROUPS
from l2l.windows.predictor import SPEAKER_AUDIO, SPEAKER_FRAMES
from l2l.windows.sampling import decode, futures
from l2l.windows.train_codebook import prepare_codebook
from l2l.windows.train_predictor import prepare_predictor

SHARE = {"released": 0.6, "modern": 0.3}  # of the budget that the codebook gets
VALIDATION = 0.1  # share of the training recordings
LOOKS = 12  # at the validation loss in one training
STRENGTHS = np.array([1.0, 1.5, 2.0, 2.5, 3.0])  # of guidance that are tried on the validation recordings
LEARNING_RATE = 4e-4  # of the released model: its own schedule rises over 100,000 steps


class Trained(ABC):
    """A trained pair, as the benchmark uses it."""

    def __init__(self, spent: dict[str, Any]) -> None:
        self.spent = spent

    @abstractmethod
    def sample(self, speakers: list[Speaker], samples: int) -> np.ndarray:
        """(S, N, T, 56) raw listeners to whole recordings, from nothing."""

    @abstractmethod
    def reconstruct(self, motion: np.ndarray) -> tuple[np.ndarray, list[np.ndarray], int]:
        """Raw motion (N, T, 56) through the codebook, counts (K,) of each level's codes, and K."""

    @abstractmethod
    def likelihoods(self, speaker: Speaker, truth: np.ndarray, shifts: tuple[int, ...]) -> tuple[list[float], float]:
        """Nats per frame of the true codes with the speaker shifted by each of `shifts`, and without a speaker."""


def steps_within(prepare: Callable[[], Any], seconds: float, progress: float = 0.5) -> int:
    """How many steps of a run fit into so many CPU-seconds, its looks at the validation loss included."""
    run = prepare()
    task, generator = run.task, torch.Generator().manual_seed(0)
    rows = task.train[: task.sizes.training.batch_size]
    task.progress = progress
    task.model.train()
    costs = []
    for _ in range(6):
        start = time.process_time()
        run.optimizer.zero_grad(set_to_none=True)
        task.loss(rows, generator).backward()
        run.optimizer.step()
        costs.append(time.process_time() - start)
    task.model.eval()
    start = time.process_time()
    with torch.no_grad():
        task.validate()
    look = time.process_time() - start
    return max(LOOKS, int((seconds - LOOKS * look) / np.mean(costs[1:])))


def trained(
    folder: Path, row: str, budget: float, settings: Settings, prepare: tuple, load: Callable
) -> dict[str, Any]:
    """Train both models of a row into `folder`/`row`, unless they are there; steps and CPU-seconds of both."""
    own, data = folder / row, folder / "data"
    paths = own / "codebook.pt", own / "predictor.pt"
    report = own / "training.json"
    spent: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {"steps": [], "cpu_seconds": []}
    shares = SHARE[row], 1 - SHARE[row]
    for k, section in enumerate(("codebook", "predictor")):
        if paths[k].exists() and len(spent["steps"]) > k:
            continue

        def run(k: int = k) -> Any:
            chunks = load_training_chunks(data, "left", ("listener", "speaker", "audio"))
            return prepare[k](chunks, settings) if k == 0 else prepare[k](chunks, *load(paths[0])[:2], settings)

        steps = steps_within(run, shares[k] * budget)
        limits = {"max_steps": steps, "validate_every": -(-steps // LOOKS), "warmup_steps": min(50, steps // 8)}
        changed: dict[str, Any] = {section: {"training": limits}}
        if settings.architecture == "windows":
            changed = {"windows": changed}
        now = Settings.model_validate(config.merge(settings.model_dump(), changed))
        start = time.process_time()
        board = own / "tensorboard" / section
        if k == 0:
            train_codebook(data, "left", now, paths[k], board)
        else:
            train_predictor(data, paths[0], "left", now, paths[k], board)
        spent = {
            "steps": [*spent["steps"][:k], steps],
            "cpu_seconds": [*spent["cpu_seconds"][:k], time.process_time() - start],
        }
        save_json(report, spent)
    return spent


class Modern(Trained):
    """Patches."""

    def __init__(self, spent: dict[str, Any], folder: Path) -> None:
        super().__init__(spent)
        self.models = load_patch_models(folder / "codebook.pt", folder / "predictor.pt")

    def _sound(self, speaker: Speaker) -> np.ndarray:
        return frame_sound(speaker.audio, self.models.power)

    def sample(self, speakers: list[Speaker], samples: int) -> np.ndarray:
        faces = np.stack([speaker.motion for speaker in speakers])
        sound = np.stack([self._sound(speaker) for speaker in speakers])
        found = [
            sample_sequences(self.models, faces, sound, [(0, s, n) for n in range(len(speakers))]).motion
            for s in range(samples)
        ]
        return np.stack(found)

    def reconstruct(self, motion: np.ndarray) -> tuple[np.ndarray, list[np.ndarray], int]:
        codebook = self.models.codebook
        codes = codebook.encode(torch.from_numpy(self.models.listener.apply(motion)))  # (N, P, Q)
        counts = [np.bincount(level.flatten(), minlength=codebook.codes) for level in codes.unbind(-1)]
        return self.models.listener.undo(codebook.decode(codes).numpy()), counts, codebook.codes

    @torch.inference_mode()
    def likelihoods(self, speaker: Speaker, truth: np.ndarray, shifts: tuple[int, ...]) -> tuple[list[float], float]:
        models = self.models
        codes = models.codebook.encode(torch.from_numpy(models.listener.apply(truth))[None])  # (1, P, Q)
        past = F.pad(codes[:, :-1], (0, 0, 1, 0), value=models.predictor.unknown)
        faces = torch.from_numpy(models.speaker.apply(speaker.motion))
        sound = torch.from_numpy(models.audio.apply(self._sound(speaker)))

        def of(shift: int, without_speaker: bool) -> float:
            inputs = faces.roll(shift, 0)[None], sound.roll(shift, 0)[None]
            logits = models.predictor(past, *inputs, codes, torch.tensor([without_speaker]))
            return float(nats(logits, codes).sum(-1).mean()) / PATCH

        return [of(shift, False) for shift in shifts], of(0, True)


def modern(folder: Path, budget: float) -> Modern:
    """Trained, with its guidance chosen on the validation recordings."""
    training = {"training": {"validation_share": VALIDATION}}
    settings = Settings.model_validate(
        config.merge(Settings().model_dump(), {"codebook": training, "predictor": training})
    )
    spent = trained(
        folder,
        "modern",
        budget,
        settings,
        (prepare_patch_codebook, prepare_patch_predictor),
        load_patch_codebook,
    )
    own = folder / "modern"
    if "guidance" not in spent:
        spent["guidance"] = choose_guidance(own, folder / "data", settings)
        save_json(own / "training.json", spent)
    return Modern(spent, own)


def choose_guidance(own: Path, data: Path, settings: Settings) -> list[float]:
    """Strengths at which samples on the validation recordings answer pauses and smiles as often as the truth does.

    Pose first, then expression, which is drawn after it; between the strengths tried, a straight line. Then the model
    is calibrated for them, which changes the rates a little, and all once more.
    """
    chunks = load_training_chunks(data, "left", ("listener", "speaker", "audio"))
    share = settings.predictor.training.validation_share
    _, held = split_by_video(chunks, share, settings.seed)
    numbers = [int(name.removeprefix("train")) for name in np.unique(chunks.videos[held])]
    frames = len(chunks.files[chunks.videos == chunks.videos[0]]) * 32 + 32
    speakers = [speak(0, number, frames / FPS) for number in numbers]
    truths = [listen(0, number, speaker) for number, speaker in zip(numbers, speakers, strict=True)]

    def rates(motions: list[np.ndarray]) -> np.ndarray:
        found = [answered(m, s) for m, s in zip(motions, speakers, strict=True)]
        return np.array([np.concatenate([f[k] for f in found]).mean() for k in (0, 2)])

    codebook, listener, _ = load_patch_codebook(own / "codebook.pt")
    run = prepare_patch_predictor(chunks, codebook, listener, settings)
    run.task.model.load_state_dict(read_checkpoint(own / "predictor.pt", "predictor", "patches")["state_dict"])
    sizes = settings.predictor
    wanted, strengths = rates(truths), [sizes.pose_guidance, sizes.expression_guidance]
    for _ in range(2):  # calibration changes the rates a little
        for k in range(2):
            got = []
            for strength in STRENGTHS:
                tried = [float(strength) if k == n else strengths[n] for n in range(2)]
                set_guidance(own / "predictor.pt", (tried[0], tried[1]))
                samples = Modern({}, own).sample(speakers, 4)
                got.append(np.mean([rates(list(sample))[k] for sample in samples]))
            strengths[k] = round(float(np.interp(wanted[k], np.maximum.accumulate(got), STRENGTHS)), 2)
            about = f"wanted {wanted[k]:.3f}, got {np.round(got, 3)} at {STRENGTHS}: {strengths[k]}"
            print(f"guidance {k}: {about}", flush=True)
        chosen = strengths[0], strengths[1]
        calibrate(run.task, chosen, sizes.calibration_rounds, settings.seed)
        set_guidance(own / "predictor.pt", chosen, run.task.model.state_dict())
    return strengths


class Released(Trained):
    """Windows, sampled as released."""

    def __init__(self, spent: dict[str, Any], folder: Path, settings: Settings) -> None:
        super().__init__(spent)
        self.pair, self.settings = load_pair(folder / "codebook.pt", folder / "predictor.pt"), settings

    @staticmethod
    def windows(speaker: Speaker, truth: np.ndarray | None = None) -> Chunks:
        """Windows whose second halves tile the recording; before its start, its first frame stands still."""

        def cut(array: np.ndarray, per_frame: int) -> np.ndarray:
            half = FRAMES * per_frame
            padded = np.concatenate([np.repeat(array[:1], half, axis=0), array])
            return np.stack([padded[s : s + 2 * half] for s in range(0, len(array), half)])

        faces = cut(np.pad(speaker.motion, ((0, 0), (0, FACE_DIM - speaker.motion.shape[1]))), 1)
        own = faces if truth is None else cut(np.pad(truth, ((0, 0), (0, FACE_DIM - truth.shape[1]))), 1)
        return Chunks(own, faces, cut(speaker.audio, AUDIO_PER_FRAME), np.zeros((len(faces), 64, 3), "U1"))

    def sample(self, speakers: list[Speaker], samples: int) -> np.ndarray:
        sampling = self.settings.sampling.model_copy(update={"samples": samples})
        generator = torch.Generator().manual_seed(0)
        found = []
        for speaker in speakers:
            chunks, device = self.windows(speaker), torch.device("cpu")
            codes, _ = futures(self.pair, chunks, slice(0, len(chunks)), sampling, generator, device)
            found.append(decode(self.pair, codes, device).reshape(samples, -1, 56))  # (S, T, 56)
        return np.stack(found, axis=1)

    def _codes(self, motion: np.ndarray) -> Tensor:
        """Raw (T, 56) -> codes (T / 32, 4)."""
        standardized = self.pair.listener.apply(motion[None])[0]
        return self.pair.codebook.encode(torch.from_numpy(standardized).reshape(-1, FRAMES, motion.shape[-1]))

    def reconstruct(self, motion: np.ndarray) -> tuple[np.ndarray, list[np.ndarray], int]:
        size = self.pair.codebook.quantize.embedding.num_embeddings
        codes = torch.stack([self._codes(one) for one in motion])  # (N, T / 32, 4)
        decoded = decode(self.pair, codes, torch.device("cpu")).reshape(motion.shape)
        return decoded, [np.bincount(codes.flatten(), minlength=size)], size

    @torch.inference_mode()
    def likelihoods(self, speaker: Speaker, truth: np.ndarray, shifts: tuple[int, ...]) -> tuple[list[float], float]:
        codes = self._codes(truth)
        found = []
        for shift in shifts:
            moved = Speaker(
                np.roll(speaker.motion, shift, 0),
                np.roll(speaker.audio, 4 * shift, 0),
                speaker.pauses,
                speaker.smiles,
                speaker.smile,
            )
            chunks = self.windows(moved)
            faces = torch.from_numpy(self.pair.speaker.apply(chunks.speaker[1:, :, :56]))[:, :SPEAKER_FRAMES]
            audio = torch.from_numpy(self.pair.audio.apply(chunks.audio[1:, :SPEAKER_AUDIO]))
            logits = self.pair.predictor(codes[:-1], faces, audio, GROUPS)[:, :GROUPS]
            loss = F.cross_entropy(logits.flatten(0, 1), codes[1:].flatten())
            found.append(float(loss) * GROUPS / FRAMES)
        return found, float("inf")


def released(folder: Path, budget: float) -> Released:
    """Trained with its own switches, but for the learning rate, its schedule and the choice of the best codebook.

    By its own rule that would be the first one looked at: the quantizer's loss only grows in a training this short.
    """
    training = {
        "learning_rate": LEARNING_RATE,
        "warmup_steps": 1,
        "max_epochs": 0,
        "schedule": "cosine",
        "validation_share": VALIDATION,
    }
    windows = {"codebook": {"training": training, "best": "reconstruction"}, "predictor": {"training": training}}
    settings = Settings.model_validate(config.merge(config.preset("released"), {"windows": windows}))
    spent = trained(
        folder,
        "released",
        budget,
        settings,
        (prepare_codebook, prepare_predictor),
        load_codebook,
    )
    return Released(spent, folder / "released", settings)
