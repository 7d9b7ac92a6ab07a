"""Who is modelled: where the recordings of a person come from, and on which side the listener sits."""

from typing import Any, Literal

from l2l.config.load import Preset
from l2l.config.published import published
from l2l.config.section import Count, Section, key
from l2l.sides import Side


class Person(Section):
    """One person to model: where the recordings come from and on which side the listener sits."""

    rules = (
        ("listener is missing; add left or right", lambda p: p.listener or p.is_published or p.is_several),
        ("dataset is for source published; remove it", lambda p: p.is_published or not p.dataset),
        ("models released needs source published", lambda p: p.is_published or p.models == "trained"),
        ("sheet is for source videos; remove it", lambda p: p.source == "videos" or not p.sheet),
        ("source people and people (a list of names) need each other", lambda p: p.is_several == bool(p.people)),
        ("listener is each person's own; remove it here", lambda p: not (p.is_several and p.listener)),
        ("test_videos is each person's own; remove it here", lambda p: not (p.is_several and p.test_videos)),
        ("published data is split already; remove test_videos", lambda p: not (p.is_published and p.test_videos)),
    )
    source: Literal["videos", "demo", "published", "arrays", "people"] = key(
        "videos",
        "videos, arrays: data/raw/<person>/; demo: generated; published: an archive of the authors'; "
        "people: several others, in one model",
    )
    people: tuple[str, ...] = key((), "source people: whom one model is to know, by name")
    dataset: str | None = key(None, "published: whose data it is; default: the person's name")
    models: Literal["trained", "released"] = key("trained", "released: the authors' models, without training")
    listener: Side | None = key(None, "where the listener sits in the picture; published data says it itself")
    sheet: str | None = key(None, "videos: a sample sheet (.tsv) instead of the folder; see docs/scale.md")
    test_videos: tuple[str, ...] = key((), "recordings kept for testing, by file name without suffix")
    recordings_per_job: Count | None = key(None, "recordings of a job of a step; default: as for everybody")
    preset: Preset = key("modern", "modern: the settings as they are; released: the original's")
    overrides: dict[str, Any] = key({}, "settings that differ for this person")

    @property
    def is_published(self) -> bool:
        return self.source == "published"

    @property
    def is_several(self) -> bool:
        return self.source == "people"

    @property
    def has_videos(self) -> bool:
        """Whether this person's recordings are videos that are preprocessed here."""
        return self.source in ("videos", "demo")

    @property
    def listener_side(self) -> Side:
        return self.listener or "left"


def with_published(name: str, person: Any) -> Any:
    """The keys of one person; `dataset` and `listener` of a published one are filled in. Raises ValueError."""
    if not isinstance(person, dict) or person.get("source") != "published":
        return person
    dataset = person.get("dataset") or name
    if dataset not in published():
        raise ValueError(
            f"people.{name}.dataset: no data of {dataset!r} was published, only of {', '.join(published())}"
        )
    known = published()[dataset]
    if person.get("listener") not in (None, known.listener):
        raise ValueError(f"people.{name}.listener: the listener of {dataset} sits {known.listener}; remove the key")
    if person.get("models") == "released" and not known.models:
        raise ValueError(f"people.{name}.models: no models of {dataset} were released; train them")
    return {**person, "dataset": dataset, "listener": known.listener}
