"""The state of a training in a file beside its output, so that the same command goes on where it was stopped.

- The file holds everything that changes: weights, the best weights, optimizer, generators, the rows still to come in
  this epoch, and all counters. On a CPU the resumed training writes the same bytes as one that was never stopped.
- It is no output of the workflow, which would delete it when a job fails; its name begins with a dot.
- It belongs to ONE run: settings, data and codebook are in its identity, and a file of another run is left alone.
- It is written whole or not at all, and read without running anything in it.
"""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from l2l.config import TrainingSettings
from l2l.dataset.layout import Chunks
from l2l.features.standardize import Standardizer
from l2l.files import atomic
from l2l.tensors import load_tensors
from l2l.training.checkpoint import fingerprint
from l2l.training.state import Task, TrainingState

log = logging.getLogger(__name__)

FORMAT = 2  # 2: attempts
MACHINE = {  # settings that a run may go on without
    name
    for name, field in TrainingSettings.model_fields.items()
    if isinstance(extra := field.json_schema_extra, dict) and extra.get("machine")
}


def identity(
    seed: int,
    content: Mapping[str, Any],
    data: Chunks,
    rows: Mapping[str, np.ndarray],
    standardizers: Mapping[str, Standardizer],
    model: nn.Module,
) -> str:
    """What makes a run the same one: seed, settings, codebook, data, split and first weights.

    `content` is what its checkpoint will say of settings and codebook. Of the data it takes shapes, the label of every
    window's first frame, and the statistics of all training frames, which change with any of them: to read every array
    once more would take too long.
    """
    sizes = content["config"]
    training = {key: value for key, value in sizes["training"].items() if key not in MACHINE}
    settings = {**content, "config": {**sizes, "training": training}, "seed": seed}
    shapes = [(str(array.dtype), array.shape) for array in (data.listener, data.speaker, data.audio, data.files)]
    digest = hashlib.sha256(json.dumps([settings, shapes], sort_keys=True).encode())
    digest.update(json.dumps(data.files[:, 0].tolist()).encode())
    arrays = {**rows}
    for name, standardizer in standardizers.items():
        arrays |= {f"{name}.{key}": array for key, array in standardizer.to_dict().items()}
    digest.update(fingerprint({name: torch.from_numpy(array) for name, array in arrays.items()}).encode())
    digest.update(fingerprint(model.state_dict()).encode())
    return digest.hexdigest()


def pack(value: Any) -> Any:
    """A value of the state as tensors and plain values."""
    if isinstance(value, Optimizer):
        return value.state_dict()
    if isinstance(value, torch.Generator):
        return value.get_state()
    if isinstance(value, np.random.RandomState):
        name, keys, *rest = value.get_state(legacy=True)
        return {"name": name, "keys": torch.from_numpy(np.asarray(keys).astype(np.int64)), "rest": rest}
    return torch.from_numpy(value.copy()) if isinstance(value, np.ndarray) else value


def unpack(current: Any, packed: Any) -> Any:
    """`packed` as a value like `current`; what can be set in place is, as the optimizer, and is returned."""
    if isinstance(current, Optimizer):
        current.load_state_dict(packed)
    elif isinstance(current, torch.Generator):
        current.set_state(packed)
    elif isinstance(current, np.random.RandomState):
        current.set_state((packed["name"], packed["keys"].numpy().astype(np.uint32), *packed["rest"]))
    elif isinstance(current, np.ndarray):
        return packed.numpy()
    else:
        return packed.to(current.device) if isinstance(current, Tensor) else packed
    return current


def save(path: Path, run: str, task: Task, state: TrainingState) -> None:
    """Write the resume file of run `run`."""
    content = {
        "format": FORMAT,
        "run": run,
        "model": dict(task.model.state_dict()),
        "generators": {name: pack(generator) for name, generator in task.generators.items()},
        "state": {field.name: pack(getattr(state, field.name)) for field in dataclasses.fields(state)},
    }
    with atomic(path) as partial, open(partial, "wb") as file:
        torch.save(content, file)


def read(path: Path, run: str) -> dict[str, Any] | None:
    """The content of the resume file of run `run`, on the CPU; None, and a line in the log, when it is no such file."""
    try:
        content = load_tensors(path)
        found = content["format"], content["run"]
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError):
        log.warning("%s cannot be read, so training starts from the beginning", path)
        return None
    if found != (FORMAT, run):
        log.info("%s is of other settings, data or codebook, so training starts from the beginning", path)
        return None
    return content


def restore(content: dict[str, Any], task: Task, state: TrainingState) -> None:
    """Make task and state what they were when `content` was saved."""
    task.model.load_state_dict(content["model"])
    for name, generator in task.generators.items():
        unpack(generator, content["generators"][name])
    for field in dataclasses.fields(state):
        setattr(state, field.name, unpack(getattr(state, field.name), content["state"][field.name]))
