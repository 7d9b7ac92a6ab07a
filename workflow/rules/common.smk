# The configuration, its people, and where their folders are: what all rule files start from.
import atexit
import functools
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from snakemake_interface_executor_plugins.settings import DeploymentMethod

from l2l import architectures, backends
from l2l import config as configuration
from l2l.config import published as catalogue
from l2l.dataset import by_hand, published
from l2l.dataset.conversations import conversation_files
from l2l.dataset.layout import dataset_files
from l2l.patches.length import seconds_of_training
from l2l.recordings.discovery import Discovery, digest
from l2l.errors import ShownError, last_words


def ask(question, *about):
    """What `question` answers. A fault of the user's ends all with one sentence, before anything is done."""
    try:
        return question(*about)
    except ShownError as error:
        sys.exit(f"Error: {error}")


for file in workflow.configfiles:
    ask(configuration.load, file)  # Snakemake would take the last of two equal keys
CONFIG = ask(configuration.validate, config)
FOUND = Discovery(CONFIG, listed=not workflow.is_main_process)

# A command that fails must fail its job, though `tee` after it succeeds; Snakemake drops this when there is a prefix.
STRICT = "set -euo pipefail; "
if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
    # `python` of the rule's environment, which has the packages but not l2l itself.
    ROOT = shlex.quote(str(Path(workflow.basedir).parent))
    L2L = f'l2l() {{{{ PYTHONPATH={ROOT} python -m l2l "$@"; }}}}; '
    shell.prefix(STRICT + L2L)
else:
    # `l2l` of the Python that runs the workflow, also when its environment is not activated.
    shell.prefix(f"{STRICT}export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")


def causes(logs):
    """The last line of each command that failed; `logs` are Snakemake's own, which name those of the commands."""
    text = "".join(Path(log).read_text() for log in logs)
    failed = dict.fromkeys(re.findall(r"^    log: (.+) \(check log", text, re.M))
    return [f"Error: {line}" for log in failed if (line := last_words(Path(log)))]


def reports(logs):
    """The report of each person of whom a command failed, with what there is. Returns a sentence for each."""
    text = "".join(Path(log).read_text() for log in logs)
    found = []
    for name in dict.fromkeys(re.findall(r"^    log: results/([^/]+)/.+ \(check log", text, re.M)):
        options = shlex.split(set_options(configuration.result_settings, name, EVERYTHING))
        side = ["--listener", CONFIG.person(name).listener_side]
        page = f"results/{name}/report.html"
        command = [sys.executable, "-m", "l2l", "report", f"results/{name}", *side, *options]
        # Where the packages are in environments of the rules, this Python may not have them: then there is no page.
        environment = os.environ | {"PYTHONPATH": str(Path(workflow.basedir).parent)}
        if subprocess.run(command, capture_output=True, env=environment).returncode == 0:
            os.utime(page, (0, 0))  # older than all that it is made of: the next run makes it anew
            found.append(f"{name}: {page} shows how far it has come.")
    return found


def say_last(lines, failures):
    """After Snakemake's own last words: recordings that are left out, pages to look at, then what went wrong."""
    sys.stderr.write("".join(f"{line}\n" for line in [*FOUND.last_words(), *lines, *failures]))


FAILURES, REPORTS = [], []
EVERYTHING = tuple(configuration.Settings.model_fields)
if workflow.is_main_process:
    atexit.register(say_last, REPORTS, FAILURES)


def people_from(*sources):
    return [name for name, p in CONFIG.everyone.items() if p.source in sources]


# One maker for each dataset: which rule may write data/<person>/ follows from the person's source. Several people may
# share one published dataset.
PUBLISHED = {CONFIG.everyone[name].dataset for name in people_from("published")}
RELEASED = [name for name, p in CONFIG.everyone.items() if p.models == "released"]
NAME = r"\w[\w-]*"


def one_of(names):
    """A wildcard's pattern: these names and no other."""
    return "|".join(map(re.escape, sorted(set(names)))) or r"(?!)nobody"


def none_of(names):
    """A wildcard's pattern: any other name, also that of nobody there is, which an input function then says."""
    return rf"(?!(?:{one_of(names)})/){NAME}"


wildcard_constraints:
    person=NAME,
    batch=r"[^/]+",


def person_of(wildcards):
    return ask(FOUND.person, wildcards.person)


@functools.cache
def set_options(choose, person, sections):
    pairs = configuration.as_pairs(choose(CONFIG.settings(person), sections))
    return "--set " + " ".join(map(shlex.quote, pairs)) if pairs else ""


def settings(*sections):
    """Param of a rule: the settings in these sections that decide its result. When one changes, the rule runs again."""

    def options(wildcards):
        person_of(wildcards)
        return set_options(configuration.result_settings, wildcards.person, sections)

    return options


def machine(*sections):
    """Param of a rule: its other settings, as threads and device. When one changes, nothing runs again: Snakemake does
    not compare a param that takes `output`."""

    def options(wildcards, output):
        return set_options(configuration.other_settings, wildcards.person, sections)

    return options


def listener(wildcards):
    return person_of(wildcards).listener_side


def has_conversations(name):
    """Whether a person's whole conversations are known: those of recordings that are preprocessed here, or of several
    people of whom each has them."""
    person = ask(CONFIG.person, name)
    return all(map(has_conversations, person.people)) if person.people else person.has_videos


def members(wildcards):
    """The people whom one model is to know; usually none but the person."""
    return person_of(wildcards).people


def members_options(wildcards):
    return " ".join(f"{name}={chunks_of(name)}:{FOUND.person(name).listener_side}" for name in members(wildcards))


def chunks_of(person):
    return f"data/{ask(FOUND.person, person).dataset or person}"


def chunks_folder(wildcards):
    return chunks_of(wildcards.person)
