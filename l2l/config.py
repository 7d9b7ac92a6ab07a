"""The typed configuration: one source for the command line, the workflow's schema and the docs.

- Every key has a default, a type, a range and a meaning; `config.yaml` repeats all of them for reading.
- `Settings` holds what the steps of one person do; `Config` is the whole file: settings, people, and their overrides.
- A step receives only its differences from the defaults, as `--set section.key=value` (see `differences`).
- Nothing heavy is imported here: the workflow validates before it builds its DAG.
"""

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from l2l.errors import UserError

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
S = TypeVar("S", bound="Section")


class Section(BaseModel):
    """A group of keys: unknown ones are refused, values are never changed after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)


class Video(Section):
    """normalise: every recording at 30 frames per second, its sound at 16 kHz."""

    max_height: int = Field(720, ge=144, description="taller pictures are scaled down to this many lines")
    crf: int = Field(
        18, ge=0, le=51, description="x264 quality when a recording must be encoded again; lower is better"
    )
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium"] = Field(
        "superfast", description="x264 speed when a recording must be encoded again"
    )


class Tracking(Section):
    """track: two faces with a left/right identity."""

    backend: Literal["mediapipe"] = Field("mediapipe", description="mediapipe: face mesh through LiteRT")
    min_score: Fraction = Field(0.5, description="a face below this score counts as missed")
    search_every: Count = Field(10, description="frames between two looks for a face that is missing")
    min_face: Fraction = Field(0.06, description="smallest face, as a fraction of the picture's height")
    bridge: int = Field(8, ge=0, description="gaps of at most this many frames are filled in")
    scene_cut: Fraction = Field(
        0.1, description="mean colour change (0..1) from one frame to the next that is a scene cut"
    )
    min_share: Fraction = Field(0.25, description="both people must be seen in this share of a recording")


class Diarization(Section):
    """diarize: who speaks, per frame."""

    backend: Literal["vad_lips"] = Field("vad_lips", description="vad_lips: silero-vad and lip motion")
    speech: Fraction = Field(0.5, description="voice activity above this is speech")
    window: Positive = Field(0.4, description="seconds over which lips and sound are compared")
    switch_cost: Positive = Field(6.0, description="evidence needed to change the speaker; higher is steadier")


class Separation(Section):
    """separate: each person's own speech."""

    backend: Literal["gating"] = Field("gating", description="gating: mute a person while the other speaks")
    fade: Positive = Field(0.03, description="seconds of fade at each change")


class Faces(Section):
    """faces: landmarks to (T, 184)."""

    backend: Literal["landmarks"] = Field("landmarks", description="landmarks: geometry of the tracked mesh")
    smoothing: int = Field(9, ge=0, description="frames of the Savitzky-Golay filter (order 2) over faces; 0: none")
    basis_frames: int = Field(20000, ge=200, description="training frames used to fit the expression basis")


class Mel(Section):
    """mel: 4 rows of 128 bands per video frame."""

    feature: Literal["power_mel", "log_mel", "mfcc"] = Field("power_mel", description="power_mel, log_mel or mfcc")
    window: int = Field(400, ge=16, description="analysis window, samples at 16 kHz")
    hop: int = Field(160, ge=16, description="step between windows, samples; must divide 1600")
    n_fft: int = Field(512, ge=32, description="points of the Fourier transform")
    f_min: float = Field(0.0, ge=0, description="lowest frequency, Hz")
    f_max: float = Field(8000.0, gt=0, le=8000, description="highest frequency, Hz")
    resize: Literal["lanczos", "cubic", "linear"] = Field("lanczos", description="interpolation to 4 rows per frame")

    @model_validator(mode="after")
    def _consistent(self) -> "Mel":
        if 1600 % self.hop:
            raise ValueError("hop must divide 1600, so that blocks of sound and of frames end together")
        if self.n_fft < self.window:
            raise ValueError("n_fft must be at least window")
        if self.f_max <= self.f_min:
            raise ValueError("f_max must be above f_min")
        return self


class Chunking(Section):
    """chunk: windows of 64 frames in which one person speaks and the other listens."""

    stride_train: Count = Field(32, description="frames between two training windows")
    stride_test: Count = Field(64, description="frames between two test windows; 64 is no overlap")
    max_pause: float = Field(1.0, ge=0, description="seconds of silence that do not end a turn")
    max_backchannel: float = Field(
        1.0, ge=0, description="an utterance at most this long inside a turn is a back-channel"
    )
    test_share: Fraction = Field(0.2, description="share of the recordings kept for testing (at least one of two)")


class Training(Section):
    """How long and how fast a model is trained."""

    batch_size: Count = Field(32, description="windows per step")
    learning_rate: Positive = Field(4e-4, description="peak learning rate")
    warmup_steps: int = Field(200, ge=0, description="steps until the peak, linear; then a cosine to zero at max_steps")
    max_steps: Count = Field(20000, description="stop after this many steps")
    validate_every: Count = Field(250, description="steps between two looks at the validation loss")
    patience: Count = Field(10, description="stop after this many looks without a better validation loss")
    validation_share: Fraction = Field(0.2, description="share of the training recordings held out for validation")
    threads: int = Field(0, ge=0, description="CPU threads; 0 leaves it to torch or the workflow")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto takes a GPU when there is one")


class Codebook(Section):
    """train-codebook: a VQ-VAE of 32 frames of listener motion (paper section 3.2)."""

    hidden_size: int = Field(256, ge=4, description="width of encoder, decoder and codes")
    layers: Count = Field(12, description="transformer layers in encoder and in decoder")
    heads: Count = Field(8, description="attention heads")
    feedforward_size: Count = Field(384, description="inner width of the transformer's MLP")
    codes: int = Field(200, ge=2, description="entries in the codebook")
    commitment: Positive = Field(0.25, description="weight of the encoder's commitment to its codes")
    padding: Literal["replicate", "zeros"] = Field("replicate", description="convolution padding")
    training: Training = Field(default_factory=Training, description="see Training")

    @model_validator(mode="after")
    def _divisible(self) -> "Codebook":
        if self.hidden_size % self.heads or self.hidden_size % 4:
            raise ValueError("hidden_size must be a multiple of heads and of 4")
        return self


class Predictor(Section):
    """train-predictor: past listener codes + speaker motion and audio to the next codes (paper section 3.3)."""

    hidden_size: int = Field(200, ge=2, description="width of the transformer over codes; the speaker's is twice that")
    layers: Count = Field(5, description="layers of the transformer over codes and speaker")
    cross_layers: Count = Field(2, description="layers that join the speaker's audio and motion")
    heads: Count = Field(10, description="attention heads")
    feedforward_size: Count = Field(128, description="inner width of the transformer's MLP")
    padding: Literal["replicate", "zeros"] = Field("replicate", description="convolution padding")
    training: Training = Field(default_factory=Training, description="see Training")

    @model_validator(mode="after")
    def _divisible(self) -> "Predictor":
        if self.hidden_size % self.heads:
            raise ValueError("hidden_size must be a multiple of heads")
        return self


class Sampling(Section):
    """sample: several futures of the listener for each test window."""

    samples: Count = Field(10, description="futures drawn for each test window")
    temperature: Positive = Field(0.7, description="below 1 is safer, above 1 is wilder")
    top_p: float = Field(0.9, gt=0, le=1, description="nucleus sampling: keep the likeliest codes up to this mass")
    past: Literal["real", "none"] = Field(
        "real", description="real: the listener's first 32 frames are given; none: nothing is"
    )


class Evaluation(Section):
    """evaluate: eval.json."""

    bootstrap: int = Field(1000, ge=10, description="resamplings over recordings for the 95 % intervals")


class Preview(Section):
    """preview: the first look at a test recording."""

    seconds: Positive = Field(20.0, description="length of preview.mp4")


class Demo(Section):
    """demo-video: the generated conversation."""

    recordings: int = Field(6, ge=2, description="number of recordings")
    seconds: Annotated[float, Field(ge=8, le=600)] = Field(36.0, description="length of each")
    nod_probability: Fraction = Field(0.6, description="chance of a nod within 0.5 s of a speaker's pause")
    smile_probability: Fraction = Field(0.8, description="chance that a speaker's smile is returned")
    smile_lag: Positive = Field(0.8, description="seconds from a speaker's smile to the listener's")


class Settings(Section):
    """All that the steps of one person need to know."""

    seed: int = Field(0, ge=0, lt=2**31, description="every random draw follows from it")
    video: Video = Field(default_factory=Video, description="see Video")
    tracking: Tracking = Field(default_factory=Tracking, description="see Tracking")
    diarization: Diarization = Field(default_factory=Diarization, description="see Diarization")
    separation: Separation = Field(default_factory=Separation, description="see Separation")
    faces: Faces = Field(default_factory=Faces, description="see Faces")
    mel: Mel = Field(default_factory=Mel, description="see Mel")
    chunking: Chunking = Field(default_factory=Chunking, description="see Chunking")
    codebook: Codebook = Field(default_factory=Codebook, description="see Codebook")
    predictor: Predictor = Field(default_factory=Predictor, description="see Predictor")
    sampling: Sampling = Field(default_factory=Sampling, description="see Sampling")
    evaluation: Evaluation = Field(default_factory=Evaluation, description="see Evaluation")
    preview: Preview = Field(default_factory=Preview, description="see Preview")
    demo: Demo = Field(default_factory=Demo, description="see Demo")


class Person(Section):
    """One person to model: where the recordings come from and on which side the listener sits."""

    listener: Literal["left", "right"] = Field(description="left: p0 listens; right: p1 listens")
    source: Literal["videos", "demo"] = Field("videos", description="videos: data/raw/<person>/; demo: generated")
    test_videos: tuple[str, ...] = Field((), description="recordings kept for testing, by file name without suffix")
    overrides: dict[str, Any] = Field(default_factory=dict, description="settings that differ for this person")

    @property
    def listener_side(self) -> Literal["p0", "p1"]:
        return "p0" if self.listener == "left" else "p1"


class Config(Settings):
    """config.yaml: the settings of everyone, the people, and what differs for each of them."""

    people: dict[str, Person] = Field(default_factory=dict, description="the people to model, by name")

    @field_validator("people")
    @classmethod
    def _names(cls, people: dict[str, Person]) -> dict[str, Person]:
        for name in people:
            # A name becomes a folder and a wildcard of the workflow.
            if not name or not all(c.isalnum() or c in "_-" for c in name):
                raise ValueError(f"the name {name!r} may hold only letters, digits, _ and -")
            if name == "raw":
                raise ValueError("the name 'raw' is taken: data/raw/ holds the recordings")
        return people

    def settings(self, person: str) -> Settings:
        """The settings of one person: everyone's, changed by the person's overrides."""
        base = self.model_dump(exclude={"people"})
        where = f"people.{person}.overrides"
        return _validate(Settings, merge(base, self.people[person].overrides), where)


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


def differences(settings: Settings, sections: tuple[str, ...]) -> list[str]:
    """`section.key=value` for every value of these sections (or plain keys) that is not the default."""
    default, found = Settings().model_dump(), []

    def walk(prefix: str, value: Any, usual: Any) -> None:
        if isinstance(value, dict):
            for key in value:
                walk(f"{prefix}.{key}", value[key], usual[key])
        elif value != usual:
            found.append(f"{prefix}={value}")

    values = settings.model_dump()
    for section in sections:
        walk(section, values[section], default[section])
    return found


def from_differences(pairs: list[str], path: str | Path | None = None) -> Settings:
    """Settings from a file (optional; its `people` are left out) and `section.key=value` pairs laid over it."""
    values = load(path) if path else {}
    values.pop("people", None)
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise UserError(f"--set {pair}: write it as section.key=value.")
        value: Any = yaml.safe_load(text)
        for part in reversed(key.split(".")):
            value = {part: value}
        values = merge(values, value)
    return _validate(Settings, values, str(path) if path and not pairs else "settings")
