"""The command line: one subcommand per step of the road. It parses and calls, nothing else.

A command is one typed function in a file of its group; its docstring is its help. What it needs is imported inside it,
so that the help of all comes at once. The library is cyclopts: `--train a b c` takes several values, as the workflow
writes them, which typer's options cannot.
"""

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from cyclopts import (
    App,
    CycloptsError,
    Group,
    MissingArgumentError,
    Parameter,
    UnknownOptionError,
    UnusedCliTokensError,
)
from cyclopts.help import DefaultFormatter, PanelSpec
from rich.box import Box

from l2l import sigterm
from l2l.cli import config, data, demo, live, look, models, released, steps
from l2l.cli.options import explained
from l2l.errors import ShownError, TemporaryError, temporary_cause

# As a user meets them: what `l2l --help` shows, in this order.
COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "A first look": (look.check, demo.demo_video, demo.accuracy),
    "From videos to windows": (
        *(steps.recordings, steps.normalise, steps.track, steps.diarize, steps.separate, steps.mel, steps.split),
        *(steps.fit_faces, steps.faces, steps.preprocess_summary, steps.chunk),
    ),
    "Data that is already measured": (data.fetch, data.chunk_arrays, data.gather, data.forget),
    "Models": (
        models.train_codebook,
        models.train_predictor,
        models.sample,
        models.fold,
        models.evaluate,
        models.compare,
    ),
    "Pictures": (look.report, models.preview, models.listen),
    "See it, and talk to it": (live.view, live.live),
    "Motion for other programs": (models.export,),
    "Settings and weight files": (config.config, config.weights),
    "The released program's files": (
        *(released.fetch_models, released.import_released, released.import_config, released.export_pkl),
    ),
}
TITLED = DefaultFormatter(panel_spec=PanelSpec(box=Box("    \n" * 8), padding=(0, 0, 0, 4)))  # no lines drawn


def _application() -> App:
    """All commands. What is wrong raises, and nothing is printed or ended, so that `main` says it its own way."""
    app = App(
        name="l2l",
        help="Learning to listen, one command per step.",
        help_format="plaintext",
        help_formatter=TITLED,
        version_flags=(),
        default_parameter=Parameter(
            negative="",
            consume_multiple=True,
            # A default in the help, but where it only says that nothing is given.
            show_default=lambda value: None if value in (None, (), "", False) else str(value),
        ),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        verbose=False,
    )
    for order, (title, commands) in enumerate(COMMANDS.items()):
        group = Group(title, sort_key=order)
        for place, command in enumerate(commands):
            app.command(explained(command), group=group, sort_key=place)
    inner = App(name="released", help="The released program's own commands.", group=group, sort_key=len(commands))
    for old in (released.train_codebook, released.train_predictor, released.test, released.import_, released.export):
        inner.command(explained(old))
    app.command(inner)
    app["--help"].group = Group("Options", sort_key=len(COMMANDS))
    return app


app = _application()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status.

    0; after one sentence on stderr 1, 2 for wrong usage, or 75 when the same command can go on; 130 after Ctrl-C.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    name = "l2l"
    try:
        try:
            if argv is None:
                sigterm.listen()
                threading.excepthook = _failed_thread
            name = " ".join(("l2l", *app.parse_commands(words)[0]))
            logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
            app(words)
        except Exception as error:
            if not temporary_cause(error) and (stopped := sigterm.heard()):
                raise stopped from error
            raise
        finally:
            if argv is None:
                sigterm.ignore()
                if files := sys.modules.get("l2l.files"):  # numpy, which `--help` does without
                    files.remove_unfinished()
    except (ShownError, CycloptsError) as error:
        sentence, status = (str(error), error.status) if isinstance(error, ShownError) else (_wrong_usage(error), 2)
        _say_last(f"{name}: {sentence}")
        return status
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if (cause := temporary_cause(error)) is None:
            raise
        reason = " ".join(str(cause).split()) or type(cause).__name__
        from l2l.files import no_room  # numpy, which most commands have by now

        sentence = str(no_room(error, Path.cwd()) or f"{reason}; mend that and run the same command again.")
        _say_last(f"{name}: {sentence}")
        return TemporaryError.status
    finally:
        _let_go_of_dead_pipes()
    return 0


def _failed_thread(failed: threading.ExceptHookArgs) -> None:
    """Show a thread's traceback, but where tensorboard's has no room: whoever writes to it next raises the same."""
    drawing = type(failed.thread).__module__.startswith("tensorboard.")
    if not (drawing and failed.exc_value and temporary_cause(failed.exc_value)):
        threading.__excepthook__(failed)


def _say_last(sentence: str) -> None:
    """Whoever reads both streams in one, as the workflow's logs, finds the sentence at the end."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    with contextlib.suppress(BrokenPipeError):
        print(sentence, file=sys.stderr)


def _wrong_usage(error: CycloptsError) -> str:
    """What is wrong with a command line, in one sentence."""
    if isinstance(error, MissingArgumentError) and error.argument:
        given = error.keyword or any(token.keyword for token in error.argument.tokens)
        return f"{error.argument.name} {'needs a value' if given else 'is missing'}; see --help."
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        return f"{error.unused_tokens[0]!r} is one argument too many; see --help."
    words = " ".join(str(error).split())
    if isinstance(error, UnknownOptionError) and Path(error.token.value or error.token.keyword or "").is_file():
        return f"{error.token.value or error.token.keyword} is taken for an option; write ./ before its name."
    return words


def _let_go_of_dead_pipes() -> None:
    """A signal may have ended the reader of our messages first (`| tee log`); the exit status must come through.

    What could not be written stays in the stream's buffer, and Python would end with status 120 over it.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
