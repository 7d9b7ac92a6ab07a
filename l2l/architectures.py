"""Which architecture a model has: patches, the default, or windows, the paper's. Only this module asks.

- A training asks the settings; all later steps ask the checkpoint, which always says it.
- Each architecture is a package with modules of the same names and functions. It is imported when it is needed, so that
  the default works without the other one, and the workflow works without torch.
"""

import logging
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from l2l.config import Settings, WindowsSettings
from l2l.config.section import KNOW_CONVERSATIONS, KNOW_SEVERAL
from l2l.errors import UserError
from l2l.sides import Side

if TYPE_CHECKING:
    from l2l.asking import CodeUse, Model
    from l2l.dataset.conversations import Conversations
    from l2l.dataset.layout import Chunks

log = logging.getLogger(__name__)


def model_settings(settings: Settings) -> Settings | WindowsSettings:
    """The section that holds `codebook` and `predictor` of the chosen architecture."""
    return settings if settings.architecture == "patches" else settings.windows


def is_live(settings: Settings) -> bool:
    """Whether its listeners answer patch by patch, so that one can talk to them."""
    return settings.architecture == "patches"


def train_codebook(chunks: Path, listener: Side, settings: Settings, out: Path, log_dir: Path) -> None:
    """Train a codebook of the listener's motion. Writes its checkpoint to `out` and its curves to `log_dir`.

    `chunks` is a person's folder in the published format. The same call resumes a training that was stopped. Raises
    UserError when there is too little to train on or when another process trains `out`, Stopped after a signal.
    """
    from l2l.training.holdout import load_training_chunks

    def prepare() -> Any:
        data = load_training_chunks(chunks, listener, ("listener",))
        return _module(settings.architecture, "train_codebook").prepare_codebook(data, settings)

    _train(prepare, model_settings(settings).codebook.training, listener, settings.seed, out, log_dir)


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

    Models of patches learn from whole conversations where `chunks` has them. `people` are those whose windows `l2l
    gather` put together; patches only.
    """
    if people and settings.architecture not in KNOW_SEVERAL:
        raise UserError("--people needs architecture patches: models of windows know one listener.")
    from l2l.dataset.conversations import load_conversations
    from l2l.training.holdout import load_training_chunks

    def prepare() -> Any:
        model, standardizer, _ = _module(settings.architecture, "checkpoint").load_codebook(codebook)
        data = load_training_chunks(chunks, listener, ("listener", "speaker", "audio"))
        module = _module(settings.architecture, "train_predictor")
        known: dict[str, Any] = {"people": people} if people else {}
        if settings.architecture in KNOW_CONVERSATIONS:
            known["conversations"] = load_conversations(chunks, "train", listener)
        return module.prepare_predictor(data, model, standardizer, settings, **known)

    _train(prepare, model_settings(settings).predictor.training, listener, settings.seed, out, log_dir)


def _train(prepare: Any, training: Any, listener: Side, seed: int, out: Path, log_dir: Path) -> None:
    from l2l.training.run import checkpoint_writer, train

    train(prepare, training, seed, out, log_dir, checkpoint_writer(out, listener, seed))


def sample(chunks: Path, codebook: Path, predictor: Path, listener: Side, settings: Settings, out: Path) -> None:
    """Draw `sampling.samples` futures of every test window and write them to `out`, an .npz.

    - `samples` (S, N, 64, 56) float32, raw units; the frames from `first_frame` on are predictions to compare. Row n is
      row n of the test chunks; `max_windows` and `whole_batches` may leave out the last.
    - `given` (N,): how many frames of the listener's real past each window begins with, 0 or `first_frame`.
    - `codes` int64: (S, N, 8, Q) of patches, (S, N, 4) of windows; -1 where there is none.
    - `entropy` float32, nats, of the distributions that the codes were drawn from, mean over samples: (N, 8) or (N, 4);
      NaN where there is no code.
    - `turns` (N, 64, 56), patches only: one future of whole turns, cut into windows.
    - `seed`, and `sampling`, the settings as JSON.

    Raises UserError when there are no test windows.
    """
    import numpy as np

    from l2l.arrays import sane
    from l2l.dataset.layout import check_numbers, load_chunks
    from l2l.files import save_npz

    data = load_chunks(chunks, "test", listener)
    if not len(data):
        raise UserError(f"{chunks}/test has no windows; add a second recording, or raise chunking.test_share.")
    check_numbers(chunks, "test", data, ("listener", "speaker", "audio"))
    arrays = _module(_architecture(codebook), "sampling").sample(data, codebook, predictor, settings)
    if not sane(arrays["samples"]):
        raise UserError(f"{codebook} and {predictor} draw no sensible numbers; train them again, then sample again.")
    sampling = settings.sampling.model_dump_json()
    save_npz(out, **arrays, seed=np.array(settings.seed), sampling=np.array(sampling))
    log.info("wrote %s: %d futures of %d windows", out, *arrays["samples"].shape[:2])


def code_use(codebook: Path, test: "Chunks") -> "CodeUse":
    """How often the codebook uses its codes for the listener's true motion in `test`."""
    return _module(_architecture(codebook), "asked").code_use(codebook, test)


def load_asked(
    codebook: Path,
    predictor: Path,
    test: "Chunks",
    settings: Settings,
    conversations: "Conversations | None" = None,
) -> "Model":
    """The two models, ready to be asked about the windows `test`; `settings` are those of the samples.

    `conversations` are those that the windows are from, if they are known.
    """
    architecture = _architecture(codebook)
    known = {"conversations": conversations} if architecture in KNOW_CONVERSATIONS else {}
    return _module(architecture, "asked").load_asked(codebook, predictor, test, settings, **known)


def _architecture(codebook: Path) -> str:
    from l2l.training.checkpoint import read_checkpoint

    return str(read_checkpoint(codebook, "codebook")["architecture"])


def _module(architecture: str, name: str) -> Any:
    """Module `name` of an architecture. Raises UserError when this l2l does not have the architecture."""
    try:
        return import_module(f"l2l.{architecture}.{name}")
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith(f"l2l.{architecture}"):
            raise UserError(f"this l2l has no architecture {architecture}.") from None
        raise
