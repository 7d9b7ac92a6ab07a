"""How long, and in how much memory, a test set becomes eval.json: all rows, all metrics, the model asked again.

    python -m benchmarks.evaluate                            # 1,000 windows, 10 samples, 50 recordings
    python -m benchmarks.evaluate --windows 5000 --threads 4
    python -m benchmarks.evaluate --windows 500 1000 2000    # and how it grows

People and models are random: nothing is trained, and every step costs what it costs on real ones. The models have the
default sizes. Evaluates twice, each in a process of its own, and compares the two files byte for byte.
The goal: below 30 s and 1 GB for 1,000 windows on 2 cores.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from benchmarks.cost import exponent, l2l
from l2l.config import Settings
from l2l.dataset.layout import WINDOW, chunk_paths
from l2l.features.standardize import Standardizer
from l2l.files import save_npz
from l2l.patches.codebook import Codebook as PatchCodebook
from l2l.patches.length import predictor_sizes
from l2l.patches.predictor import Predictor as PatchPredictor
from l2l.training.checkpoint import fingerprint, save_checkpoint


def write_people(folder: Path, split: str, windows: int, recordings: int) -> None:
    """Random walks in the published layout."""
    rng = np.random.default_rng([len(split), windows])
    number = np.arange(windows) * recordings // windows
    first = 64 * (np.arange(windows) - np.searchsorted(number, number))
    files = np.empty((windows, WINDOW, 3), "<U8")
    files[..., 0], files[..., 1] = np.char.add("r", number.astype(str))[:, None], "left"
    files[..., 2] = (first[:, None] + np.arange(WINDOW)).astype(str)
    for part, path in chunk_paths(folder, split, "left").items():  # type: ignore[arg-type]
        path.parent.mkdir(parents=True, exist_ok=True)
        if part == "files":
            np.save(path, files)
        elif part == "audio":
            np.save(path, rng.random((windows, 4 * WINDOW, 128), np.float32))
        else:
            np.save(path, 0.05 * rng.standard_normal((windows, WINDOW, 184), np.float32).cumsum(1))


def write_models(folder: Path, settings: Settings) -> None:
    """Untrained models, whose codes lie anywhere."""
    torch.manual_seed(0)
    codebook = PatchCodebook(settings.codebook)
    for codec in (codebook.pose, codebook.expression):
        for level in codec.quantizer.layers:
            torch.nn.init.normal_(level._codebook.embed)
    sizes = predictor_sizes(settings.predictor, minutes=180)
    predictor = PatchPredictor(sizes, codebook)
    predictor.get_buffer("speaker_scale").fill_(1)
    unit = {n: Standardizer(np.zeros(n, np.float32), np.ones(n, np.float32)) for n in (56, 128)}
    save_checkpoint(
        folder / "codebook.pt",
        {"listener": unit[56]},
        kind="codebook",
        architecture="patches",
        config=settings.codebook.model_dump(),
        state_dict=dict(codebook.state_dict()),
    )
    save_checkpoint(
        folder / "predictor.pt",
        {},
        kind="predictor",
        architecture="patches",
        config=sizes.model_dump(),
        power=True,
        people=[],
        codebook_fingerprint=fingerprint(codebook.state_dict()),
        state_dict=dict(predictor.state_dict()),
    )


def measured(windows: int, samples: int, recordings: int, threads: int) -> float:
    """CPU-seconds of an evaluation; prints what it costs, twice."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_people(folder, "train", windows, recordings)
        write_people(folder, "test", windows, recordings)
        write_models(folder, Settings())
        rng = np.random.default_rng(0)
        drawn = 0.05 * rng.standard_normal((samples, windows, WINDOW, 56), np.float32).cumsum(2)
        about = {"first_frame": np.array(32), "given": np.full(windows, 32), "seed": np.array(0)}
        save_npz(folder / "samples.npz", samples=drawn, sampling=np.array('{"past": "real"}'), **about)
        command = ["evaluate", str(folder), "--samples", str(folder / "samples.npz"), "--listener", "left"]
        command += ["--codebook", str(folder / "codebook.pt"), "--predictor", str(folder / "predictor.pt")]
        written = []
        print(f"{windows} windows, {samples} samples, {recordings} recordings, {threads} threads")
        for run in range(2):
            out = folder / f"{run}.json"
            found = l2l([*command, "--out", str(out)], threads)
            written.append(out.read_bytes())
            print(f"{found.seconds:8.1f} s {found.cpu:8.1f} s of CPU {found.peak:8.0f} MB", flush=True)
        print("the two files are", "the same" if written[0] == written[1] else "DIFFERENT")
    return found.cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, nargs="+", default=[1000])
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--recordings", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    costs = [measured(windows, args.samples, args.recordings, args.threads) for windows in args.windows]
    if len(costs) > 1:
        print(f"CPU-seconds grow as windows^{exponent(args.windows, costs):.2f}")


if __name__ == "__main__":
    main()
