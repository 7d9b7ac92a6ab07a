"""The released program's JSON configurations: read as they are, turned into settings of ours.

- Keys that nothing ever read (`who`, `local`, `patch`, `loss_config`, `use_conv`, ...) are allowed and have no effect;
  keys we do not know are named in a warning; keys that contradict each other, or what the released code had written
  into itself, are refused.
- Paths in them are relative to two folders. The codebook's training ran inside `vqgan/`, everything else beside it:
  so a codebook's `model_path` and `data.basedir` count from `vqgan/`, all other paths from the folder above. That
  folder is the `root` here; where there is no `vqgan/` in it, it serves as both.
"""

import json
import logging
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from l2l import config
from l2l.config.published import published
from l2l.errors import UserError
from l2l.sides import Side

log = logging.getLogger(__name__)

Stage = Literal["codebook", "predictor"]
STAGES: tuple[Stage, ...] = get_args(Stage)

EVERYONE = ("conan", "kimmel", "fallon", "stephen", "trevor")  # what data.speaker "all" stands for, in this order
_NO_LIMIT = 10**9  # steps; the released runs end by epochs

_CROSS = "fact_model.cross_modal_model"
_PAST = "fact_model.listener_past_transformer_config"
_SPEAKER = "fact_model.speaker_full_transformer_config"

# Names of keys, wherever they stand; those of `_MODULES` hold anything.
_KNOWN = {
    "pipeline", "tag", "who", "segment_tag", "learning_rate", "warmup_steps", "model_path", "num_epochs", "batch_size",
    "log_step", "local", "basedir", "speaker", "n_embed", "zquant_dim", "l_vqconfig", "out_dim", "in_dim",
    "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "sequence_length", "use_conv",
    "use_continuous", "quant_factor", "quant_sequence_length", "max_mask_len", "patch", "loss_config",
}  # fmt: skip
_MODULES = {"patch", "loss_config"}  # never read, whatever is in them
# What the released code had written into itself.
_FIXED: dict[Stage, dict[str, int]] = {
    "codebook": {
        "transformer_config.in_dim": 56,
        "transformer_config.quant_sequence_length": 4,
        "transformer_config.sequence_length": 32,
        "transformer_config.quant_factor": 3,
    },
    "predictor": {
        f"{_CROSS}.sequence_length": 9,
        f"{_CROSS}.max_mask_len": 4,
        f"{_PAST}.sequence_length": 4,
        f"{_PAST}.num_hidden_layers": 1,
        f"{_SPEAKER}.sequence_length": 40,
    },
}


@dataclass(frozen=True)
class ReleasedConfig:
    """One JSON configuration, checked."""

    path: Path
    stage: Stage
    values: dict[str, Any]  # the JSON's, by dotted key
    unknown: tuple[str, ...]  # keys we do not know

    def get(self, key: str) -> Any:
        """A value. Raises UserError when the key is missing."""
        try:
            return self.values[key]
        except KeyError:
            raise UserError(
                f"{self.path}: the key {key!r} is missing; a released {self.stage} configuration has it."
            ) from None

    def number(self, key: str) -> float:
        """A positive number."""
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            raise UserError(f"{self.path}: key {key!r}: expected a number above 0, not {value!r}.")
        return value

    def count(self, *keys: str) -> int:
        """The one whole number, at least 1, that all these keys have. Raises UserError naming two that differ."""
        first = self.number(keys[0])
        if first != int(first):
            raise UserError(f"{self.path}: key {keys[0]!r}: expected a whole number, not {first!r}.")
        for key in keys[1:]:
            if self.number(key) != first:
                raise UserError(
                    f"{self.path}: {keys[0]!r} is {first}, but {key!r} is {self.get(key)}; the two must be equal."
                )
        return int(first)

    def text(self, key: str) -> str:
        value = self.get(key)
        if not isinstance(value, str):
            raise UserError(f"{self.path}: key {key!r}: expected text, not {value!r}.")
        return value

    @property
    def listener(self) -> Side:
        """The side that `data.speaker` puts the listener on; "all" takes the left for everyone, as released."""
        known = published().get(str(self.values.get("data.speaker")))
        return known.listener if known else "left"

    @property
    def people(self) -> tuple[str, ...]:
        """Whose windows are trained on."""
        speaker = self.text("data.speaker")
        return EVERYONE if speaker == "all" else (speaker,)

    @property
    def stem(self) -> str:
        """Checkpoint and statistics are called <stem>_best.pth and <stem>_preprocess_core.npz."""
        return self.text("tag") + self.text("pipeline")

    def _base(self, root: Path) -> Path:
        """The folder that this configuration's own paths count from."""
        return root / "vqgan" if self.stage == "codebook" and (root / "vqgan").is_dir() else root

    def data(self, root: Path, person: str) -> Path:
        """The folder with train/ and test/ of one person. Raises UserError for a segment tag, which we do not know."""
        if self.values.get("segment_tag"):
            raise UserError(f"{self.path}: segment_tag must be empty, but is {self.values['segment_tag']!r}.")
        return self._base(root) / self.text("data.basedir") / "data" / person

    def checkpoint(self, root: Path) -> Path:
        return self._base(root) / f"{self.text('model_path')}{self.stem}_best.pth"

    def statistics(self, root: Path) -> Path:
        return self._base(root) / f"{self.text('model_path')}{self.stem}_preprocess_core.npz"


def leaves(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and prefix + key not in _MODULES:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for key, count in Counter(key for key, _ in pairs).items():
        if count > 1:
            raise ValueError(f"the key {key!r} stands there twice")
    return dict(pairs)


def read_json(path: Path) -> dict[str, Any]:
    """The content of one JSON file. Raises UserError naming the file."""
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_no_doubles)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; give a released JSON configuration.") from None
    except (ValueError, OSError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON: {error}.") from None
    return values if isinstance(values, dict) else {}


def read_config(path: Path, expected: Stage | None = None) -> ReleasedConfig:
    """Read and check one JSON file, of either stage or of the expected one. Raises UserError naming file and key."""
    values = read_json(path)
    if not ("VQuantizer" in values or "fact_model" in values):
        raise UserError(f"{path} is not a released configuration: it has neither 'VQuantizer' nor 'fact_model'.")
    stage: Stage = "codebook" if "VQuantizer" in values else "predictor"
    if expected not in (None, stage):
        raise UserError(f"{path} is a {stage} configuration; give the one of the {expected}.")
    flat = dict(leaves(values))
    unknown = tuple(key for key in flat if key.rpartition(".")[2] not in _KNOWN)
    if unknown:
        log.warning("%s: unknown keys, which change nothing: %s", path, ", ".join(unknown))
    found = ReleasedConfig(Path(path), stage, flat, unknown)
    for key, wanted in _FIXED[stage].items():
        if found.count(key) != wanted:
            raise UserError(f"{path}: key {key!r} is {found.get(key)}, but the model is built for {wanted}.")
    return found


def _training(found: ReleasedConfig, width: int) -> dict[str, Any]:
    warmup = found.count("warmup_steps")
    # The released factor f gives the peak f / sqrt(width * warm-up steps).
    peak = found.number("learning_rate") / math.sqrt(width * warmup)
    training: dict[str, Any] = {"learning_rate": peak, "warmup_steps": warmup}
    if "batch_size" in found.values:
        training["batch_size"] = found.count("batch_size")
    if "num_epochs" in found.values:
        # The released loop runs one epoch less than num_epochs.
        training |= {"max_epochs": max(found.count("num_epochs") - 1, 1), "max_steps": _NO_LIMIT}
    return training


def codes(found: ReleasedConfig) -> int:
    """How many codes the codebook has, which is the predictor's vocabulary."""
    if found.stage == "codebook":
        return found.count("VQuantizer.n_embed")
    return found.count(f"{_PAST}.in_dim", f"{_CROSS}.output_layer.out_dim")


def sizes(found: ReleasedConfig) -> dict[str, Any]:
    """The section `windows.codebook` or `windows.predictor` of our settings, as far as the JSON says anything."""
    if found.stage == "codebook":
        parts, width = ["transformer_config"], "VQuantizer.zquant_dim"
    else:
        parts, width = [f"{_CROSS}.transformer", _PAST, _SPEAKER], f"{_CROSS}.in_dim"
    hidden, vocabulary = found.count(width, *(f"{part}.hidden_size" for part in parts)), codes(found)
    return {
        "hidden_size": hidden,
        "layers": found.count(f"{parts[0]}.num_hidden_layers"),
        "heads": found.count(*(f"{part}.num_attention_heads" for part in parts)),
        "feedforward_size": found.count(*(f"{part}.intermediate_size" for part in parts)),
        **({"codes": vocabulary} if found.stage == "codebook" else {}),
        "training": _training(found, hidden),
    }


def settings(found: ReleasedConfig, changes: tuple[str, ...] = ()) -> config.Settings:
    """The released preset with the JSON's values, and `section.key=value` changes over them."""
    values = config.merge(config.preset("released"), {"windows": {found.stage: sizes(found)}})
    # The released program knows no other models: what is said of its codebook and predictor needs no `windows.`
    pairs = [f"windows.{pair}" if pair.startswith(("codebook.", "predictor.")) else pair for pair in changes]
    return config.overlaid(values, pairs, str(found.path))


def overlay(found: ReleasedConfig) -> dict[str, Any]:
    """What of our settings the JSON changes, by section: all differences from the defaults."""
    sections = ["architecture", *(f"windows.{key}" for key in ("smoothing", "statistics", "holdout", found.stage))]
    if found.stage == "predictor":
        sections.append("sampling")
    return config.nested(config.differences(settings(found), tuple(sections)))
