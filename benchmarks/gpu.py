"""What a GPU makes of every step that has a network: one Markdown table, in less than 20 minutes.

    python -m benchmarks.gpu > gpu.md
    python -m benchmarks.gpu --device cpu --seconds 2      # the same on this machine's cores

- Training: whole steps of the loop (forward, backward, clipping, optimizer) of both models of both architectures, on
  made-up windows in the published layout, at the default batch and larger ones. A step of the default models sees crops
  of conversations, so sequences per second are those; of architecture windows they are windows of 64 frames.
- Sampling: patches of listeners that go on together, for all 8 frames of each.
- The networks of DECA, SyncNet, Light-ASD and Multisensory, with random weights, on pictures that lie on the device:
  what decoding and cropping leave to the network is not in these numbers.
- Precision: `training.precision` of the settings (`l2l/precision.py`). Only training has bf16, tf32 needs a GPU. A step
  that does not fit or does not run in one of them says so in its line.
- `device waits`: the share of the time in which no kernel runs, of a few calls under torch's profiler, which makes
  the processor a little slower.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from benchmarks.evaluate import write_people
from l2l.config import Settings, merge
from l2l.config.section import Precision
from l2l.dataset.layout import Chunks, load_chunks
from l2l.faces.deca_nets import PARAMETERS
from l2l.faces.deca_nets import Encoder as DecaEncoder
from l2l.patches import train_codebook as patch_codebook
from l2l.patches import train_predictor as patch_predictor
from l2l.patches.checkpoint import Models
from l2l.patches.stream import Stream
from l2l.precision import available, casting, multiplying
from l2l.speech.light_asd import LightAsd
from l2l.speech.multisensory.network import Multisensory
from l2l.speech.syncnet import SyncNet
from l2l.training.run import Run
from l2l.units import AUDIO_PER_FRAME, MEL_BANDS, MODEL_DIM, PATCH
from l2l.windows import train_codebook as window_codebook
from l2l.windows import train_predictor as window_predictor

FRAMES = 63  # that Multisensory watches at a time, 2.1 s
WARM, PROFILED = 3, 5  # calls before the clock starts, and calls under the profiler


class Case(NamedTuple):
    """Something to do again and again."""

    name: str
    unit: str
    batch: int  # units of one call
    call: Callable[[], object]
    precision: Precision = "float32"


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def waiting(call: Callable[[], object], device: torch.device) -> str:
    """The share of the time in which the device has nothing to do."""
    if device.type != "cuda":
        return "-"
    with profile(activities=[ProfilerActivity.CUDA]) as found:
        start = time.perf_counter()
        for _ in range(PROFILED):
            call()
        synchronize(device)
        wall = time.perf_counter() - start
    busy = sum(event.self_device_time_total for event in found.key_averages()) / 1e6
    return f"{max(0.0, 1 - busy / wall):.0%}"


def line(case: Case, device: torch.device, seconds: float) -> str:
    """One row of the table."""
    about = f"| {case.name} | {case.batch} | {case.precision}"
    try:
        with multiplying(case.precision):
            for _ in range(WARM):
                case.call()
            synchronize(device)
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(device)
            count, start = 0, time.perf_counter()
            while (took := time.perf_counter() - start) < seconds or not count:
                case.call()
                synchronize(device)
                count += 1
            memory = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0
            waits = waiting(case.call, device)
        shown = f"{memory:.0f}" if memory else "-"
        return (
            f"{about} | {count * case.batch / took:.0f} {case.unit}/s | {1000 * took / count:.2f} | {shown} | {waits} |"
        )
    except RuntimeError as error:  # too large for the device, or an operation that this precision lacks
        return f"{about} | {str(error).splitlines()[0][:80].replace('|', '/')} | | | |"


def trained(name: str, run: Run, batch: int, precision: Precision = "float32") -> Case:
    """Steps of a training, as the loop does them."""
    task, generator, random = run.task, torch.Generator().manual_seed(0), np.random.default_rng(0)
    task.progress = 0.5  # the quantizer has come in
    task.model.train()
    device = next(task.model.parameters()).device

    def step() -> None:
        task.through = casting(task.model, precision, device)
        run.optimizer.zero_grad(set_to_none=True)
        task.loss(random.choice(task.train, batch), generator).backward()
        nn.utils.clip_grad_norm_(task.model.parameters(), 1.0)
        run.optimizer.step()

    return Case(f"train {name}", "sequences", batch, step, precision)


def settings_on(device: torch.device, changes: dict[str, Any]) -> Settings:
    training = {"training": {"device": device.type}}
    both = {"codebook": training, "predictor": training}
    return Settings.model_validate(merge(both | {"windows": both}, changes))


def trainings(data: Chunks, settings: Settings, batches: list[int], precisions: Sequence[Precision]) -> Iterator[Case]:
    """Both models of both architectures."""
    kinds = list(product(batches, precisions))
    for name, codebooks, predictors in (
        ("patches", patch_codebook, patch_predictor),
        ("windows", window_codebook, window_predictor),
    ):
        first = codebooks.prepare_codebook(data, settings)
        yield from (trained(f"codebook of {name}", first, *kind) for kind in kinds)
        codebook = first.task.model.eval().requires_grad_(False)
        second = predictors.prepare_predictor(data, codebook, first.standardizers["listener"], settings)
        yield from (trained(f"predictor of {name}", second, *kind) for kind in kinds)


def sampled(data: Chunks, settings: Settings, device: torch.device, batches: list[int]) -> Iterator[Case]:
    """Patches of listeners."""
    first = patch_codebook.prepare_codebook(data, settings)
    codebook, listener = first.task.model.eval().requires_grad_(False), first.standardizers["listener"]
    predictor = patch_predictor.prepare_predictor(data, codebook, listener, settings).task.model.eval()
    models = Models(codebook, predictor.requires_grad_(False), listener, True, ()).to(device)
    for batch in batches:
        stream = Stream(models, [(0, number) for number in range(batch)])
        faces = np.zeros((batch, PATCH, MODEL_DIM), np.float32)
        rows = np.zeros((batch, PATCH * AUDIO_PER_FRAME, MEL_BANDS), np.float32)

        def step(stream: Stream = stream, faces: np.ndarray = faces, rows: np.ndarray = rows) -> None:
            stream.step(faces, rows)

        yield Case("sample patches", "patches", batch, step)


def networks(device: torch.device, batches: list[int]) -> Iterator[Case]:
    """Networks that look and hear."""
    torch.manual_seed(0)
    deca, syncnet, light_asd, multisensory = DecaEncoder(PARAMETERS), SyncNet(), LightAsd(), Multisensory()
    for variable in multisensory.variables.values():
        nn.init.uniform_(variable, 0.001, 0.01)
    for network in (deca, syncnet, light_asd, multisensory):
        network.to(device).eval().requires_grad_(False)
    for batch in batches:
        crops = torch.rand(batch, 3, 224, 224, device=device)
        yield Case("DECA, one encoder", "faces", batch, lambda crops=crops: deca(crops))
        lips = torch.rand(batch, 3, 5, 224, 224, device=device)
        yield Case("SyncNet, lips", "windows", batch, lambda lips=lips: syncnet.lips(lips))
        faces = torch.rand(1, batch, 112, 112, device=device)
        yield Case("Light-ASD, faces", "frames", batch, lambda faces=faces: light_asd.see(faces))
    pictures = torch.randint(0, 255, (1, FRAMES, 224, 224, 3), dtype=torch.uint8, device=device)
    sound = torch.rand(1, 2, FRAMES * 44144 // 63, device=device)
    yield Case(f"Multisensory, watching {FRAMES} frames", "frames", FRAMES, lambda: multisensory.watch(pictures, sound))


def cases(device: torch.device, windows: int, batches: list[int], changes: dict[str, Any]) -> Iterator[Case]:
    """All of them, one after another: a model is made when its turn comes."""
    settings = settings_on(device, changes)
    with tempfile.TemporaryDirectory() as folder:
        write_people(Path(folder), "train", windows, max(windows // 20, 5))
        data = load_chunks(Path(folder), "train", "left")
        precisions: list[Precision] = ["float32"] + ["tf32"] * (device.type == "cuda")
        with_bf16: list[Precision] = precisions + ["bf16"] * (available("bf16", device) == "bf16")
        yield from trainings(data, settings, batches, with_bf16)
        for case in chain(sampled(data, settings, device, batches), networks(device, batches)):
            yield from (case._replace(precision=precision) for precision in precisions)


def table(
    device: torch.device, windows: int, batches: list[int], seconds: float, changes: dict[str, Any]
) -> Iterator[str]:
    """The lines of the table."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} CPU threads"
    command = " ".join(["python -m benchmarks.gpu", *sys.argv[1:]])
    yield f"{name}, torch {torch.__version__}, {time.strftime('%Y-%m-%d')}, `{command}`"
    yield ""
    yield "| step | batch | precision | speed | ms a call | MB | device waits |"
    yield "|---|---|---|---|---|---|---|"
    for case in cases(device, windows, batches, changes):
        yield line(case, device, seconds)


def main(changes: dict[str, Any] | None = None) -> None:
    """`changes` to the settings of the models: for tests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--batches", type=int, nargs="+", default=[32, 256, 1024])
    parser.add_argument("--windows", type=int, default=8700, help="of made-up data; one person has about 8,700")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each line of the table")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch finds no GPU; --device cpu measures the same on this machine's cores.")
    for text in table(torch.device(args.device), args.windows, args.batches, args.seconds, changes or {}):
        print(text, flush=True)


if __name__ == "__main__":
    main()
