"""Settings: what each step of the road can be told, one section per step.

Every key has a default, a type, a range and a meaning; `config.yaml` repeats all of them for reading.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from l2l import backends

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Smoothing = Literal["none", "bilateral"]
Statistics = Literal["frames", "released"]
Architecture = Literal["patches", "windows"]


class Section(BaseModel):
    """A group of keys: unknown ones are refused, values are never changed after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)


def backend(step: str, default: str) -> Any:
    """The key that names a step's backend."""
    names: Any = list(backends.BACKENDS[step])
    return Field(default, description=backends.described(step), json_schema_extra={"enum": names})


class Step(Section):
    """A step with backends to choose from."""

    step: ClassVar[str]

    @field_validator("backend", check_fields=False)
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in backends.BACKENDS[cls.step]:
            raise ValueError(f"no such backend; there are {', '.join(backends.BACKENDS[cls.step])}")
        return name


class Video(Section):
    """normalise: every recording at 30 frames per second, its sound at 16 kHz."""

    max_height: int = Field(720, ge=144, description="taller pictures are scaled down to this many lines")
    crf: int = Field(
        18, ge=0, le=51, description="x264 quality when a recording must be encoded again; lower is better"
    )
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium"] = Field(
        "superfast", description="x264 speed when a recording must be encoded again"
    )


class Tracking(Step):
    """track: two faces with a left/right identity."""

    step = "tracking"
    backend: str = backend("tracking", "mediapipe")
    min_score: Fraction = Field(0.5, description="a face below this score counts as missed")
    search_every: Count = Field(10, description="frames between two looks for a face that is missing")
    min_face: Fraction = Field(0.06, description="smallest face, as a fraction of the picture's height")
    bridge: int = Field(8, ge=0, description="gaps of at most this many frames are filled in")
    scene_cut: Fraction = Field(
        0.1, description="mean colour change (0..1) from one frame to the next that is a scene cut"
    )
    min_share: Fraction = Field(0.25, description="both people must be seen in this share of a recording")


class FaceCrops(Section):
    """Face crops at 25 frames per second, for networks that look at mouths."""

    detector: Literal["tracks", "s3fd"] = Field(
        "tracks",
        description="tracks: the tracker's boxes; s3fd: the detector of SyncNet's pipeline (needs its weights)",
    )
    min_frames: int = Field(12, ge=12, description="face tracks of so few frames (25 per second) are left out")
    min_size: float = Field(0.0, ge=0, description="faces of so few pixels are left out")
    batch_size: Count = Field(8, description="what is looked at together")
    threads: Count = Field(1, description="CPU threads")


class SyncNet(FaceCrops):
    """Backend syncnet."""

    min_frames: int = Field(100, ge=12, description="face tracks of so few frames (25 per second) are left out")
    min_size: float = Field(100.0, ge=0, description="faces of so few pixels are left out")
    batch_size: Count = Field(8, description="windows of five frames looked at together")
    shift: int = Field(15, ge=1, le=50, description="frames by which sound and lips are shifted, either way")
    floor: float = Field(0.0, description="score below which nobody speaks")


class LightAsd(FaceCrops):
    """Backend light_asd."""

    batch_size: Count = Field(2, description="seconds looked at together")
    margin: float = Field(1.0, ge=0, description="who scores lower than the other by more than this does not speak")
    windows: list[Annotated[int, Field(ge=1, le=6)]] = Field(
        [1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6], min_length=1, description="seconds; scores are means over these cuts"
    )


class Diarization(Step):
    """diarize: who speaks, per frame."""

    step = "diarization"
    backend: str = backend("diarization", "vad_lips")
    speech: Fraction = Field(0.5, description="voice activity above this is speech")
    window: Positive = Field(0.4, description="seconds over which lips and sound are compared")
    switch_cost: Positive = Field(6.0, description="evidence needed to change the speaker; higher is steadier")
    syncnet: SyncNet = Field(default_factory=SyncNet, description="see SyncNet")
    light_asd: LightAsd = Field(default_factory=LightAsd, description="see LightAsd")


class Multisensory(Section):
    """Backend multisensory."""

    window: Literal[1, 2, 4, 8] = Field(1, description="length of a window, times 2.1 seconds")
    overlap: float = Field(0.5, ge=0.05, le=0.75, description="share of a window that the next one covers too")
    level: bool = Field(True, description="at the mixture's level; false: the original's, 1.5 x a fixed loudness")
    batch_size: Count = Field(1, description="windows looked at together; each takes about 0.3 GB")
    threads: Count = Field(1, description="CPU threads")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto takes a GPU when there is one")


class Separation(Step):
    """separate: each person's own speech."""

    step = "separation"
    backend: str = backend("separation", "gating")
    fade: Positive = Field(0.03, description="gating: seconds of fade at each change")
    multisensory: Multisensory = Field(default_factory=Multisensory, description="see Multisensory")


class Deca(Section):
    """faces, backend deca."""

    landmarks: Literal["auto", "fan", "mesh"] = Field(
        "auto", description="what the crop is made around: FAN's landmarks, or the tracked mesh's; auto: FAN's if there"
    )
    detector: Literal["tracks", "s3fd"] = Field(
        "tracks", description="where FAN looks: at the tracked faces, or at what S3FD finds there, as the original"
    )
    detail: bool = Field(True, description="the last 128 columns; false: zeros, in half the time (no model reads them)")
    smoothing: int = Field(0, ge=0, description="as faces.smoothing; 0: none, as in the published data")
    batch_size: Count = Field(16, description="faces at a time")
    threads: int = Field(1, ge=0, description="CPU threads; 0 leaves it to torch")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto takes a GPU when there is one")


class Faces(Step):
    """faces: landmarks to (T, 184)."""

    step = "faces"
    backend: str = backend("faces", "landmarks")
    smoothing: int = Field(
        9, ge=0, description="frames of the Savitzky-Golay filter (order 2) over faces; 0: none; deca has its own"
    )
    basis_videos: Count = Field(200, description="training recordings used to fit the expression basis, at most")
    basis_frames: int = Field(20000, ge=200, description="training frames used to fit the expression basis")
    deca: Deca = Field(default_factory=Deca, description="see Deca")


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
    min_tracked: Fraction = Field(0.25, description="batches: recordings with both faces in fewer frames are excluded")
    min_speech: Fraction = Field(0.05, description="batches: recordings with speech in fewer frames are excluded")
    test_share: Fraction = Field(0.2, description="share of the recordings kept for testing (at least one of two)")


class Windows(Section):
    """What is done to windows of 64 frames before a model sees them, and which of them are held out."""

    smoothing: Smoothing = Field("none", description="of faces over time; bilateral: 5 frames, as released")
    statistics: Statistics = Field("frames", description="std of all frames; released: std over windows of their stds")
    holdout: Literal["video", "window"] = Field(
        "video", description="validate on whole recordings; window: on random windows, as released"
    )


class Training(Section):
    """How long and how fast a model is trained."""

    batch_size: Count = Field(32, description="windows per step; of patches: crops")
    batches: Literal["mixed", "fixed"] = Field(
        "mixed", description="mixed anew each epoch; fixed: only their order changes, as released"
    )
    learning_rate: Positive = Field(4e-4, description="peak learning rate")
    warmup_steps: int = Field(200, ge=0, description="steps until the peak, linear")
    schedule: Literal["cosine", "inverse_sqrt"] = Field(
        "cosine", description="after the peak: a cosine to zero at max_steps; or 1 / sqrt(step), as released"
    )
    clip: float = Field(1.0, ge=0, description="largest gradient norm of a step; 0: any")
    max_steps: Count = Field(20000, description="stop after this many steps")
    max_epochs: int = Field(0, ge=0, description="stop after this many epochs; 0: no limit")
    validate_every: int = Field(250, ge=0, description="steps between two looks at the validation loss; 0: an epoch")
    patience: int = Field(10, ge=0, description="stop after this many looks without a better loss; 0: never")
    validation_share: Fraction = Field(0.2, description="share of the recordings (or windows) held out for validation")
    checkpoint_minutes: float = Field(
        5.0, ge=0, description="minutes between two copies of the state, to resume from; 0: only when stopped"
    )
    threads: int = Field(0, ge=0, description="CPU threads; 0 leaves it to torch or the workflow")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto takes a GPU when there is one")

    @model_validator(mode="after")
    def _warms_up(self) -> "Training":
        if self.schedule == "inverse_sqrt" and not self.warmup_steps:
            raise ValueError("warmup_steps must be at least 1 for the schedule inverse_sqrt")
        return self


class Codebook(Section):
    """train-codebook: a VQ-VAE of 32 frames of listener motion (paper section 3.2)."""

    hidden_size: int = Field(256, ge=4, description="width of encoder, decoder and codes")
    layers: Count = Field(12, description="transformer layers in encoder and in decoder")
    heads: Count = Field(8, description="attention heads")
    feedforward_size: Count = Field(384, description="inner width of the transformer's MLP")
    codes: int = Field(200, ge=2, description="entries in the codebook")
    commitment: Positive = Field(0.25, description="weight of the encoder's commitment to its codes")
    padding: Literal["replicate", "zeros"] = Field("replicate", description="convolution padding")
    crops: Literal["random", "halves"] = Field(
        "random", description="from anywhere in a window; halves: only its two halves, as released"
    )
    best: Literal["reconstruction", "total"] = Field(
        "reconstruction",
        description="validation loss that decides; total: with the quantizer's, as released",
    )
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
    masks: Literal["uniform", "released"] = Field(
        "uniform", description="visible past codes: 0..4; released: 0..20, where 4 and more show all"
    )
    training: Training = Field(default_factory=Training, description="see Training")

    @model_validator(mode="after")
    def _divisible(self) -> "Predictor":
        if self.hidden_size % self.heads:
            raise ValueError("hidden_size must be a multiple of heads")
        return self


class PatchTraining(Training):
    """How long and how fast a model of patches is trained: minutes on one CPU core."""

    learning_rate: Positive = Field(2e-3, description="peak learning rate")
    warmup_steps: int = Field(50, ge=0, description="steps until the peak, linear")
    max_steps: Count = Field(2500, description="stop after this many steps")
    validate_every: int = Field(100, ge=0, description="steps between two looks at the validation loss; 0: an epoch")
    patience: int = Field(0, ge=0, description="stop after this many looks without a better loss; 0: never")


class PatchCodebook(Section):
    """train-codebook, architecture patches: 8 frames of listener motion to a few codes and back."""

    width: Count = Field(192, description="channels of encoder and decoder")
    pose_latent: Count = Field(16, description="channels of the latent of head rotation and jaw")
    expression_latent: Count = Field(24, description="channels of the latent of expression")
    levels: Count = Field(3, description="codes of a patch in each of the two codecs, coarse to fine")
    codes: int = Field(64, ge=2, description="entries of each level's codebook")
    decay: Fraction = Field(0.95, description="of the moving averages that the codebooks follow")
    revive: int = Field(2, ge=0, description="a code used less than this often in a step is replaced; 0: never")
    commitment: Positive = Field(0.25, description="weight of the encoder's commitment to its codes")
    warm_up: Annotated[float, Field(ge=0, lt=1)] = Field(0.35, description="share of training before the codes come in")
    noise: float = Field(0.3, ge=0, description="std of the noise on the latent until then; the latent's own is 1")
    acceleration: float = Field(2.0, ge=0, description="weight of the squared error of acceleration, reached gradually")
    rotation: Positive = Field(2.0, description="weight of a channel of head rotation; jaw and expression have 1")
    crop: Annotated[int, Field(ge=16, multiple_of=8)] = Field(96, description="frames of a training crop")
    weight_decay: float = Field(1e-4, ge=0, description="of AdamW")
    training: PatchTraining = Field(default_factory=PatchTraining, description="see Training")

    @model_validator(mode="after")
    def _by_steps(self) -> "PatchCodebook":
        if self.training.max_epochs:
            raise ValueError("max_epochs must be 0: a codebook of patches is trained in stages of max_steps")
        return self


class PatchPredictor(Section):
    """train-predictor, architecture patches: speaker and past codes to the codes of each next 8 frames."""

    width: Count = Field(96, description="channels of the transformer")
    layers: Count = Field(3, description="layers of the transformer")
    heads: Count = Field(4, description="attention heads")
    expansion: Count = Field(3, description="inner width of the transformer's MLP, in widths")
    head_width: Count = Field(128, description="inner width of each code's head")
    window: int = Field(24, ge=2, description="patches that a layer sees, its own and those before it")
    motion_channels: Count = Field(6, description="channels that a frame of the speaker's motion is reduced to")
    audio_channels: Count = Field(3, description="channels that a frame of the speaker's sound is reduced to")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.25, description="in training")
    noise: float = Field(0.5, ge=0, description="std of training noise on the speaker's motion and sound")
    level: float = Field(0.3, ge=0, description="std of a random level shift of the sound, in training")
    forget: Fraction = Field(0.5, description="share of training sequences that lose some of their past codes")
    corrupt: Fraction = Field(0.05, description="share of past patches half of whose codes are replaced, in training")
    deaf: Fraction = Field(0.1, description="share of training sequences without the speaker, for guidance")
    pose_guidance: float = Field(1.5, ge=0, description="strength of the speaker in drawing pose codes; 1: as learned")
    expression_guidance: float = Field(1.2, ge=0, description="strength of the speaker in drawing expression codes")
    crop: Annotated[int, Field(ge=2)] = Field(40, description="patches of a training sequence")
    weight_decay: float = Field(0.1, ge=0, description="of AdamW")
    training: PatchTraining = Field(default_factory=PatchTraining, description="see Training")

    @model_validator(mode="after")
    def _divisible(self) -> "PatchPredictor":
        if self.width % (2 * self.heads):
            raise ValueError("width must be a multiple of twice the heads")
        return self


class Sampling(Section):
    """sample: several futures of the listener for each test window."""

    samples: Count = Field(10, description="futures drawn for each test window")
    temperature: Positive = Field(0.7, description="below 1 is safer, above 1 is wilder; for patches: 1")
    top_p: float = Field(
        0.9, gt=0, le=1, description="nucleus sampling: keep the likeliest codes up to this mass; for patches: 1"
    )
    span: Literal["window", "sequence"] = Field(
        "window", description="patches: each test window by itself, or windows that follow one another as one sequence"
    )
    past: Literal["real", "none"] = Field(
        "real", description="real: the listener's first 32 frames are given; none: nothing is, as released"
    )
    positions: Literal["all", "first"] = Field(
        "all", description="all: 4 codes from one pass; first: 4 passes of 1 code, 8 frames apart, as released"
    )
    reencode: bool = Field(False, description="positions first: past codes are decoded and encoded again, as released")
    audio_step: Literal[4, 1] = Field(
        4, description="positions first: rows of audio per frame of advance; 1 lags behind, as released"
    )
    sample_idx: int = Field(
        -1, ge=-1, description="k >= 0: keep the last of k + 1 different draws, no nucleus, as released; -1: off"
    )
    batch_size: Count = Field(64, description="windows at a time")
    whole_batches: bool = Field(False, description="leave out a last batch that is not full, as released")
    max_windows: int = Field(0, ge=0, description="sample only the first windows; 0: all; released: 1024")


class Evaluation(Section):
    """evaluate: eval.json."""

    bootstrap: int = Field(1000, ge=10, description="resamplings over recordings for the 95 % intervals")
    shifts: Count = Field(100, description="gain: other moments of the speaker that each window is asked with")
    shift_seconds: Positive = Field(4.0, description="gain: how far away these moments are, at least")
    event_window: Positive = Field(0.5, description="seconds between an event and the true one it is matched with")


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
    architecture: Architecture = Field(
        "windows", description="of both models; windows: the paper's, 32 frames; patches: 8 frames each, any length"
    )
    video: Video = Field(default_factory=Video, description="see Video")
    tracking: Tracking = Field(default_factory=Tracking, description="see Tracking")
    diarization: Diarization = Field(default_factory=Diarization, description="see Diarization")
    separation: Separation = Field(default_factory=Separation, description="see Separation")
    faces: Faces = Field(default_factory=Faces, description="see Faces")
    mel: Mel = Field(default_factory=Mel, description="see Mel")
    chunking: Chunking = Field(default_factory=Chunking, description="see Chunking")
    windows: Windows = Field(default_factory=Windows, description="see Windows")
    codebook: Codebook = Field(default_factory=Codebook, description="see Codebook")
    predictor: Predictor = Field(default_factory=Predictor, description="see Predictor")
    patch_codebook: PatchCodebook = Field(default_factory=PatchCodebook, description="see PatchCodebook")
    patch_predictor: PatchPredictor = Field(default_factory=PatchPredictor, description="see PatchPredictor")
    sampling: Sampling = Field(default_factory=Sampling, description="see Sampling")
    evaluation: Evaluation = Field(default_factory=Evaluation, description="see Evaluation")
    preview: Preview = Field(default_factory=Preview, description="see Preview")
    demo: Demo = Field(default_factory=Demo, description="see Demo")

    @model_validator(mode="after")
    def _windows(self) -> "Settings":
        if self.architecture == "patches" and (self.windows.smoothing, self.windows.statistics) != ("none", "frames"):
            raise ValueError(
                "windows.smoothing and windows.statistics other than the defaults need architecture windows"
            )
        return self
