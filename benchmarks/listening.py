"""How fast listeners are: a live step, and sampling offline beside the released architecture. One thread.

    python -m benchmarks.listening                                  # models of the default sizes, not trained
    python -m benchmarks.listening --results results/quality/answers/180/0 # trained ones

A step is 8 frames: real time is 267 ms. Wall-clock times need an idle core; the CPU time of the process is printed
beside them, which does not count the time that other programs take.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.dyads import speak
from l2l import config
from l2l.config import Settings
from l2l.dataset.layout import Chunks
from l2l.features.sound import frame_sound
from l2l.features.speaker import SpeakerFeatures, loudness
from l2l.features.standardize import Standardizer
from l2l.patches.checkpoint import Models as PatchModels
from l2l.patches.checkpoint import load_models as load_patch_models
from l2l.patches.codebook import Codebook as PatchCodebook
from l2l.patches.length import predictor_sizes
from l2l.patches.live import Listener
from l2l.patches.predictor import Predictor as PatchPredictor
from l2l.patches.stream import sample_sequences
from l2l.windows.checkpoint import Pair
from l2l.windows.codebook import Codebook
from l2l.windows.predictor import Predictor
from l2l.windows.sampling import decode, futures

STEPS, BATCH = 600, 100


def unit(channels: int) -> Standardizer:
    return Standardizer(np.zeros(channels, np.float32), np.ones(channels, np.float32))


def untrained() -> PatchModels:
    """Models of patches of the sizes for hours of recordings."""
    settings = Settings()
    codebook = PatchCodebook(settings.codebook).eval().requires_grad_(False)
    predictor = PatchPredictor(predictor_sizes(settings.predictor, minutes=180), codebook)
    speaker = speak(0, 0, 60.0)
    loud = loudness(frame_sound(speaker.audio, power=True))
    predictor.features = SpeakerFeatures.fit(lambda: [(speaker.motion, loud, np.ones(len(loud), bool))])
    return PatchModels(codebook, predictor.eval().requires_grad_(False), unit(56), True, ())


def clocked(call: Callable[[], object]) -> tuple[float, float]:
    """Wall-clock and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def steps(models: PatchModels, count: int | None) -> None:
    """One line: times of `STEPS` live steps."""
    speaker = speak(0, 0, 60.0)
    lead = () if count is None else (count,)
    faces = np.broadcast_to(speaker.motion[: 8 * 200], (*lead, 1600, 56))
    rows = np.broadcast_to(speaker.audio[: 32 * 200], (*lead, 6400, 128))
    listener = Listener(models, 0, count)
    found = []
    for t in range(STEPS + 50):
        k = t % 200
        patch = faces[..., 8 * k : 8 * k + 8, :], rows[..., 32 * k : 32 * k + 32, :]
        found.append(clocked(lambda patch=patch: listener.step(*patch)))
    for name, times in zip(("wall", "CPU"), 1000 * np.array(found[50:]).T, strict=True):
        median, high = np.quantile(times, [0.5, 0.99])
        print(f"step, {count or 1:>2} listener(s), {name:4}: median {median:6.1f} ms, 99 % {high:6.1f} ms", flush=True)


def throughput(models: PatchModels) -> None:
    """Sequences of 32 frames per second, batches of 100, both architectures in turn."""
    speaker = speak(0, 0, 10.0)
    faces, audio = speaker.motion[:64], speaker.audio[:256]
    sound = np.repeat(frame_sound(audio[None, :128], models.power), BATCH, axis=0)
    patches = np.repeat(faces[None, :32], BATCH, axis=0)
    released = Settings.model_validate(config.preset("released"))
    pair = Pair(
        Codebook(released.windows.codebook).eval().requires_grad_(False),
        Predictor(released.windows.predictor, released.windows.codebook.codes).eval().requires_grad_(False),
        *(unit(channels) for channels in (56, 56, 128)),
    )
    whole = np.zeros((BATCH, 64, 184), np.float32)
    whole[..., :56] = faces
    chunks = Chunks(whole, whole, np.repeat(audio[None], BATCH, axis=0), np.zeros((BATCH, 64, 3), "U1"))
    sampling = released.sampling.model_copy(update={"samples": 1})

    def old() -> None:
        generator = torch.Generator().manual_seed(0)
        codes, _ = futures(pair, chunks, slice(0, BATCH), sampling, generator, torch.device("cpu"))
        decode(pair, codes, torch.device("cpu"))

    def new() -> None:
        sample_sequences(models, patches, sound, [(0, n) for n in range(BATCH)])

    new(), old()
    times = {
        "modern": np.array([clocked(new) for _ in range(20)]),
        "released": np.array([clocked(old) for _ in range(2)]),
    }
    for row, found in times.items():
        wall, cpu = BATCH / found.mean(0)
        print(f"sampling, {row:8}: {wall:7.1f} sequences of 32 frames per second, {cpu:7.1f} per CPU-second")
    ratio = times["released"].mean(0) / times["modern"].mean(0)
    print(f"sampling, modern over released: {ratio[0]:.0f} (wall), {ratio[1]:.0f} (CPU)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=None, help="folder with codebook.pt and predictor.pt")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.results:
        models = load_patch_models(args.results / "codebook.pt", args.results / "predictor.pt")
    else:
        models = untrained()
    steps(models, None)
    steps(models, 16)
    throughput(models)


if __name__ == "__main__":
    main()
