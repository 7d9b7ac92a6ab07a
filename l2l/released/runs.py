"""The released training commands: the original's configurations, folders and files, our training loop.

`l2l released train-codebook --config vqgan/configs/C.json`, then `train-predictor --config configs/P.json`. Whenever
validation gets better, `<model_path><tag><pipeline>_best.pth` and `..._preprocess_core.npz` are written together; the
original rewrote the statistics at every start, so that they could stop matching its weights.

- The original drew its split without a seed; here it follows from `seed`, and codebook and predictor share it.
- Curves go to `tensorboard/` beside the checkpoint. A run that was stopped goes on where it was, as ours do.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from l2l import config
from l2l.dataset.layout import Chunks, concatenate
from l2l.features.standardize import Standardizer
from l2l.released import config as released_config
from l2l.released.checkpoint import ReleasedCheckpoint, load_codebook_weights, read_released, write_released
from l2l.released.config import ReleasedConfig, read_config
from l2l.released.convert import read_statistics, write_statistics
from l2l.training.holdout import load_training_chunks
from l2l.training.run import Run, train
from l2l.training.state import TrainingState
from l2l.units import MODEL_DIM
from l2l.windows.train_codebook import prepare_codebook
from l2l.windows.train_predictor import prepare_predictor


def _load(found: ReleasedConfig, root: Path) -> Chunks:
    parts = ("listener", "speaker", "audio")
    people = [load_training_chunks(found.data(root, person), found.listener, parts) for person in found.people]
    return concatenate(people)


def codebook_of(predictor: ReleasedConfig, root: Path) -> ReleasedConfig:
    """The codebook configuration that a predictor's names."""
    return read_config(root / predictor.text("l_vqconfig"), "codebook")


def train_released_codebook(json_config: Path, root: Path, changes: tuple[str, ...]) -> Path:
    """Train a codebook as the original did; returns its checkpoint. `changes` are `section.key=value`."""
    found = read_config(json_config, "codebook")
    settings = released_config.settings(found, changes)
    windows = settings.windows

    def prepare() -> Run:
        data = _load(found, root)
        run = prepare_codebook(data, settings)
        # The original keeps the statistics of all three inputs here, though only the listener's are used later.
        train, speaker = run.rows["train"], data.speaker[..., :MODEL_DIM]
        others = {
            "speaker": Standardizer.fit(speaker, train, windows.statistics, windows.smoothing),
            "audio": Standardizer.fit(data.audio, train, windows.statistics),
        }
        return replace(run, standardizers={**run.standardizers, **others})

    return _train(found, root, settings.seed, windows.codebook.training, prepare)


def train_released_predictor(json_config: Path, root: Path, changes: tuple[str, ...]) -> Path:
    """Train a predictor as the original did; returns its checkpoint. `changes` are `section.key=value`."""
    found = read_config(json_config, "predictor")
    settings = released_config.settings(found, changes)
    codebook = codebook_of(found, root)
    sizes = released_config.settings(codebook, changes).windows.codebook
    path = codebook.checkpoint(root)

    def prepare() -> Run:
        model = load_codebook_weights(read_released(path), sizes, path)
        listener = read_statistics(codebook.statistics(root), ("listener",))["listener"]
        return prepare_predictor(_load(found, root), model, listener, settings)

    return _train(found, root, settings.seed, settings.windows.predictor.training, prepare)


def _train(
    found: ReleasedConfig, root: Path, seed: int, training: config.TrainingSettings, prepare: Callable[[], Run]
) -> Path:
    path = found.checkpoint(root)

    def keep(run: Run, state: TrainingState) -> None:
        write_statistics(found.statistics(root), run.standardizers)
        checkpoint = ReleasedCheckpoint(
            state.best_weights,
            config=str(found.path),
            optimizer=run.optimizer.state_dict(),
            steps=state.step,
            epoch=state.epoch - 1,  # the original counts from 0
        )
        write_released(path, checkpoint)

    train(prepare, training, seed, path, path.parent / "tensorboard" / path.stem, on_best=keep)
    return path
