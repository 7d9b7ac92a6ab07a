"""Settings of the models: what they are, how they are trained, how futures are drawn from them."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from l2l.config.section import Count, Device, Fraction, Positive, Section, Smoothing, Statistics, key


class TrainingSettings(Section):
    """How long and how fast a model is trained; the defaults take minutes on one CPU core."""

    batch_size: Count = Field(32, description="crops per step; of windows: windows")
    batches: Literal["mixed", "fixed"] = Field(
        "mixed", description="mixed anew each epoch; fixed: only their order changes, as released"
    )
    learning_rate: Positive = Field(2e-3, description="peak learning rate")
    warmup_steps: int = Field(50, ge=0, description="steps until the peak, linear")
    schedule: Literal["cosine", "inverse_sqrt"] = Field(
        "cosine", description="after the peak: a cosine to zero at max_steps; or 1 / sqrt(step), as released"
    )
    clip: float = Field(1.0, ge=0, description="largest gradient norm of a step; 0: any")
    max_steps: Count = Field(4000, description="stop after this many steps")
    max_epochs: int = Field(0, ge=0, description="stop after this many epochs; 0: no limit")
    validate_every: int = Field(100, ge=0, description="steps between two validations; 0: an epoch")
    patience: int = Field(0, ge=0, description="stop after this many validations without a better loss; 0: never")
    validation_share: Fraction = Field(0.2, description="share of the recordings (or windows) held out for validation")
    checkpoint_minutes: float = key(
        5.0, "minutes between two copies of the state, to resume from; 0: only when stopped", ge=0, machine=True
    )
    threads: int = key(0, "CPU threads; 0 leaves it to torch or the workflow", ge=0, machine=True)
    device: Device = key("auto", "auto takes a GPU when there is one", machine=True)

    @model_validator(mode="after")
    def _warms_up(self) -> "TrainingSettings":
        if self.schedule == "inverse_sqrt" and not self.warmup_steps:
            raise ValueError("warmup_steps must be at least 1 for the schedule inverse_sqrt")
        return self


class CodebookSettings(Section):
    """train-codebook: 8 frames of listener motion to a few codes and back."""

    width: Count = Field(192, description="channels of encoder and decoder")
    pose_latent: Count = Field(16, description="channels of the latent of head rotation and jaw")
    expression_latent: Count = Field(24, description="channels of the latent of expression")
    levels: Count = Field(3, description="codes of a patch in each of the two codecs, coarse to fine")
    codes: int = Field(64, ge=2, description="entries of each level's codebook")
    decay: Fraction = Field(0.95, description="of the moving averages that the codebooks follow")
    restart_below: int = Field(2, ge=0, description="a code used less often in a step starts anew; 0: none does")
    commitment: Positive = Field(0.25, description="weight of the encoder's commitment to its codes")
    warm_up: Annotated[float, Field(ge=0, lt=1)] = Field(0.35, description="share of training before the codes come in")
    noise: float = Field(0.3, ge=0, description="std of the noise on the latent until then; the latent's own is 1")
    acceleration: float = Field(
        20.0, ge=0, description="weight of the squared error of acceleration, reached gradually"
    )
    rotation: Positive = Field(2.0, description="weight of a channel of head rotation; jaw and expression have 1")
    crop: Annotated[int, Field(ge=16, multiple_of=8)] = Field(96, description="frames of a training crop")
    weight_decay: float = Field(1e-4, ge=0, description="of AdamW")
    training: TrainingSettings = Field(default_factory=TrainingSettings, description="see TrainingSettings")

    @model_validator(mode="after")
    def _by_steps(self) -> "CodebookSettings":
        if self.training.max_epochs:
            raise ValueError("max_epochs must be 0: a codebook of patches is trained in stages of max_steps")
        return self


class PredictorSettings(Section):
    """train-predictor: speaker and past codes to the codes of each next 8 frames."""

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
    loudness_jitter: float = Field(0.3, ge=0, description="std of a random shift of the loudness, in training")
    past_dropout: Fraction = Field(0.5, description="share of training sequences that lose some of their past codes")
    past_corruption: Fraction = Field(
        0.05, description="share of past patches in which half of the codes are replaced, in training"
    )
    speaker_dropout: Fraction = Field(0.1, description="share of training sequences without the speaker, for guidance")
    pose_guidance: float = Field(1.6, ge=0, description="strength of the speaker in drawing pose codes; 1: as learned")
    expression_guidance: float = Field(1.4, ge=0, description="strength of the speaker in drawing expression codes")
    calibration_rounds: int = Field(
        8, ge=0, description="rounds after training that make drawn codes as frequent as true ones; 0: none"
    )
    crop: Annotated[int, Field(ge=2)] = Field(40, description="patches of a training sequence")
    weight_decay: float = Field(0.1, ge=0, description="of AdamW")
    training: TrainingSettings = Field(default_factory=TrainingSettings, description="see TrainingSettings")

    @model_validator(mode="after")
    def _divisible(self) -> "PredictorSettings":
        if self.width % (2 * self.heads):
            raise ValueError("width must be a multiple of twice the heads")
        return self


class WindowTrainingSettings(TrainingSettings):
    """How long and how fast a model of windows is trained."""

    learning_rate: Positive = Field(4e-4, description="peak learning rate")
    warmup_steps: int = Field(200, ge=0, description="steps until the peak, linear")
    max_steps: Count = Field(20000, description="stop after this many steps")
    validate_every: int = Field(250, ge=0, description="steps between two validations; 0: an epoch")
    patience: int = Field(10, ge=0, description="stop after this many validations without a better loss; 0: never")


class WindowCodebookSettings(Section):
    """train-codebook, architecture windows: a VQ-VAE of 32 frames of listener motion (paper section 3.2)."""

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
    training: WindowTrainingSettings = Field(
        default_factory=WindowTrainingSettings, description="see WindowTrainingSettings"
    )

    @model_validator(mode="after")
    def _divisible(self) -> "WindowCodebookSettings":
        if self.hidden_size % self.heads or self.hidden_size % 4:
            raise ValueError("hidden_size must be a multiple of heads and of 4")
        return self


class WindowPredictorSettings(Section):
    """train-predictor, architecture windows: past codes and the speaker to the next codes (paper section 3.3)."""

    hidden_size: int = Field(200, ge=2, description="width of the transformer over codes; the speaker's is twice that")
    layers: Count = Field(5, description="layers of the transformer over codes and speaker")
    cross_layers: Count = Field(2, description="layers that join the speaker's audio and motion")
    heads: Count = Field(10, description="attention heads")
    feedforward_size: Count = Field(128, description="inner width of the transformer's MLP")
    padding: Literal["replicate", "zeros"] = Field("replicate", description="convolution padding")
    masks: Literal["uniform", "released"] = Field(
        "uniform", description="visible past codes: 0..4; released: 0..20, where 4 and more show all"
    )
    training: WindowTrainingSettings = Field(
        default_factory=WindowTrainingSettings, description="see WindowTrainingSettings"
    )

    @model_validator(mode="after")
    def _divisible(self) -> "WindowPredictorSettings":
        if self.hidden_size % self.heads:
            raise ValueError("hidden_size must be a multiple of heads")
        return self


class WindowsSettings(Section):
    """architecture windows, the paper's: how windows are prepared and held out, and the models."""

    smoothing: Smoothing = Field("none", description="of faces over time; bilateral: 5 frames, as released")
    statistics: Statistics = Field("frames", description="std of all frames; released: std over windows of their stds")
    holdout: Literal["video", "window"] = Field(
        "video", description="validate on whole recordings; window: on random windows, as released"
    )
    codebook: WindowCodebookSettings = Field(
        default_factory=WindowCodebookSettings, description="see WindowCodebookSettings"
    )
    predictor: WindowPredictorSettings = Field(
        default_factory=WindowPredictorSettings, description="see WindowPredictorSettings"
    )


class SamplingSettings(Section):
    """sample: several futures of the listener for each test window."""

    samples: Count = key(10, "futures drawn for each test window")
    temperature: Positive = key(1.0, "below 1 is safer, above 1 is wilder; the paper's: 0.7")
    top_p: float = key(1.0, "nucleus sampling: keep the likeliest codes up to this mass; the paper's: 0.9", gt=0, le=1)
    span: Literal["window", "sequence"] = key(
        "window", "each test window by itself, or windows that follow one another as one sequence", of="patches"
    )
    past: Literal["real", "none"] = key(
        "real", "real: the listener's first 32 frames are given; none: nothing is, as released"
    )
    positions: Literal["all", "first"] = key(
        "all", "all: 4 codes from one pass; first: 4 passes of 1 code, 8 frames apart, as released", of="windows"
    )
    reencode: bool = key(False, "positions first: past codes are decoded and encoded again, as released", of="windows")
    audio_step: Literal[4, 1] = key(
        4, "positions first: rows of audio per frame of advance; 1 lags behind, as released", of="windows"
    )
    sample_idx: int = key(
        -1, "k >= 0: keep the last of k + 1 different draws, no nucleus, as released; -1: off", ge=-1, of="windows"
    )
    batch_size: Count = key(64, "windows at a time", of="windows")  # of patches, it changes no draw
    whole_batches: bool = key(False, "leave out a last batch that is not full, as released", of="windows")
    max_windows: int = key(0, "sample only the first windows; 0: all; released: 1024", ge=0)
