"""The configuration: settings for everyone, the people, and what differs for each of them.

- One source for the command line, the workflow's schema and the docs: the sections of `l2l.config.settings`.
- Validated before anything is done; a message names the key, what is wrong, and what was perhaps meant.
- A step receives only its differences from the defaults, as `--set section.key=value` (see `differences`).
- Nothing heavy is imported here: the workflow validates before it builds its DAG.
"""

import difflib
import functools
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from l2l.config.differences import nested
from l2l.config.published import published
from l2l.config.section import Section
from l2l.config.settings import Settings
from l2l.errors import UserError
from l2l.sides import Side

S = TypeVar("S", bound=Section)
Preset = Literal["modern", "small", "released"]
Keep = Literal["all", "needed"]
PRESETS = Path(__file__).resolve().parent / "presets"


class Person(Section):
    """One person to model: where the recordings come from and on which side the listener sits."""

    source: Literal["videos", "demo", "published", "arrays", "people"] = Field(
        "videos",
        description="videos, arrays: data/raw/<person>/; demo: generated; published: an archive of the authors'; "
        "people: several others, in one model",
    )
    people: tuple[str, ...] = Field((), description="source people: whom one model is to know, by name")
    dataset: str | None = Field(None, description="published: whose data it is; default: the person's name")
    models: Literal["trained", "released"] = Field(
        "trained", description="released: tested with the authors' models, without training"
    )
    # After the three above: what it may be depends on them.
    listener: Side | None = Field(
        None,
        description="where the listener sits in the picture; published data says it itself",
    )
    sheet: str | None = Field(
        None, description="videos: a sample sheet (.tsv) instead of the folder; see docs/scale.md"
    )
    test_videos: tuple[str, ...] = Field((), description="recordings kept for testing, by file name without suffix")
    preset: Preset = Field(
        "modern", description="modern: the settings as they are; small: for a laptop; released: as the original program"
    )
    overrides: dict[str, Any] = Field(default_factory=dict, description="settings that differ for this person")

    @field_validator("listener")
    @classmethod
    def _side(cls, side: str | None, info: ValidationInfo) -> str | None:
        if side is None and info.data.get("source") not in ("published", "people"):
            raise PydanticCustomError("missing", "missing")
        return side

    @model_validator(mode="after")
    def _consistent(self) -> "Person":
        if self.source != "published" and self.dataset:
            raise ValueError("dataset is for source published; take it out")
        if self.source != "published" and self.models == "released":
            raise ValueError("models released needs source published, the data they were trained on")
        if self.source != "videos" and self.sheet:
            raise ValueError("sheet is for source videos; take it out")
        if (self.source == "people") != bool(self.people):
            raise ValueError("people (a list of names) and source people belong together")
        if self.source == "people" and (self.listener or self.test_videos):
            raise ValueError("listener and test_videos are each person's own; take them out here")
        if self.source == "published" and self.test_videos:
            raise ValueError("the published data is split already; take test_videos out")
        return self

    @property
    def has_videos(self) -> bool:
        """Whether this person's recordings can be looked at, and preprocessed here."""
        return self.source in ("videos", "demo")

    @property
    def listener_side(self) -> Side:
        return self.listener or "left"


class Config(Settings):
    """config.yaml: the settings of everyone, the people, and what differs for each of them."""

    people: dict[str, Person] = Field(default_factory=dict, description="the people to model, by name")
    videos_per_job: Literal["auto"] | Annotated[int, Field(ge=0)] = Field(
        "auto",
        description="recordings per job, all steps in one process; 0: each step is a job; auto: see docs/scale.md",
    )
    keep_intermediates: Keep = Field(
        "all", description="needed: what no later step or picture asks for is deleted; see docs/scale.md"
    )
    download: bool = Field(
        True, description="false: the workflow never downloads the published data that somebody asks for"
    )

    @model_validator(mode="before")
    @classmethod
    def _published(cls, values: Any) -> Any:
        """Whose data a published person is and on which side they listen follows from the name."""
        people = values.get("people") if isinstance(values, dict) else None
        if not isinstance(people, dict):
            return values
        return {**values, "people": {name: _known(name, person) for name, person in people.items()}}

    @field_validator("people")
    @classmethod
    def _names(cls, people: dict[str, Person]) -> dict[str, Person]:
        for name in people:
            # A name becomes a folder and a wildcard of the workflow.
            if not name or not all(c.isalnum() or c in "_-" for c in name):
                raise ValueError(f"the name {name!r} may hold only letters, digits, _ and -")
            if name == "raw":
                raise ValueError("the name 'raw' is taken: data/raw/ holds the recordings")
        datasets = {person.dataset: name for name, person in people.items() if person.source == "published"}
        for name, person in people.items():
            if person.source != "published" and name in datasets:
                raise ValueError(f"data/{name}/ would hold the published data of {datasets[name]} too; rename {name}")
            for other in person.people:
                own = people[other].source != "people" if other in people else other in published()
                if not own:
                    raise ValueError(f"people.{name}.people: {other!r} is none of the people with data of their own")
        return people

    @functools.cached_property
    def everyone(self) -> dict[str, Person]:
        """Who can be asked for by name: `people`, and the published people besides, with default settings."""
        of_published = {
            name: Person(source="published", dataset=name, listener=entry.listener)
            for name, entry in published().items()
        }
        return of_published | self.people

    def person(self, name: str) -> Person:
        """One of `everyone`. Raises UserError that lists them."""
        if name in self.everyone:
            return self.everyone[name]
        others = ", ".join(other for other in self.everyone if other not in self.people)
        near = difflib.get_close_matches(name, self.everyone, n=1)
        hint = f"did you mean {near[0]!r}? If not, " if near else ""
        raise UserError(
            f"config.yaml: people has no {name!r} (it has: {', '.join(self.people) or 'nobody'}; published are: "
            f"{others or 'none'}); {hint}add '{name}:' with 'listener: left' or 'listener: right' under people."
        )

    def per_job(self, recordings: int) -> int:
        """Recordings per job for someone with this many; 0 when each step is a job of its own.

        `auto`: up to 20 recordings get jobs by the step, which shows most and repeats least; more are spread over at
        most 200 jobs, unless that would put more than 50 into one.
        """
        if self.videos_per_job != "auto":
            return self.videos_per_job
        return 0 if recordings <= 20 else min(50, -(-recordings // 200))

    def settings(self, person: str) -> Settings:
        """The settings of one person: everyone's, changed by the person's preset, then by the person's overrides."""
        chosen = self.person(person)
        everyones = self.model_dump(exclude=set(Config.model_fields) - set(Settings.model_fields))
        base = merge(everyones, preset(chosen.preset))
        return _validate(Settings, merge(base, chosen.overrides), f"people.{person}.overrides")


def _known(name: str, person: Any) -> Any:
    """The keys of one person, with what the published data says laid under them. Raises ValueError."""
    if not isinstance(person, dict) or person.get("source") != "published":
        return person
    dataset = person.get("dataset") or name
    if dataset not in published():
        raise ValueError(f"people.{name}.dataset: no data of {dataset!r} was published; it is one of {_listed()}")
    known = published()[dataset]
    if person.get("listener") not in (None, known.listener):
        raise ValueError(f"people.{name}.listener: the listener of {dataset} sits {known.listener}; take the key out")
    if person.get("models") == "released" and not known.models:
        raise ValueError(f"people.{name}.models: no models of {dataset} were released; train them")
    return {**person, "dataset": dataset, "listener": known.listener}


def _listed() -> str:
    return ", ".join(published())


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, section by section."""
    merged = dict(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    """All dotted keys under a section."""
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _keys(field.annotation, f"{prefix}{name}.")
    return keys


def _sentence(error: ValidationError, model: type[BaseModel], where: str) -> str:
    """The first fault, as a sentence that names the key."""
    fault = error.errors()[0]
    location = [str(part) for part in fault["loc"]]
    key = ".".join(location) or "(top level)"
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, _keys(model), n=1) or difflib.get_close_matches(
            location[-1], {name.split(".")[-1] for name in _keys(model)} | set(Person.model_fields), n=1
        )
        hint = f"did you mean {near[0]!r}?" if near else "see config.yaml for the keys there are."
        return f"{where}: unknown key {key!r}; {hint}"
    if fault["type"] == "missing":
        return f"{where}: the key {key!r} is missing; add it (config.yaml shows an example)."
    message = fault["msg"].removeprefix("Value error, ")
    if not location:  # a fault of the whole names its key itself
        return f"{where}: {message}."
    given = "" if isinstance(fault["input"], (dict, BaseModel)) else f", not {fault['input']!r}"
    return f"{where}: key {key!r}: {message[0].lower()}{message[1:]}{given}."


def _validate(model: type[S], values: Any, where: str) -> S:
    if not isinstance(values, dict):
        raise UserError(f"{where}: expected keys and values, found {type(values).__name__}.")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UserError(_sentence(error, model, where)) from None


def validate(values: dict[str, Any], where: str = "config.yaml") -> Config:
    """A whole configuration, every person's overrides included. Raises UserError naming the key."""
    config = _validate(Config, values, where)
    for person in config.people:
        config.settings(person)
    return config


def load(path: str | Path) -> dict[str, Any]:
    """The keys and values of a YAML file. Raises UserError naming the file."""
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; give the path of a YAML file.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected keys and values at the top level.")
    return values


def preset(name: Preset) -> dict[str, Any]:
    """The settings that a preset changes; `modern` changes none."""
    return {} if name == "modern" else load(PRESETS / f"{name}.yaml")


def from_differences(pairs: list[str], path: str | Path | None = None, chosen: Preset = "modern") -> Settings:
    """Settings from a file (optional; keys that are the workflow's alone, as `people`, are left out), a preset, and
    `section.key=value` pairs, each laid over the one before."""
    values = load(path) if path else {}
    for key in set(Config.model_fields) - set(Settings.model_fields):
        values.pop(key, None)
    return overlaid(merge(values, preset(chosen)), pairs, str(path) if path and not pairs else "settings")


def overlaid(values: dict[str, Any], pairs: list[str], where: str) -> Settings:
    """`values` with `section.key=value` pairs laid over them. Raises UserError naming the key."""
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise UserError(f"--set {pair}: write it as section.key=value.")
        values = merge(values, nested({key: yaml.safe_load(text)}))
    return _validate(Settings, values, where)
