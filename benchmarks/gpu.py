"""What a GPU makes of every step that has a network: one Markdown table, in less than 20 minutes.

    python -m benchmarks.gpu > gpu.md
    python -m benchmarks.gpu --device cpu --seconds 2      # the same on this machine's cores
    python -m benchmarks.gpu --person 60                   # the paper's models trained, beside plain code

- Training: whole steps of the loop (forward, backward, clipping, optimizer) of both models of both architectures, on
  made-up windows in the published layout, at the default batch and larger ones. A step of the default models sees crops
  of conversations, so sequences per second are those; of architecture windows they are windows of 64 frames.
  `plain`: Python starts each kernel; `replayed`: `l2l.training.steps`; `compiled`: windows' layers, and replayed.
- `--person` trains the models of architecture windows on made-up windows for so many seconds, as fast as can be, and
  plainly in float32 for twice as long: the schedule is as long as the steps that fit. Validation losses are compared.
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
from l2l.training.loop import fit
from l2l.training.ranks import Ranks
from l2l.training.run import Run
from l2l.training.steps import Steps
from l2l.units import AUDIO_PER_FRAME, MEL_BANDS, MODEL_DIM, PATCH
from l2l.windows import train_codebook as window_codebook
from l2l.windows import train_predictor as window_predictor
from l2l.windows.compiler import compile_layers

FRAMES = 63  # that Multisensory watches at a time, 2.1 s
WARM = {"cuda": 24, "cpu": 3}  # calls before the clock starts; then steps of all kinds have been recorded
AT_ONCE = {"cuda": 5, "cpu": 1}  # calls that the device may queue, as in the loop
PROFILED = 5  # calls under the profiler
LOOKS = 12  # at the validation loss of a whole training


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


def measured(case: Case, device: torch.device, seconds: float) -> tuple[float, int]:
    """Seconds of a call, and MB that torch holds on the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    with multiplying(case.precision):
        for _ in range(WARM[device.type]):
            case.call()
        synchronize(device)
        count, start = 0, time.perf_counter()
        while (took := time.perf_counter() - start) < seconds or not count:
            for _ in range(AT_ONCE[device.type]):
                case.call()
            synchronize(device)
            count += AT_ONCE[device.type]
    return took / count, torch.cuda.max_memory_reserved(device) // 2**20 if device.type == "cuda" else 0


def line(case: Case, device: torch.device, seconds: float) -> str:
    """One row of the table."""
    about = f"| {case.name} | {case.batch} | {case.precision}"
    try:
        spent, memory = measured(case, device, seconds)
        with multiplying(case.precision):
            waits = waiting(case.call, device)
        speed = f"{case.batch / spent:.0f} {case.unit}/s"
        return f"{about} | {speed} | {1000 * spent:.2f} | {memory or '-'} | {waits} |"
    except RuntimeError as error:  # too large for the device, or an operation that this precision lacks
        return f"{about} | {str(error).splitlines()[0][:80].replace('|', '/')} | | | |"


def trained(name: str, run: Run, batch: int, precision: Precision = "float32", replay: bool = True) -> Case:
    """Steps of a training, as the loop does them. Several cases may be made of one run, one after another."""
    task, generator, random = run.task, torch.Generator().manual_seed(0), np.random.default_rng(0)
    task.progress = 0.5  # the quantizer has come in
    steps: list[Steps] = []

    def step() -> None:
        if not steps:  # its turn has come
            task.through = casting(task.model, precision, next(task.model.parameters()).device)
            steps.append(Steps(task, run.optimizer, 1.0, Ranks(), replay))
        task.model.train()
        with steps[0].on_stream():
            steps[0](task.batch(random.choice(task.train, batch), generator))

    return Case(f"train {name}", "sequences", batch, step, precision)


def settings_on(device: torch.device, changes: dict[str, Any]) -> Settings:
    training = {"training": {"device": device.type}}
    both = {"codebook": training, "predictor": training}
    return Settings.model_validate(merge(both | {"windows": both}, changes))


def trainings(data: Chunks, settings: Settings, batches: list[int], precisions: Sequence[Precision]) -> Iterator[Case]:
    """Both models of both architectures."""
    for name, codebooks, predictors in (
        ("patches", patch_codebook, patch_predictor),
        ("windows", window_codebook, window_predictor),
    ):
        first = codebooks.prepare_codebook(data, settings)
        yield from ways(f"codebook of {name}", first, batches, precisions)
        codebook = first.task.model.eval().requires_grad_(False)
        second = predictors.prepare_predictor(data, codebook, first.standardizers["listener"], settings)
        yield from ways(f"predictor of {name}", second, batches, precisions)


def ways(name: str, run: Run, batches: list[int], precisions: Sequence[Precision]) -> Iterator[Case]:
    """Of training one model."""
    if next(run.task.model.parameters()).device.type != "cuda":
        yield from (trained(name, run, *kind) for kind in product(batches, precisions))
        return
    for batch in batches:
        yield trained(f"{name}, plain", run, batch, "float32", replay=False)
        yield from (trained(f"{name}, replayed", run, batch, precision) for precision in precisions)
    if "windows" in name:
        compile_layers(run.task.model)
        yield from (trained(f"{name}, compiled", run, batch, precisions[-1]) for batch in batches)


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


def about(device: torch.device) -> str:
    """Where and how a table was made."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} CPU threads"
    command = " ".join(["python -m benchmarks.gpu", *sys.argv[1:]])
    return f"{name}, torch {torch.__version__}, {time.strftime('%Y-%m-%d')}, `{command}`"


def table(
    device: torch.device, windows: int, batches: list[int], seconds: float, changes: dict[str, Any]
) -> Iterator[str]:
    """The lines of the table."""
    yield "| step | batch | precision | speed | ms a call | MB | device waits |"
    yield "|---|---|---|---|---|---|---|"
    for case in cases(device, windows, batches, changes):
        yield line(case, device, seconds)


def person(device: torch.device, windows: int, seconds: float, changes: dict[str, Any]) -> Iterator[str]:
    """Lines of a table: how far the models of architecture windows come, quickly and plainly."""
    yield "| model | way | steps of 32 windows | seconds | validation loss |"
    yield "|---|---|---|---|---|"
    settings, precision = settings_on(device, changes), available("bf16", device)
    with tempfile.TemporaryDirectory() as folder:
        write_people(Path(folder), "train", windows, max(windows // 20, 5))
        data = load_chunks(Path(folder), "train", "left")

        def codebook() -> Run:
            return window_codebook.prepare_codebook(data, settings)

        def predictor() -> Run:
            return window_predictor.prepare_predictor(data, model, standardizer, settings)

        def ended(prepare: Callable[[], Run], precision: Precision, replay: bool, limit: float) -> tuple[str, Run]:
            case = trained("", prepare(), 32, precision, replay)
            spent = measured(case, device, limit / 20)[0]
            run = prepare()
            steps = max(LOOKS, int(limit / spent))
            how: dict[str, Any] = {
                "max_steps": steps,
                "validate_every": steps // LOOKS,
                "warmup_steps": min(200, steps // 8),
            }
            how |= {"patience": 0, "precision": precision, "replay": replay}
            start = time.perf_counter()
            state = fit(run.task, run.optimizer, run.training.model_copy(update=how), 0, Path(folder) / "curves")
            run.task.model.load_state_dict(state.best_weights)
            return f"{steps} | {time.perf_counter() - start:.0f} | {state.best_loss:.4f}", run

        for name, prepare in (("codebook", codebook), ("predictor", predictor)):
            text, run = ended(prepare, precision, True, seconds)
            yield f"| {name} | replayed, {precision} | {text} |"
            yield f"| {name} | plain, float32 | {ended(prepare, 'float32', False, 2 * seconds)[0]} |"
            if name == "codebook":
                model, standardizer = run.task.model.eval().requires_grad_(False), run.standardizers["listener"]


def main(changes: dict[str, Any] | None = None) -> None:
    """`changes` to the settings of the models: for tests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--batches", type=int, nargs="+", default=[32, 256, 1024])
    parser.add_argument("--windows", type=int, default=8700, help="of made-up data; one person has about 8,700")
    parser.add_argument("--person", type=float, metavar="SECONDS", help="train models of windows for so long instead")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each line of the table")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch finds no GPU; --device cpu measures the same on this machine's cores.")
    device, changes = torch.device(args.device), changes or {}
    print(about(device) + "\n", flush=True)
    if args.person:
        found = person(device, args.windows, args.person, changes)
    else:
        found = table(device, args.windows, args.batches, args.seconds, changes)
    for text in found:
        print(text, flush=True)


if __name__ == "__main__":
    main()
