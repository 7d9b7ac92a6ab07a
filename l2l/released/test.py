"""The released test: every test window's listener, drawn once, as `l2l released test` and nothing else does it.

- The loop itself is `l2l.windows.autoregressive`; here are the original's folders, its score and its result.
- The first 32 frames of a result are the mean pose, which is what the loop was given; they are no prediction.
- Where the original failed (a number of windows that 32 does not divide), the score is over the windows sampled.
- `--save` writes ONE file, `outputs/<etag><tag>predicted.npz`. A window n and its frame t are row n, column t of:
  `expression` (N, 64, 50) and `pose` (N, 64, 6; head rotation, jaw) in raw units; `probabilities` (N, 8, K), of which
  row t // 8 belongs to frame t (zeros for the first four); `video` and `frame` (N, 64), where it came from. `name`,
  `overall_l2` and `seed` are single values.
"""

import functools
import logging
import pickle
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from l2l import config
from l2l.arrays import TEXT, Array, open_npz
from l2l.dataset.layout import ROTATION, load_chunks
from l2l.errors import UserError
from l2l.files import atomic, save_npz
from l2l.released import config as released_config
from l2l.released.config import read_config
from l2l.released.convert import Files, ReleasedPair
from l2l.released.runs import codebook_of
from l2l.training.device import prepare
from l2l.units import MODEL_DIM
from l2l.windows.autoregressive import STEP, autoregress
from l2l.windows.codebook import FRAMES, Codebook
from l2l.windows.predictor import Predictor
from l2l.windows.sampling import choose, chosen_rows, distribution, standardized

log = logging.getLogger(__name__)


class Rollout(NamedTuple):
    """What the released loop returns, standardized."""

    prediction: Tensor  # (B, 64, 56), the first half zeros
    probabilities: Tensor  # (B, 8, K), the first half zeros
    upper_bound: Tensor  # (B, 64, 56): the truth, its first half zeroed, coded and decoded


@torch.no_grad()
def rollout(
    codebook: Codebook,
    predictor: Predictor,
    listener: Tensor,
    speaker: Tensor,
    audio: Tensor,
    sampling: config.SamplingSettings,
    choose_codes: Callable[[Tensor], Tensor],
) -> Rollout:
    """Listener and speaker (B, 64, 56), audio (B, 256, 128); none of them is changed."""
    past = listener[:, :FRAMES] if sampling.past == "real" else None
    codes, probabilities = autoregress(
        codebook, predictor, past, speaker, audio, sampling, lambda logits: distribution(logits, sampling), choose_codes
    )
    given = torch.zeros_like(listener[:, :FRAMES]) if past is None else past
    bounds = [codebook.decode(codebook.encode(half)) for half in (given, listener[:, FRAMES:])]
    return Rollout(
        torch.cat([given, codebook.decode(codes)], dim=1),
        torch.cat([torch.zeros_like(probabilities), probabilities], dim=1),
        torch.cat(bounds, dim=1),
    )


def window_l2(listener: Tensor, prediction: Tensor) -> Tensor:
    """The released score of each window: mean over predicted frames of the norm of a frame's error, standardized.

    Both (..., T, 56), the predicted frames alone -> (...). `eval.json` calls it l2_released.
    """
    return (listener - prediction).norm(dim=-1).mean(-1)


def overall_l2(listener: Tensor, prediction: Tensor) -> float:
    """Mean over windows of the released score; both (N, 64, 56)."""
    return float(window_l2(listener[:, FRAMES:], prediction[:, FRAMES:]).mean())


def released_test(
    json_config: Path,
    checkpoint: Path,
    speaker: str,
    root: Path,
    changes: tuple[str, ...],
    etag: str = "",
    save: bool = False,
) -> tuple[float, Path | None]:
    """Sample the test windows of `speaker` as the original did; returns its score, and the file of results if saved.

    The listener's side comes from the configuration, not from `speaker`, as released. Raises UserError when there are
    no windows or a file does not fit.
    """
    found = read_config(json_config, "predictor")
    settings = released_config.settings(found, changes)
    sampling = settings.sampling
    codebook = codebook_of(found, root)
    pair = ReleasedPair(
        Files(codebook.checkpoint(root), codebook.statistics(root), codebook),
        Files(checkpoint, found.statistics(root), found),
        changes,
    ).pair
    data = load_chunks(found.data(root, speaker), "test", found.listener)
    if not len(data):
        raise UserError(f"{found.data(root, speaker)}/test has no windows in which {found.listener} listens.")
    device = prepare(settings.windows.predictor.training)
    pair.codebook.to(device)
    pair.predictor.to(device)
    generator = torch.Generator().manual_seed(settings.seed)
    truth, rolled = [], []
    for rows in chosen_rows(len(data), sampling):
        motion, audio, listener = standardized(pair, data, rows, "real", device)
        draw = functools.partial(choose, sampling=sampling, generator=generator)
        rolled.append(rollout(pair.codebook, pair.predictor, listener, motion, audio, sampling, draw))
        truth.append(listener)
    result = Rollout(*(torch.cat(parts).cpu() for parts in zip(*rolled, strict=True)))
    listener = torch.cat(truth).cpu()
    score, bound = overall_l2(listener, result.prediction), overall_l2(listener, result.upper_bound)
    log.info("%d of %d windows, overall l2 %.6f, upper bound %.6f", len(listener), len(data), score, bound)
    if not save:
        return score, None
    name = f"{etag}{found.text('tag')}predicted"
    out = root / "outputs" / f"{name}.npz"
    raw = pair.listener.undo(result.prediction.numpy())
    files = np.asarray(data.files[: len(listener)])
    save_npz(
        out,
        expression=raw[..., : ROTATION.start],
        pose=raw[..., ROTATION.start : MODEL_DIM],
        probabilities=result.probabilities.numpy(),
        video=files[..., 0],
        frame=files[..., 2],
        name=np.array(name),
        overall_l2=np.array(score),
        seed=np.array(settings.seed),
    )
    log.info("wrote %s", out)
    return score, out


def export_pickles(results: Path, outputs: Path) -> int:
    """Write results as the original's files, one pickle per frame; returns how many.

    `<outputs>/<video>/results/<name>/<frame 8 digits>.pkl` holds exp (1, 50) and pose (1, 6), torch tensors on the CPU,
    and prob (K,), an array. This is the only place of ours that writes a pickle, for tools that read nothing else.
    Windows that share a frame overwrite each other in order, as in the original. Raises UserError for a file that is
    not one of results, or a video whose name is not a plain name.
    """
    command = "l2l released test --save"
    with open_npz(results, "a file of results", command) as file:
        wanted = {"expression": Array(("N", "T", 50)), "pose": Array(("N", "T", 6))}
        wanted["probabilities"] = Array(("N", "P", "K"))
        arrays = {key: file.read(key, array) for key, array in wanted.items()}
        arrays["video"] = file.read("video", Array(("N", "T"), "U"))
        numbers, name = file.read("frame", Array(("N", "T"), "U")).astype(int), file.read("name", TEXT).item()
        if arrays["probabilities"].shape[1] * STEP < numbers.shape[1]:
            raise ValueError(f"probabilities has shape {arrays['probabilities'].shape}")
    for part in {name, *map(str, np.unique(arrays["video"]))}:
        # It becomes a folder: nothing in a file may lead out of `outputs`.
        if PurePosixPath(part).name != part or part in ("", "..") or "\\" in part:
            raise UserError(f"{results}: {part!r} cannot be the name of a folder.")
    for n, t in np.ndindex(numbers.shape):
        content = {
            "exp": torch.from_numpy(arrays["expression"][n, t][None].copy()),
            "pose": torch.from_numpy(arrays["pose"][n, t][None].copy()),
            "prob": arrays["probabilities"][n, t // STEP],
        }
        path = outputs / str(arrays["video"][n, t]) / "results" / name / f"{numbers[n, t]:08d}.pkl"
        with atomic(path, sync=False) as partial, open(partial, "wb") as file:
            pickle.dump(content, file)
    return numbers.size
