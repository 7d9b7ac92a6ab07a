"""Results of a person as the report reads them, small and quick to make."""

from pathlib import Path

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from l2l.evaluation.report import save_report
from l2l.files import save_npz
from l2l.recordings.recordings import Recording
from l2l.recordings.table import write_table
from tests.evaluation.test_report import number, report, row
from tests.pictures.made import DRAWN, write_measured

HOSTILE = """<img src=x onerror=alert(1)> "quoted" 'it' & 😀"""  # a name that a file may have


def write_results(folder: Path, name: str = HOSTILE) -> tuple[Path, Path]:
    """Results and windows of a person with one measured recording and one that failed; the report's two folders."""
    results, chunks = folder / "results" / "alice", folder / "data" / "alice"
    write_measured(results, chunks, name)
    waves = 0.2 * np.sin(np.arange(64) / 3)
    samples = np.zeros((3, 1, 64, 56), np.float32)
    samples[:, 0, :, 50] = waves
    save_npz(results / "samples.npz", samples=samples, **DRAWN)
    rows = [
        Recording(name, f"raw/{name}.mp4", split="test", seconds=80 / 30, tracked=1.0, speech=0.9),
        Recording("broken", "raw/broken.mp4", split="train", status="failed", reason="raw/broken.mp4 is <empty>."),
    ]
    write_table(results / "preprocess.tsv", rows)
    model = row(
        gain={"nll": number(0.02, 0.01, 0.03)}, l2={"all": number(0.5, 0.4, 0.6)}, event_f1={"nod": number(None)}
    )
    found = report(model=model, mirror=row(l2={"all": number(0.9, 0.8, 1.0)}))
    found["listener"] = "left"
    found["headline"]["listens"] = "yes: the gain (nll) is 0.02, 95 % interval 0.01 to 0.03."
    found["codebook_use"] = {"definition": "x", "codes": 8, "codes_used": 6, "perplexity": 4.5, "n": 10}
    save_report(results / "eval.json", found)
    writer = EventFileWriter(str(results / "tensorboard" / "codebook"))
    for step in (10, 20, 30):
        values = [Summary.Value(tag=tag, simple_value=1 / step) for tag in ("loss/train", "loss/validation")]
        writer.add_event(Event(step=step, summary=Summary(value=values)))
    writer.close()
    return results, chunks
