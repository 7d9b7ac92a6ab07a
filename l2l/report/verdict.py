"""The first lines of the report: does the model listen, and what is to be done next."""

from typing import NamedTuple

from l2l.architectures import is_live
from l2l.dataset.folds import FEW
from l2l.report.run import Run

# How `headline.listens` of eval.json begins -> what a person reads first. `not known` begins with `no`: it comes first.
_ANSWERS = {
    "yes": ("good", "This model listens."),
    "not known": ("open", "It is not known whether this model listens."),
    "no": ("bad", "This model does not listen."),
    "cannot be told": ("open", "It cannot be told yet whether this model listens."),
}


class Advice(NamedTuple):
    """What to do next, and the command that does it, where there is one."""

    words: str
    command: str = ""


_GAIN = (
    "Gain: how much worse the model predicts the listener when it hears another moment of the same speaker. "
    "A model that does not listen has none."
)


def verdict(run: Run) -> dict[str, object]:
    """`mood` (good, bad, open), `short` and `why`: a sentence and its reasons; `gloss`: a word explained; `next`."""
    if run.evaluation:
        said: str = run.evaluation["headline"]["listens"]
        answer = next((word for word in _ANSWERS if said.startswith(word)), "not known")
        mood, short = _ANSWERS[answer]
        why = said.removeprefix(answer).lstrip(":, ")
        why = why[:1].upper() + why[1:]
        return {
            "mood": mood,
            "short": short,
            "why": why,
            "gloss": _GAIN if "gain" in why else "",
            "next": _next(run, mood),
        }
    mood = "bad" if run.trouble or _left_out(run) else "open"
    why = " ".join(run.trouble[:2])
    return {"mood": mood, "short": _so_far(run), "why": why, "gloss": "", "next": _next(run, mood)}


def _left_out(run: Run) -> list[str]:
    return [row.name for row in run.recordings if row.status != "ok"]


def _so_far(run: Run) -> str:
    """How far a run has come that has no eval.json."""
    usable = len(run.recordings) - len(_left_out(run))
    if run.recordings and not usable:
        return "There is no model: none of the recordings can be used."
    for name, done in (
        ("samples.npz", "The model is trained and sampled, but not evaluated yet."),
        ("predictor.pt", "The model is trained, but not sampled yet."),
        ("codebook.pt", "The codebook is trained, the predictor is not."),
    ):
        if (run.folder / name).exists():
            return done
    if run.windows:
        return "There is no model yet: the windows are there, and nothing is trained on them."
    return "There is no model yet: the recordings are not all measured."


def _next(run: Run, mood: str) -> list[Advice]:
    out, count = _left_out(run), len(run.recordings)
    found = []
    if out:
        one = "1 recording is" if len(out) == 1 else f"{len(out)} recordings are"
        found.append(Advice(f"{one} left out. Read why under “What went in”; mend or remove them, then run again."))
    if not run.evaluation:
        words = "To go on, run the workflow again; what is done is not done again:"
        return [*found, Advice(words, f"snakemake --cores 2 results/{run.person}/report.html")]
    if run.trouble:
        found.append(
            Advice("Something failed since: read what went wrong below. The verdict may be of an earlier run.")
        )
    tests = run.evaluation["n"]["recordings"]
    if mood == "good":
        found.append(Advice("Watch the videos below with sound before you believe the numbers."))
        if is_live(run.settings):
            words = "Let it answer another recording:"
            found.append(Advice(words, f"l2l listen VIDEO --results {run.folder} --out answer.mp4"))
            found.append(Advice("Talk to it, by camera and microphone:", f"l2l live {run.folder}"))
    elif mood == "bad":
        found.append(
            Advice("Look through the recordings below: is everybody seen, and is the right person said to speak?")
        )
        found.append(
            Advice("If they are in order, add recordings: ten minutes of listening are the least that has worked.")
        )
    else:
        found.append(Advice("Add recordings. Many short ones tell more than a few long ones."))
    if tests < FEW and count > 1:
        found.append(Advice(f"Only {tests} recordings are for testing; with {FEW} or more the answer becomes surer."))
    return found
