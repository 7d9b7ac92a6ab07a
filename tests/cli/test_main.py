"""The command line: every step alone, one sentence and exit status 1 for what cannot work."""

import errno
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from l2l.cli import main as cli

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [name for name in cli.app if not name.startswith("-")]
RELEASED = [f"released {name}" for name in cli.app["released"] if not name.startswith("-")]
TEXTS = ("l2l", "workflow", "docs")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    assert cli.main([command, "--help"]) == 0
    assert len(capsys.readouterr().out) > 100


def test_the_help_lists_every_command_and_imports_nothing_heavy():
    """What takes seconds to import is imported when a command runs, not for the list of commands."""
    program = "import sys; from l2l.cli.main import main; main(['--help']); print(*sys.modules)"
    shown, _, modules = subprocess.check_output([sys.executable, "-c", program], text=True).strip().rpartition("\n")
    assert not {"torch", "numpy", "scipy", "cv2", "pydantic", "yaml"} & set(modules.split())
    assert set(COMMANDS) <= set(shown.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], 'l2l: Unknown command "nothing".'),
        (["fit-faces", "a"], "l2l fit-faces: --out is missing; see --help.\n"),
        (["fit-faces", "a", "--out"], "l2l fit-faces: --out needs a value; see --help.\n"),
        (["demo-video", "a", "b"], "l2l demo-video: 'b' is one argument too many; see --help.\n"),
        (["mel", "a", "--speed", "3"], "l2l mel: Unknown option: --speed."),
        (["released", "test"], "l2l released test: --config is missing; see --help.\n"),
        (
            ["chunk", "a", "--out", "b", "--listener", "p1"],
            'Invalid value "p1" for --listener. Choose from: "left", "right"',
        ),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(words, message, capsys):
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_file_that_looks_like_an_option_is_told_how_to_be_written(tmp_path, monkeypatch, capsys):
    (tmp_path / "-name.mp4").touch()
    monkeypatch.chdir(tmp_path)
    assert cli.main(["normalise", "-name.mp4", "--out", "x"]) == 2
    assert capsys.readouterr().err == "l2l normalise: -name.mp4 is taken for an option; write ./ before its name.\n"


def test_python_runs_the_package():
    done = subprocess.run([sys.executable, "-m", "l2l", "demo-video"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "l2l demo-video: OUT is missing; see --help.\n")


def test_every_command_that_a_message_a_rule_or_a_page_names_is_there():
    texts = [path for kind in ("py", "yaml", "smk", "md") for top in TEXTS for path in (ROOT / top).rglob(f"*.{kind}")]
    named = {
        (command, path.name)
        for path in [*texts, ROOT / "README.md"]
        for command in re.findall(r"(?:^|[\"`}/] ?)l2l ((?:released )?[a-z][a-z-]*)\b(?!-?\{)", path.read_text(), re.M)
    }
    assert len(named) > 60
    assert {(command, page) for command, page in named if command not in {*COMMANDS, *RELEASED}} == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["normalise", "{}/none.mp4", "--out", "{}/out"],
        ["recordings", "{}/none.tsv", "--person", "a", "--out", "{}/recordings.tsv"],
        ["normalise", "--table", "{}/none.tsv", "--videos", "{}", "--out", "{}/table.tsv"],
        ["track", "{}/none"],
        ["diarize", "{}/none"],
        ["separate"],
        ["split", "{}/none.tsv", "--out", "{}/split.tsv"],
        ["fit-faces", "{}/none", "--out", "{}/basis.npz"],
        ["faces", "{}/none", "--basis", "{}/none.npz"],
        ["mel", "{}/none"],
        ["preprocess-summary", "{}/none.tsv", "--out", "{}/preprocess.tsv"],
        ["chunk", "{}/none", "--train", "a", "--listener", "left", "--out", "{}/alice"],
        ["train-codebook", "{}/none", "--listener", "left", "--out", "{}/codebook.pt", "--log-dir", "{}/log"],
        ["evaluate", "{}/none.npy", "{}/none.npy", "{}/none.npy", "--out", "{}/eval.json"],
        ["compare", "{}/none.json", "--out", "{}/table"],
        ["accuracy", "{}/none", "--videos", "{}/none", "--out", "{}/accuracy.json"],
        ["weights", "fetch", "nothing"],
        ["config", "{}/none.yaml"],
        ["mel", "{}", "--set", "mel.hopp=3"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_bad_input_gives_one_sentence_and_writes_nothing(arguments, tmp_path, capsys):
    assert cli.main([argument.replace("{}", str(tmp_path)) for argument in arguments]) == 1
    words = capsys.readouterr().err.strip()
    assert words.startswith(f"l2l {arguments[0]}: ") and "\n" not in words and "Traceback" not in words
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ([], ((), ())),
        (["--train", "--test", "b"], ((), ("b",))),
        (["--train", "a", "b c", "[1]", "--test", "d,e"], (("a", "b c", "[1]"), ("d,e",))),
        (["--train", "a", "--test", "c", "--train=b"], (("a", "b"), ("c",))),
        (["--train=-a", "--train=--test", "--test=-c d"], (("-a", "--test"), ("-c d",))),
    ],
)
def test_lists_are_given_at_once_or_one_by_one(words, given):
    _, bound, _ = cli.app.parse_args(["chunk", "videos", *words, "--listener", "left", "--out", "data/a"])
    assert (bound.kwargs.get("train", ()), bound.kwargs.get("test", ())) == given


def test_a_name_may_begin_with_a_hyphen():
    _, bound, _ = cli.app.parse_args(["normalise", "--out", "folder", "--", "-a.mp4"])
    assert bound.args == (Path("-a.mp4"),)


def test_settings_come_from_a_file_and_from_options(tmp_path):
    (tmp_path / "mine.yaml").write_text("mel: {feature: mfcc, hop: 200}\n")
    words = ["mel", "a", "--config", str(tmp_path / "mine.yaml"), "--set", "mel.hop=100", "seed=4", "--out", "b"]
    _, bound, _ = cli.app.parse_args([*words, "--set", "demo.seconds=9"])
    settings = bound.kwargs["options"].read()
    found = settings.mel.feature, settings.mel.hop, settings.seed, settings.demo.seconds
    assert found == ("mfcc", 100, 4, 9)


def test_a_full_disk_under_curves_is_said_once(monkeypatch, capsys):
    from tensorboard.summary.writer.event_file_writer import _AsyncWriter

    class Full:
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(threading, "excepthook", cli._failed_thread)
    writer = _AsyncWriter(Full())
    writer.write(b"a point")
    writer._worker.join()
    with pytest.raises(OSError, match="No space"):
        writer.flush()
    assert capsys.readouterr().err == ""
