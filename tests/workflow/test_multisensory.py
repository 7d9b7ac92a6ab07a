"""separation.backend multisensory in the workflow: wiring, shapes and files. The weights are any numbers."""

import json

import numpy as np
import pytest
import soundfile
import yaml

from l2l.sides import SIDES
from l2l.weights import catalogue as weights
from tests.road import TINY, snakemake
from tests.speech.multisensory_weights import write_random


@pytest.mark.workflow
def test_a_recording_s_voices_come_from_the_network_and_become_mel(demo, tmp_path, monkeypatch):
    folder, _ = demo
    for file in weights.folder().iterdir():
        (tmp_path / file.name).symlink_to(file.resolve())
    write_random(tmp_path)
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path))
    # Four seconds are two windows.
    (folder / "voices.tsv").write_text("person\tpath\tstart\tend\nvoices\tdata/raw/demo/demo_00.mp4\t2\t6\n")
    separation = {"backend": "multisensory", "multisensory": {"overlap": 0.05, "device": "cpu"}}
    people = {"voices": {"listener": "left", "sheet": "voices.tsv"}}
    (folder / "voices.yaml").write_text(yaml.safe_dump({**TINY, "people": people, "separation": separation}))
    videos = folder / "results/voices/videos/demo_00_2"
    done = snakemake(folder, "--configfile", "voices.yaml", "--", "results/voices/videos/demo_00_2/mel_left.npy")
    assert done.returncode == 0, done.stdout + done.stderr
    frames = json.loads((videos / "probe.json").read_text())["frames"]
    mixture, _ = soundfile.read(videos / "audio.wav")
    voices = [soundfile.read(videos / f"speech_{SIDES[person]}.wav") for person in range(2)]
    assert all((len(sound), rate) == (len(mixture), 16000) for sound, rate in voices)
    assert all(sound.std() > 1e-4 for sound, _ in voices) and not np.array_equal(voices[0][0], voices[1][0])
    mel = np.load(videos / "mel_left.npy")
    assert mel.shape == (4 * frames, 128) and np.isfinite(mel).all()
