"""Settings of the models: what they are, how they are trained, how futures are drawn from them."""

from typing import Annotated, Literal

from pydantic import Field

from l2l.config.section import Auto, Count, Device, Fraction, Positive, Precision, Section, Smoothing, Statistics, key

NotNegative = Annotated[float, Field(ge=0)]
NotNegativeInt = Annotated[int, Field(ge=0)]
Padding = Literal["replicate", "zeros"]
Schedule = Literal["cosine", "inverse_sqrt"]


class TrainingSettings(Section):
    """How long and how fast a model is trained; the defaults take minutes on one CPU core."""

    rules = (("warmup_steps must be at least 1 for inverse_sqrt", lambda t: t.schedule == "cosine" or t.warmup_steps),)
    batch_size: Count = key(32, "crops per step; of windows: windows")
    batches: Literal["mixed", "fixed"] = key("mixed", "mixed anew each epoch; fixed: the same rows, as released")
    learning_rate: Positive = key(2e-3, "peak learning rate")
    warmup_steps: int = key(50, "steps until the peak, linear", ge=0)
    schedule: Schedule = key("cosine", "after the peak; cosine: to zero at max_steps; or 1 / sqrt(step), as released")
    clip: float = key(1.0, "largest gradient norm of a step; 0: any", ge=0)
    max_steps: Auto | Count = key("auto", "stop after this many steps; auto: as many as the amount of data asks for")
    max_epochs: int = key(0, "stop after this many epochs; 0: no limit", ge=0)
    validate_every: int = key(100, "steps between two validations; 0: an epoch", ge=0)
    patience: int = key(0, "stop after this many validations without a better loss; 0: never", ge=0)
    validation_share: Fraction = key(0.2, "share of the recordings (or windows) held out for validation")
    precision: Precision = key("float32", "of products of matrices; tf32, bf16: faster where the device has it")
    checkpoint_minutes: float = key(5.0, "between two copies of the state; 0: only when stopped", ge=0, machine=True)
    threads: int = key(0, "CPU threads; 0 leaves it to torch or the workflow", ge=0, machine=True)
    device: Device = key("auto", "auto takes a GPU when there is one", machine=True)
    replay: bool = key(True, "on a GPU: record a step and replay it, which saves Python's time", machine=True)

    @property
    def steps(self) -> int:
        """`max_steps`, once it is known: see `l2l.patches.length`."""
        assert self.max_steps != "auto"
        return self.max_steps


class CodebookSettings(Section):
    """train-codebook: 8 frames of listener motion to a few codes and back."""

    rules = (("training.max_epochs must be 0: training has stages of max_steps", lambda c: not c.training.max_epochs),)
    width: Count = key(192, "channels of encoder and decoder")
    pose_latent: Count = key(16, "channels of the latent of head rotation and jaw")
    expression_latent: Count = key(24, "channels of the latent of expression")
    levels: Count = key(3, "codes of a patch in each of the two codecs, coarse to fine")
    codes: int = key(64, "entries of each level's codebook", ge=2)
    decay: Fraction = key(0.95, "of the moving averages that the codebooks follow")
    restart_below: int = key(2, "a code used less often in a step starts anew; 0: none does", ge=0)
    commitment: Positive = key(0.25, "weight of the encoder's commitment to its codes")
    warm_up: Annotated[float, Field(ge=0, lt=1)] = key(0.35, "share of training before the codes come in")
    noise: float = key(0.3, "std of the noise on the latent until then; the latent's own is 1", ge=0)
    acceleration: float = key(20.0, "weight of the squared error of acceleration, reached gradually", ge=0)
    rotation: Positive = key(2.0, "weight of a channel of head rotation; jaw and expression have 1")
    crop: Annotated[int, Field(ge=16, multiple_of=8)] = key(96, "frames of a training crop, a multiple of 8")
    weight_decay: float = key(1e-4, "of AdamW", ge=0)
    training: TrainingSettings = TrainingSettings()


class PredictorTrainingSettings(TrainingSettings):
    """How long and how fast a predictor is trained."""

    batch_size: Count = key(24, "crops per step")
    learning_rate: Positive = key(4e-3, "peak learning rate")


class BranchSettings(Section):
    """The speaker's branch of the predictor: what the speaker changes; trained when the rest is done."""

    width: Count = key(24, "channels that half a patch of features is reduced to")
    hidden: Count = key(32, "channels of its convolutions")
    dropout: Annotated[float, Field(ge=0, lt=1)] = key(0.4, "of what is heard, in training")
    input_dropout: Annotated[float, Field(ge=0, lt=1)] = key(0.1, "of features, in training")
    noise: float = key(0.3, "std of training noise on the features; their own is 1", ge=0)
    learning_rate: Positive = key(3e-3, "peak learning rate")
    weight_decay: float = key(0.05, "of AdamW", ge=0)
    steps: Auto | NotNegativeInt = key(
        "auto", "of training; auto: as the amount of data asks for; 0: the listener stays without a speaker"
    )


class PredictorSettings(Section):
    """train-predictor: past codes and the speaker to the codes of each next 8 frames."""

    rules = (
        ("width must be a multiple of twice the heads", lambda p: p.width == "auto" or p.width % (2 * p.heads) == 0),
    )
    width: Auto | Count = key("auto", "channels of the transformer; auto: as the amount of data asks for")
    layers: Auto | Count = key("auto", "layers of the transformer; auto: as the amount of data asks for")
    head_width: Auto | Count = key("auto", "inner width of each code's head; auto: as the amount of data asks for")
    heads: Count = key(4, "attention heads")
    expansion: Count = key(3, "inner width of the transformer's MLP, in widths")
    window: int = key(24, "patches that a layer sees, its own and those before it", ge=2)
    dropout: Annotated[float, Field(ge=0, lt=1)] = key(0.25, "in training")
    past_dropout: Fraction = key(0.5, "share of training sequences that lose some of their past codes")
    past_corruption: Fraction = key(0.05, "share of past patches in which half of the codes are replaced, in training")
    branch: BranchSettings = BranchSettings()
    strength: Auto | Positive = key(
        "auto", "of the speaker in drawing; auto: chosen on the training recordings; 1: as learned"
    )
    calibration_rounds: int = key(
        16, "after training, until what is drawn is as frequent as what is true; 0: none", ge=0
    )
    crop: Annotated[int, Field(ge=2)] = key(40, "patches of a training sequence")
    weight_decay: Auto | NotNegative = key("auto", "of AdamW; auto: as the amount of data asks for")
    training: PredictorTrainingSettings = PredictorTrainingSettings()


class WindowTrainingSettings(TrainingSettings):
    """How long and how fast a model of windows is trained."""

    learning_rate: Positive = key(4e-4, "peak learning rate")
    warmup_steps: int = key(200, "steps until the peak, linear", ge=0)
    max_steps: Count = key(20000, "stop after this many steps")
    validate_every: int = key(250, "steps between two validations; 0: an epoch", ge=0)
    patience: int = key(10, "stop after this many validations without a better loss; 0: never", ge=0)
    compile: bool = key(False, "on a GPU: compile the transformers' layers, which takes 15 seconds", machine=True)


class WindowCodebookSettings(Section):
    """train-codebook, architecture windows: a VQ-VAE of 32 frames of listener motion (paper section 3.2)."""

    rules = (
        ("hidden_size must be a multiple of heads", lambda c: c.hidden_size % c.heads == 0),
        ("hidden_size must be a multiple of 4", lambda c: c.hidden_size % 4 == 0),
    )
    hidden_size: int = key(256, "width of encoder, decoder and codes", ge=4)
    layers: Count = key(12, "transformer layers in encoder and in decoder")
    heads: Count = key(8, "attention heads")
    feedforward_size: Count = key(384, "inner width of the transformer's MLP")
    codes: int = key(200, "entries in the codebook", ge=2)
    commitment: Positive = key(0.25, "weight of the encoder's commitment to its codes")
    padding: Padding = key("replicate", "convolution padding")
    crops: Literal["random", "halves"] = key("random", "of a window; halves: only its two halves, as released")
    best: Literal["reconstruction", "total"] = key("reconstruction", "loss that decides; total: all of it, as released")
    training: WindowTrainingSettings = WindowTrainingSettings()


class WindowPredictorSettings(Section):
    """train-predictor, architecture windows: past codes and the speaker to the next codes (paper section 3.3)."""

    rules = (("hidden_size must be a multiple of heads", lambda p: p.hidden_size % p.heads == 0),)
    hidden_size: int = key(200, "width of the transformer over codes; the speaker's is twice that", ge=2)
    layers: Count = key(5, "layers of the transformer over codes and speaker")
    cross_layers: Count = key(2, "layers that join the speaker's audio and motion")
    heads: Count = key(10, "attention heads")
    feedforward_size: Count = key(128, "inner width of the transformer's MLP")
    padding: Padding = key("replicate", "convolution padding")
    masks: Literal["uniform", "released"] = key(
        "uniform", "visible past codes: 0..4; released: 0..20, 4 and more is all"
    )
    training: WindowTrainingSettings = WindowTrainingSettings()


class WindowsSettings(Section):
    """architecture windows, the paper's: how windows are prepared and held out, and the models."""

    smoothing: Smoothing = key("none", "of faces over time; bilateral: 5 frames, as released")
    statistics: Statistics = key("frames", "std of all frames; released: std over windows of their stds")
    holdout: Literal["video", "window"] = key("video", "validate on whole recordings; window: windows, as released")
    codebook: WindowCodebookSettings = WindowCodebookSettings()
    predictor: WindowPredictorSettings = WindowPredictorSettings()


class SamplingSettings(Section):
    """sample: several futures of the listener for each test window."""

    samples: Count = key(10, "futures drawn for each test window")
    temperature: Positive = key(1.0, "below 1 is safer, above 1 is wilder; the paper's: 0.7")
    top_p: float = key(1.0, "nucleus sampling: keep the likeliest codes up to this mass; the paper's: 0.9", gt=0, le=1)
    span: Literal["window", "sequence"] = key("window", "sequence: windows in a row are one", of="patches")
    past: Literal["real", "none"] = key("real", "the listener's first 32 frames are given; none: nothing, as released")
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
