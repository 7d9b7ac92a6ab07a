"""The command line: every step alone, one sentence and exit status 1 for what cannot work."""

import re
from pathlib import Path

import pytest

from l2l.cli import main as cli

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = sorted(cli._parser()._subparsers._group_actions[0].choices)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0 and len(capsys.readouterr().out) > 100


def test_every_rule_calls_a_command_that_is_there():
    called = {
        name
        for rules in (ROOT / "workflow/rules").glob("*.smk")
        for name in re.findall(r'"l2l ([a-z-]+)', rules.read_text())
    }
    assert called and called <= set(COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["normalise", "{}/none.mp4", "--out", "{}/out"],
        ["track", "{}/none.mp4", "--out", "{}/tracks.npz"],
        ["diarize", "--tracks", "{}/none.npz", "--audio", "{}/none.wav", "--out", "{}/speaking.npz"],
        ["separate", "--audio", "{}/none.wav", "--speaking", "{}/none.npz", "--out", "{}"],
        ["fit-faces", "{}/none.npz", "--out", "{}/basis.npz"],
        ["faces", "{}/none.npz", "--basis", "{}/none.npz", "--out", "{}"],
        ["mel", "{}/none", "--out", "{}"],
        ["chunk", "{}/none", "--train", "a", "--listener", "left", "--out", "{}/alice"],
        ["train-codebook", "{}/none", "--listener", "left", "--out", "{}/codebook.pt", "--log-dir", "{}/log"],
        ["evaluate", "{}/none.npy", "{}/none.npy", "{}/none.npy", "--out", "{}/eval.json"],
        ["compare", "{}/none.json", "--out", "{}/table"],
        ["accuracy", "{}/none", "--videos", "{}/none", "--out", "{}/accuracy.json"],
        ["weights", "fetch", "nothing"],
        ["config", "{}/none.yaml"],
        ["mel", "{}", "--out", "{}", "--set", "mel.hopp=3"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_bad_input_gives_one_sentence_and_writes_nothing(arguments, tmp_path, capsys):
    assert cli.main([argument.replace("{}", str(tmp_path)) for argument in arguments]) == 1
    words = capsys.readouterr().err.strip()
    assert words.startswith(f"l2l {arguments[0]}: ") and "\n" not in words and "Traceback" not in words
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_settings_come_from_a_file_and_from_options(tmp_path):
    (tmp_path / "mine.yaml").write_text("mel: {feature: mfcc, hop: 200}\n")
    args = cli._parser().parse_args(
        ["mel", "a", "--out", "b", "--config", str(tmp_path / "mine.yaml"), "--set", "mel.hop=100", "seed=4"]
    )
    from l2l import config

    settings = config.from_differences(args.set, args.config)
    assert (settings.mel.feature, settings.mel.hop, settings.seed) == ("mfcc", 100, 4)
