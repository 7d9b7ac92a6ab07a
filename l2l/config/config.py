"""The configuration: settings for everyone, the people, and what differs for each of them.

- Validated before anything is done; a message names the key, what is wrong, and what was perhaps meant.
- A step receives only its differences from the defaults, as `--set section.key=value` (see `differences`).
- Nothing heavy is imported here: the workflow validates before it builds its DAG.
"""

import difflib
import functools
import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import field_validator

from l2l.config.differences import nested
from l2l.config.load import Preset, check, load, merge, parse, preset
from l2l.config.people import Person, with_published
from l2l.config.published import published
from l2l.config.section import KNOW_SEVERAL, Auto, Count, key
from l2l.config.settings import Settings
from l2l.errors import UserError

Keep = Literal["all", "needed"]


class Config(Settings):
    """config.yaml: the settings of everyone, the people, and what differs for each of them."""

    people: dict[str, Person] = key({}, "the people to model, by name")
    recordings_per_job: Auto | Count = key("auto", "recordings of a job of a step; auto: see docs/scale.md")
    keep_intermediates: Keep = key("all", "needed: what no later step reads is deleted; see docs/scale.md")
    download: bool = key(True, "false: the workflow never downloads published data")

    @field_validator("people", mode="before")
    @classmethod
    def _published(cls, people: Any) -> Any:
        """Whose data a published person is and on which side they listen follows from the name."""
        return {k: with_published(k, person) for k, person in people.items()} if isinstance(people, dict) else people

    @field_validator("people")
    @classmethod
    def _names(cls, people: dict[str, Person]) -> dict[str, Person]:
        owners = {person.dataset: name for name, person in people.items() if person.is_published}
        with_data = {*published(), *people} - {name for name, person in people.items() if person.is_several}
        for name, person in people.items():
            if not re.fullmatch(r"\w[\w-]*", name):  # it becomes a folder and a wildcard of the workflow
                raise ValueError(f"the name {name!r} may hold only letters, digits, _ and -, and not begin with -")
            if name == "raw":
                raise ValueError("the name 'raw' is taken: data/raw/ holds the recordings")
            if name in owners and not person.is_published:
                raise ValueError(f"data/{name}/ would hold the published data of {owners[name]} too; rename {name}")
            if unknown := [other for other in person.people if other not in with_data]:
                raise ValueError(f"people.{name}.people: {unknown[0]!r} has no data of their own; take others")
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
        there = f"it has: {', '.join(self.people) or 'nobody'}; published are: {others or 'none'}"
        near = difflib.get_close_matches(name, self.everyone, n=1)
        hint = f"did you mean {near[0]!r}? If not, add" if near else "add"
        lines = f"'{name}:' with 'listener: left' or 'listener: right' under people"
        raise UserError(f"config.yaml: people has no {name!r} ({there}); {hint} {lines}.")

    def per_job(self, person: str, recordings: int) -> int:
        """Recordings per job for someone with this many; auto: at most 100 jobs for each step."""
        said = self.person(person).recordings_per_job or self.recordings_per_job
        return -(-recordings // 100) if said == "auto" else said

    def settings(self, person: str) -> Settings:
        """The settings of one person: everyone's, changed by the person's preset, then by the person's overrides.

        Released models are of windows, whatever the settings say.
        """
        chosen = self.person(person)
        values = merge(merge(self.model_dump(exclude=OF_WORKFLOW), preset(chosen.preset)), chosen.overrides)
        if chosen.models == "released":
            values["architecture"] = "windows"
        return check(Settings, values, f"people.{person}.overrides")


OF_WORKFLOW = set(Config.model_fields) - set(Settings.model_fields)  # keys that no step reads


def validate(values: dict[str, Any], where: str = "config.yaml") -> Config:
    """A whole configuration, every person's overrides included. Raises UserError naming the key."""
    config = check(Config, values, where)
    for name, person in config.people.items():
        if config.settings(name).architecture not in KNOW_SEVERAL and person.is_several:
            raise UserError(f"{where}: people.{name}: source people needs architecture patches; change it, or preset.")
        recorded = [other for other in person.people if config.everyone[other].has_videos]
        backends = {config.settings(other).faces.backend: other for other in recorded}
        if len(backends) > 1:
            found = ", ".join(f"{other}: {backend}" for backend, other in backends.items())
            raise UserError(f"{where}: people.{name}: their faces differ ({found}); choose one faces.backend for all.")
    return config


def from_differences(pairs: list[str], path: str | Path | None = None, chosen: Preset = "modern") -> Settings:
    """Settings from a file (optional; keys that are the workflow's alone, as `people`, are left out), a preset, and
    `section.key=value` pairs, each laid over the one before."""
    values = load(path) if path else {}
    values = {name: value for name, value in values.items() if name not in OF_WORKFLOW}
    return overlaid(merge(values, preset(chosen)), pairs, str(path) if path and not pairs else "settings")


def overlaid(values: dict[str, Any], pairs: list[str], where: str) -> Settings:
    """`values` with `section.key=value` pairs laid over them. Raises UserError naming the key."""
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise UserError(f"--set {pair}: write it as section.key=value.")
        try:
            values = merge(values, nested({name: parse(text)}))
        except yaml.YAMLError:
            raise UserError(f"--set {pair}: {text!r} is not a value in YAML; correct it.") from None
    return check(Settings, values, where)
