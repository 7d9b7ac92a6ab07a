"""Every command that writes files, in the order of the road, and the smallest inputs for them.

A command's outputs are what a clean run of it has changed, so nothing here names them.
"""

import hashlib
import io
import shlex
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from tests.dataset.archives import person_arrays, write_tar
from tests.export.made import write_results
from tests.faces import synthetic_flame
from tests.media import ffmpeg
from tests.released.test_archive import members, write
from tests.road import TINY
from tests.weights.server import CONTENT, serving

_SMALL = {"heads": 2, "layers": 1, "feedforward_size": 16}
_SHORT = {"training": {"batch_size": 8, "max_steps": 12, "validate_every": 4, "threads": 1}}
SETTINGS = {
    **TINY,
    "windows": {
        "codebook": {"hidden_size": 16, "codes": 8, **_SMALL, **_SHORT},
        "predictor": {"hidden_size": 20, "cross_layers": 1, **_SMALL, **_SHORT},
    },
    "demo": {"recordings": 2, "seconds": 8},
    "sampling": {"samples": 2},
    "preview": {"seconds": 1},
}


@dataclass(frozen=True)
class Step:
    """A command of `l2l`; `settings`: it takes settings.yaml."""

    words: str
    settings: bool = False
    own_weights: bool = False  # $L2L_WEIGHTS is a folder of the trial: the command writes there
    catalogue: str | None = None  # a list of weight files in work/ that stands for ours
    make: Callable[[Path], object] = lambda work: None  # what the steps before it have not made

    def argv(self) -> list[str]:
        return ["l2l", *shlex.split(self.words), *(["--config", "settings.yaml"] if self.settings else [])]


def _two_files(work: Path) -> None:
    (work / "talk").mkdir()
    for side, left in (("left", 0), ("right", 320)):
        cut = ("-t", "2", "-vf", f"crop=320:360:{left}:0")
        ffmpeg("-i", str(work / "raw/demo_00.mp4"), *cut, str(work / f"talk/{side}.mp4"))


def _cut(work: Path) -> None:
    ffmpeg("-i", str(work / "raw/demo_00.mp4"), "-t", "3", str(work / "cut.mp4"))


def write_arrays(work: Path) -> None:
    """Two recordings as somebody has measured them."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (work / "arrays" / name).mkdir(parents=True)
        for side in ("p0", "p1"):
            np.save(work / "arrays" / name / f"{side}_faces.npy", rng.normal(size=(200, 56)).astype(np.float32))
        np.save(work / "arrays" / name / "p1_audio.npy", rng.random((800, 128)).astype(np.float32))


def _published(work: Path) -> None:
    write_tar(work / "published/conan_data.tar", person_arrays(work / "made"), "conan")


def _flame(work: Path) -> None:
    synthetic_flame.write_pickle(work / "flame.pkl")


def _models(work: Path) -> None:
    write(work / "published/conan_models.tar", members())


def _shapes(work: Path) -> None:
    """A recording whose faces are named shapes."""
    write_results(work / "shapes")


def _downloads(work: Path) -> None:
    """A list of two weight files, and a server for them that lasts as long as this process."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("nets/net.bin", CONTENT)
    server = serving().__enter__()
    server.content = packed.getvalue()
    unpacked, whole = (hashlib.sha256(data).hexdigest() for data in (CONTENT, server.content))
    entries = {
        "packed": {"zip": server.url, "files": [{"path": "net.bin", "member": "net.bin", "sha256": unpacked}]},
        "plain": {"url": server.url, "files": [{"path": "plain.bin", "sha256": whole}]},
    }
    (work / "catalogue.yaml").write_text(yaml.safe_dump(entries))


def _person(work: Path) -> None:
    """A run that knows the person of these steps, whose recordings lie where the workflow has them."""
    (work / "config.yaml").write_text(yaml.safe_dump({"people": {"demo": {"source": "demo", "listener": "right"}}}))
    (work / "data/raw").mkdir(parents=True)
    (work / "raw").rename(work / "data/raw/demo")


ROWS = "--videos videos"
MEASURED, SHAPES = "videos/demo_00 --basis results/demo/face_basis.npz", "shapes/results/alice/videos/talk"
WINDOWS = "data/demo --listener right --set architecture=windows"
STEPS = {
    "demo-video": Step("demo-video short --only 0", True),
    "check": Step("check cut.mp4 --out check.html", True, make=_cut),
    "recordings": Step("recordings raw --person demo --test-videos demo_01 --out recordings.tsv"),
    "normalise": Step(f"normalise --table recordings.tsv {ROWS} --out normalise.tsv", True),
    "normalise two files": Step("normalise talk --out pair", True, make=_two_files),
    "track": Step(f"track --table normalise.tsv {ROWS} --out track.tsv", True),
    "diarize": Step(f"diarize --table track.tsv {ROWS} --out diarize.tsv", True),
    "separate": Step(f"separate --table diarize.tsv {ROWS} --out separate.tsv", True),
    "mel": Step(f"mel --table separate.tsv {ROWS} --out mel.tsv", True),
    "split": Step("split diarize.tsv --summary preprocess.tsv --out split.tsv"),
    "fit-faces": Step(f"fit-faces --table split.tsv {ROWS} --out results/demo/face_basis.npz", True),
    "faces": Step(f"faces --table split.tsv {ROWS} --basis results/demo/face_basis.npz --out faces.tsv", True),
    "preprocess-summary": Step(f"preprocess-summary mel.tsv faces.tsv {ROWS} --out results/demo/preprocess.tsv"),
    "accuracy": Step(f"accuracy raw {ROWS} --out accuracy.json"),
    "chunk": Step("chunk videos --table results/demo/preprocess.tsv --listener right --out data/demo", True),
    "fetch": Step("fetch conan --data published", make=_published),
    "chunk-arrays": Step("chunk-arrays arrays --train a --test b --listener left --out data/arrays", True),
    "gather": Step("gather a=data/demo:right b=data/demo:right --out data/two"),
    "train-codebook": Step(
        "train-codebook data/demo --listener right --out results/demo/codebook.pt --log-dir board/codebook", True
    ),
    "train-predictor": Step(
        "train-predictor data/demo --codebook results/demo/codebook.pt --listener right"
        " --out results/demo/predictor.pt --log-dir board/predictor",
        True,
    ),
    "sample": Step(
        "sample data/demo --codebook results/demo/codebook.pt --predictor results/demo/predictor.pt"
        " --listener right --out results/demo/samples.npz",
        True,
    ),
    "train-codebook windows": Step(
        f"train-codebook {WINDOWS} --out windows/codebook.pt --log-dir board/windows-codebook", True
    ),
    "train-predictor windows": Step(
        f"train-predictor {WINDOWS} --codebook windows/codebook.pt --out windows/predictor.pt"
        " --log-dir board/windows-predictor",
        True,
    ),
    "sample windows": Step(
        f"sample {WINDOWS} --codebook windows/codebook.pt --predictor windows/predictor.pt --out windows/samples.npz",
        True,
    ),
    "fold": Step("fold data/demo --fold 1 --of 2 --listener right --out results/demo/folds/1.npz", True),
    "evaluate": Step(
        "evaluate data/demo --samples results/demo/samples.npz --codebook results/demo/codebook.pt --predictor"
        " results/demo/predictor.pt --basis results/demo/face_basis.npz --listener right --out results/demo/eval.json",
        True,
    ),
    "compare": Step("compare results/demo/eval.json --out compared/table"),
    "report": Step("report results/demo --chunks data/demo --listener right --out report.html", True),
    "preview": Step(
        "preview videos --chunks data/demo --samples results/demo/samples.npz --basis results/demo/face_basis.npz"
        " --listener right --out preview.mp4",
        True,
    ),
    "listen": Step("listen cut.mp4 --results results/demo --listener right --out listen.mp4", True),
    **{
        f"export {name}": Step(f"export {MEASURED} --format {name} --out exports/{name}", True)
        for name in ("glb", "bvh", "csv", "eaf", "textgrid")
    },
    "export livelink": Step(f"export {SHAPES} --format livelink --out exports/livelink", make=_shapes),
    "export arkit-json": Step(f"export {SHAPES} --format arkit-json --out exports/arkit"),
    "weights": Step("weights import-flame flame.pkl", own_weights=True, make=_flame),
    "weights fetch": Step("weights fetch packed plain", own_weights=True, catalogue="catalogue.yaml", make=_downloads),
    "fetch-models": Step("fetch-models conan --data published", own_weights=True, make=_models),
    "import-released": Step("import-released weights/released/conan --listener left --out results/conan"),
    "import-config": Step("import-config weights/released/conan/codebook.json --out settings/released.yaml"),
    "forget": Step("forget demo --yes", make=_person),  # the last: it takes what the others need
}
# Commands that write no file, or only while somebody talks to them.
OTHERS = {"config", "view", "live", "export-pkl", "released"}


def prepare(work: Path, run: Callable[[Step], object]) -> None:
    """What the first of the steps need; `run` runs a command in `work`."""
    (work / "settings.yaml").write_text(yaml.safe_dump(SETTINGS))
    run(Step("demo-video raw", True))
    write_arrays(work)
