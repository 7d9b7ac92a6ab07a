"""Which architecture a model has: patches, the default, or windows, the paper's. Only this module asks.

- A training asks the settings; everything later asks the checkpoint, which always says it.
- Each architecture is a package with modules of the same names. It is imported when it is needed, so that the other one
  may be missing.
"""

import logging
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np

from l2l.config import Settings
from l2l.dataset.layout import load_chunks
from l2l.errors import UserError
from l2l.files import save_npz
from l2l.sides import Side
from l2l.training.checkpoint import architecture

log = logging.getLogger(__name__)


def _module(name: str, module: str) -> ModuleType:
    """`module` of the architecture `name`."""
    return import_module(f"l2l.{name}.{module}")


def train_codebook(chunks: Path, listener: Side, settings: Settings, out: Path, log_dir: Path) -> None:
    """Train a codebook of the listener's motion. Writes its checkpoint to `out` and its curves to `log_dir`.

    `chunks` is a person's folder in the published format. The same call resumes a training that was stopped. Raises
    UserError when there is too little to train on or when another process trains `out`, Stopped after a signal.
    """
    _module(settings.architecture, "train_codebook").train_codebook(chunks, listener, settings, out, log_dir)


def train_predictor(
    chunks: Path,
    codebook: Path,
    listener: Side,
    settings: Settings,
    out: Path,
    log_dir: Path,
    people: tuple[str, ...] = (),
) -> None:
    """Train a predictor of the codes of `codebook`, a checkpoint; otherwise as `train_codebook`.

    `people` are those whose windows `l2l gather` put together; patches only.
    """
    arguments = chunks, codebook, listener, settings, out, log_dir
    if settings.architecture == "patches":
        _module("patches", "train_predictor").train_predictor(*arguments, people=people)
        return
    if people:
        raise UserError("--people needs architecture patches: models of windows know one listener.")
    _module("windows", "train_predictor").train_predictor(*arguments)


def sample(chunks: Path, codebook: Path, predictor: Path, listener: Side, settings: Settings, out: Path) -> None:
    """Draw `sampling.samples` futures of every test window and write them to `out`, an .npz.

    - `samples` (S, N, 64, 56) float32, raw units; the frames from `first_frame` on are predicted, those before are
      given to the model. Row n is row n of the test chunks; `max_windows` and `whole_batches` may leave out the last.
    - `codes` int64: (S, N, 8, Q) of patches, (S, N, 4) of windows.
    - `entropy` float32, nats, of the distributions that the codes were drawn from, mean over samples: (N, 8) or (N, 4).
    - `turns` (N, 64, 56), patches only: one future of whole turns, cut into windows.
    - `seed`, and `sampling`, the settings as JSON.

    Raises UserError when there are no test windows.
    """
    data = load_chunks(chunks, "test", listener)
    if not len(data):
        raise UserError(
            f"{chunks}/test has no test windows; add a second recording, or raise chunking.test_share in config.yaml."
        )
    drawing = _module(architecture(codebook, "codebook"), "sampling")
    arrays: dict[str, np.ndarray] = drawing.sample(data, codebook, predictor, settings)
    save_npz(out, **arrays, seed=np.array(settings.seed), sampling=np.array(settings.sampling.model_dump_json()))
    log.info("wrote %s: %d futures of %d windows", out, *arrays["samples"].shape[:2])
