"""The command line: one subcommand per step of the road. It parses and calls, nothing else.

Every rule of the workflow runs one of these; the command in its log can be copied and run alone. Settings come from
`--set section.key=value` (any number), `--preset released` and `--config FILE`; what is not given has its default.
"""

import argparse
import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from l2l import backends, config
from l2l.cli import evaluate as cli_evaluation
from l2l.cli import preprocess as cli_batch
from l2l.cli import published as cli_published
from l2l.cli import released as cli_released
from l2l.cli import weights as cli_weights
from l2l.errors import UserError
from l2l.sides import SIDES, Side
from l2l.video.footage import Footage

Arguments = argparse.Namespace


def demo_video(args: Arguments) -> None:
    from l2l.demo.recording import write_recording

    indices = range(args.settings.demo.recordings) if args.only is None else [args.only]
    for index in indices:
        write_recording(args.out, index, args.settings)


def normalise(args: Arguments) -> None:
    from l2l.video.normalise import normalise

    out = args.out
    outs = out / "video.mp4", out / "audio.wav", out / "probe.json"
    normalise(args.source, *outs, args.settings.video, args.start, args.end)


def track(args: Arguments) -> None:
    settings = args.settings.tracking
    backends.load("tracking", settings.backend).track(args.video, args.out, settings)


def diarize(args: Arguments) -> None:
    from l2l.speech.speaking import diarize

    diarize(_footage(args), args.out, args.settings.diarization)


def separate(args: Arguments) -> None:
    settings, outs = args.settings.separation, _both(args.out, "speech_{}.wav")
    backends.load("separation", settings.backend).separate(_footage(args), args.speaking, outs, settings)


def fit_faces(args: Arguments) -> None:
    settings = args.settings.faces
    backends.load("faces", settings.backend).fit_basis(args.tracks, args.out, settings)


def faces(args: Arguments) -> None:
    settings, outs = args.settings.faces, _both(args.out, "faces_{}.npz")
    bridge = args.settings.tracking.bridge
    backends.load("faces", settings.backend).extract_faces(_footage(args), args.basis, outs, bridge, settings)


def mel(args: Arguments) -> None:
    from l2l.speech.mel import mel_rows

    for wav, out in zip(_both(args.speech, "speech_{}.wav"), _both(args.out, "mel_{}.npy"), strict=True):
        mel_rows(wav, out, args.settings.mel)


def chunk(args: Arguments) -> None:
    from l2l.dataset.chunks import chunk

    split: dict = {"train": args.train, "test": args.test}
    person = args.person or args.out.name
    counts = chunk(args.videos, split, args.out, args.listener, args.settings.chunking, person)
    print(f"{person}: {counts['train']} training and {counts['test']} test windows in which {args.listener} listens")


def gather(args: Arguments) -> None:
    from l2l.dataset.together import gather

    people = {}
    for word in args.people:
        name, _, place = word.partition("=")
        folder, _, side = place.rpartition(":")
        if not folder or side not in get_args(Side):
            raise UserError(f"{word!r} does not say whose windows lie where; write e.g. {name}=data/{name}:right.")
        people[name] = (Path(folder), side)
    counts = gather(people, args.out)
    print(f"{args.out}: {counts['train']} training and {counts['test']} test windows of {', '.join(people)}")


def train_codebook(args: Arguments) -> None:
    from l2l.architectures import train_codebook

    train_codebook(args.chunks, args.listener, args.settings, args.out, args.log_dir)


def train_predictor(args: Arguments) -> None:
    from l2l.architectures import train_predictor

    people = tuple(args.people)
    train_predictor(args.chunks, args.codebook, args.listener, args.settings, args.out, args.log_dir, people)


def sample(args: Arguments) -> None:
    from l2l.architectures import sample

    sample(args.chunks, args.codebook, args.predictor, args.listener, args.settings, args.out)


def accuracy(args: Arguments) -> None:
    from l2l.demo.accuracy import write_accuracy

    write_accuracy(args.truth, args.videos, args.out)


def preview(args: Arguments) -> None:
    from l2l.pictures.preview import write_preview

    write_preview(
        args.videos, args.chunks, args.samples, args.basis, args.listener, args.out, args.settings.preview.seconds
    )


def listen(args: Arguments) -> None:
    from l2l.pictures.listen import listen

    if not (args.person or args.results):
        raise UserError("say whose listener it is: --person NAME, for results/NAME/, or --results FOLDER.")
    results = args.results or Path("results") / args.person
    listen(args.video, results, args.out, args.settings, args.listener, args.side)


def show_config(args: Arguments) -> None:
    from l2l.config.reference import reference

    if args.schema:
        print(json.dumps(config.Config.model_json_schema(), indent=2))
        return
    if args.defaults:
        print(reference(), end="")
        return
    found = config.validate(config.load(args.file), str(args.file))
    print(f"{args.file}: in order; people: {', '.join(found.people) or 'none'}")


def _footage(args: Arguments) -> Footage:
    """The recording that a step looks at; what is not given lies beside what is."""
    audio: Path | None = getattr(args, "audio", None)
    usual = Footage.of(Path(args.tracks or audio or "").parent)
    return Footage(args.video or usual.video, audio or usual.audio, args.tracks or usual.tracks)


def _both(folder: Path, name: str) -> list[Path]:
    """The files of the left and of the right person."""
    return [folder / name.format(side) for side in SIDES]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="l2l", description="Learning to listen, one command per step.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, call: Callable[[Arguments], None], summary: str, *, settings: bool = True) -> Callable:
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(call=call, set=[], config=None, preset="modern")
        if settings:
            group = command.add_argument_group("settings")
            group.add_argument(
                "--set", action="extend", nargs="+", metavar="KEY=VALUE", help="e.g. mel.feature=log_mel"
            )
            group.add_argument("--config", type=Path, metavar="FILE", help="a YAML file with settings")
            group.add_argument(
                "--preset", choices=get_args(config.Preset), default="modern", help="laid over the file, under --set"
            )

        def argument(*names: str, **options) -> None:
            if not options.get("action") and "choices" not in options:
                options.setdefault("type", Path)
            if names[0].startswith("--"):
                options.setdefault("required", "default" not in options and not options.get("action"))
            command.add_argument(*names, **options)

        return argument

    side = {"choices": ("left", "right"), "help": "who listens: the person on the left or on the right"}

    arg = add("demo-video", demo_video, "write the generated conversation and its truth")
    arg("out", help="folder for the recordings")
    arg("--only", type=int, default=None, metavar="K", help="write recording K alone")

    arg = add("normalise", normalise, "bring a recording to 30 frames per second and 16 kHz mono")
    arg("source", help="a video file")
    arg("--start", type=float, default=None, metavar="SECONDS", help="where to begin; default: at its start")
    arg("--end", type=float, default=None, metavar="SECONDS", help="where to stop; default: at its end")
    arg("--out", help="folder for video.mp4, audio.wav, probe.json")

    arg = add("track", track, "follow the two faces")
    arg("video", help="video.mp4 of normalise")
    arg("--out", help="tracks.npz")

    arg = add("diarize", diarize, "tell who speaks when")
    arg("--tracks", help="tracks.npz")
    arg("--audio", help="audio.wav")
    arg("--video", default=None, help="video.mp4; default: beside the tracks")
    arg("--out", help="speaking.npz; speaking.rttm and speaking.json are written beside it")

    arg = add("separate", separate, "give each person a file with their own speech")
    arg("--audio", help="audio.wav")
    arg("--speaking", help="speaking.npz")
    arg("--tracks", default=None, help="tracks.npz; default: beside the sound")
    arg("--video", default=None, help="video.mp4; default: beside the tracks")
    arg("--out", help="folder for speech_left.wav, speech_right.wav")

    arg = add("fit-faces", fit_faces, "fit the expression basis to the training recordings")
    arg("tracks", nargs="+", help="tracks.npz of every training recording")
    arg("--out", help="face_basis.npz")

    arg = add("faces", faces, "turn tracks into face vectors")
    arg("tracks", help="tracks.npz")
    arg("--basis", help="face_basis.npz")
    arg("--video", default=None, help="video.mp4; default: beside the tracks")
    arg("--out", help="folder for faces_left.npz, faces_right.npz")

    arg = add("mel", mel, "turn each person's speech into mel rows, 4 per frame")
    arg("speech", help="folder with speech_left.wav, speech_right.wav")
    arg("--out", help="folder for mel_left.npy, mel_right.npy")

    arg = add("chunk", chunk, "cut every recording into windows in the published format")
    arg("videos", help="folder with one folder per preprocessed recording")
    arg("--train", nargs="*", type=str, default=[], metavar="NAME", help="recordings for training")
    arg("--test", nargs="*", type=str, default=[], metavar="NAME", help="recordings for testing")
    arg("--listener", **side)
    arg("--person", type=str, default=None, help="name for messages; default: the output folder's")
    arg("--out", help="folder for train/ and test/")

    arg = add("gather", gather, "put several people's windows together, for one model of them all", settings=False)
    arg("people", nargs="+", type=str, metavar="NAME=FOLDER:SIDE", help="e.g. conan=data/conan:left")
    arg("--out", help="folder for train/ and test/; the left one listens there")

    arg = add("train-codebook", train_codebook, "learn the codebook of listener motion")
    arg("chunks", help="folder with train/")
    arg("--listener", **side)
    arg("--out", help="codebook.pt")
    arg("--log-dir", help="folder for tensorboard")

    arg = add("train-predictor", train_predictor, "learn to predict the listener's codes from the speaker")
    arg("chunks", help="folder with train/")
    arg("--codebook", help="codebook.pt")
    arg("--listener", **side)
    arg("--people", nargs="*", type=str, default=[], metavar="NAME", help="the people that `l2l gather` put together")
    arg("--out", help="predictor.pt")
    arg("--log-dir", help="folder for tensorboard")

    arg = add("sample", sample, "draw several futures of the listener for every test window")
    arg("chunks", help="folder with test/")
    arg("--codebook", help="codebook.pt")
    arg("--predictor", help="predictor.pt")
    arg("--listener", **side)
    arg("--out", help="samples.npz")

    arg = add("accuracy", accuracy, "compare what was measured on the demo with its truth", settings=False)
    arg("truth", help="folder with the demo's recordings and truth files")
    arg("--videos", help="folder with one folder per preprocessed recording")
    arg("--out", help="accuracy.json")

    arg = add("preview", preview, "show a test recording beside its true and its sampled listener")
    arg("videos", help="folder with one folder per preprocessed recording")
    arg("--chunks", help="folder with test/")
    arg("--samples", help="samples.npz")
    arg("--basis", help="face_basis.npz")
    arg("--listener", **side)
    arg("--out", help="preview.mp4")

    arg = add("listen", listen, "let a trained listener answer one recording, as if live")
    arg("video", help="a recording of two people, side by side")
    arg("--person", type=str, default=None, help="whose listener: results/<person>/")
    arg("--results", default=None, metavar="FOLDER", help="with codebook.pt, predictor.pt, face_basis.npz")
    arg("--listener", type=str, default=None, metavar="NAME", help="who listens, where the models know several people")
    arg("--side", default=None, choices=("left", "right"), help="where that listener sits")
    arg("--out", help="a video of the recording and the listener")

    arg = add("config", show_config, "check a configuration file, or print the schema", settings=False)
    arg("file", nargs="?", default=Path("config.yaml"), help="default: config.yaml")
    arg("--schema", action="store_true", help="print the JSON schema")
    arg("--defaults", action="store_true", help="print every setting with its default and its meaning")

    cli_batch.register(add)
    cli_evaluation.register(add)
    cli_published.register(add)
    cli_weights.register(add)
    cli_released.add_commands(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0, or after one sentence on stderr 1, or 75 when it can go on."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        args.settings = config.from_differences(args.set, args.config, args.preset)
        args.call(args)
    except UserError as error:
        with contextlib.suppress(BrokenPipeError):
            print(f"l2l {args.command}: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        return 130
    finally:
        _let_go_of_dead_pipes()
    return 0


def _let_go_of_dead_pipes() -> None:
    """A signal may have ended the reader of our messages first (`| tee log`); the exit status must come through.

    What could not be written stays in the stream's buffer, and Python would end with status 120 over it.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
