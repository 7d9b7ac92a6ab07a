"""Two people's files of one conversation, each with its own microphone: from the folder to speech and faces."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmarks.two_files import LATE, who_speaks, write_pair
from l2l.config import Settings
from l2l.demo import voices
from l2l.demo.dialogue import write_score
from l2l.demo.recording import write_recording
from l2l.recordings.table import read_table
from l2l.speech.speaking import load_speaking
from l2l.video.tracks import load_tracks
from tests.road import snakemake

pytestmark = pytest.mark.workflow
SETTINGS = {"demo": {"seconds": 12}, "keep_intermediates": "needed"}


def test_two_files_are_one_recording(tmp_path: Path) -> None:
    settings = Settings(demo=SETTINGS["demo"])
    write_recording(tmp_path, 0, settings)
    score = write_score(settings, 0, voices.say)
    raw = tmp_path / "data/raw/alice"
    write_pair(tmp_path / "demo_00.mp4", score.voice(0), score.voice(1), raw / "talk.1")
    (raw / "half").mkdir()
    (raw / "half/left.mp4").write_bytes((raw / "talk.1/left.mp4").read_bytes())
    people = {"alice": {"listener": "left", "test_videos": ["half"]}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"people": people, **SETTINGS}))
    targets = [f"results/alice/steps/mel/{name}.tsv" for name in ("talk.1", "half")]
    done = snakemake(tmp_path, *targets)
    assert done.returncode == 0, done.stdout + done.stderr

    talk, half = (read_table(tmp_path / target)[0] for target in targets)
    assert half.status == "failed" and half.reason.startswith("data/raw/alice/half/ has no video called right")
    assert talk.status == "ok" and talk.tracked == 1
    folder = tmp_path / "results/alice/videos/talk.1"
    offset = json.loads((folder / "probe.json").read_text())["offset"]
    assert offset["from"] == "sound" and offset["seconds"] == pytest.approx(LATE, abs=0.01)
    with np.load(tmp_path / "demo_00.truth.npz") as truth:
        assert who_speaks(load_speaking(folder / "speaking.npz"), truth["speaking"], offset["seconds"]) >= 0.99
    mel = [np.load(folder / f"mel_{side}.npy") for side in ("left", "right")]
    assert len(mel[0]) == len(mel[1]) == 4 * len(load_tracks(folder / "tracks.npz"))
    assert not list(folder.glob("voice_*.wav")) and not list(folder.glob("speech_*.wav"))  # not needed any more

    again = snakemake(tmp_path, *targets)
    assert again.returncode == 0 and "Nothing to be done" in again.stdout + again.stderr
    (raw / "talk.1/offset.txt").write_text("0.5")
    changed = snakemake(tmp_path, *targets)
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert json.loads((folder / "probe.json").read_text())["offset"] == {"seconds": 0.5, "from": "offset.txt"}
