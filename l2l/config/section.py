"""What every section of the settings is made of: strictness, ranges, and the key that names a step's backend."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from l2l import backends

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Auto = Literal["auto"]  # the amount of data decides
Smoothing = Literal["none", "bilateral"]
Statistics = Literal["frames", "released"]
Architecture = Literal["patches", "windows"]
KNOW_NO_SPEAKER = ("patches",)  # architectures that can be asked without a speaker
KNOW_SEVERAL = ("patches",)  # architectures of which one model may know several people
KNOW_CONVERSATIONS = ("patches",)  # architectures that take whole conversations where there are some
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["float32", "tf32", "bf16"]


class Section(BaseModel):
    """A group of keys: unknown ones are refused, values are never changed after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)
    rules: ClassVar[tuple[tuple[str, Callable[[Any], Any]], ...]] = ()  # what is said when a function is false

    @model_validator(mode="after")
    def _follows_rules(self) -> "Section":
        for sentence, holds in self.rules:
            if not holds(self):
                raise ValueError(sentence)
        return self


def key(default: Any, meaning: str, *, of: str | None = None, machine: bool = False, **limits: Any) -> Any:
    """A key: its default, its meaning, its limits, and when it decides a result (see `l2l.config.differences`).

    of: the one backend or architecture whose results depend on it. machine: no result depends on it, only where and
    how fast it comes.
    """
    marks: Any = ({"of": of} if of else {}) | ({"machine": True} if machine else {})
    return Field(default, description=meaning, json_schema_extra=marks, **limits)


class Step(Section):
    """A step with backends to choose from."""

    step: ClassVar[str]

    @field_validator("backend", check_fields=False)
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in backends.BACKENDS[cls.step]:
            raise ValueError(f"no such backend; there are {', '.join(backends.BACKENDS[cls.step])}")
        return name


def backend(step: str, default: str) -> Any:
    """The key that names a step's backend."""
    known = backends.BACKENDS[step]
    meaning = "; ".join(f"{name}: {backend.what}" for name, backend in known.items())
    return Field(default, description=meaning, json_schema_extra={"enum": [*known]})
