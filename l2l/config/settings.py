"""Settings: what each step of the road can be told, one section per step.

Every key has a default, a type, a range and a meaning; `config.yaml` repeats all of them for reading.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from l2l.config.models import (
    CodebookSettings,
    PredictorSettings,
    SamplingSettings,
    WindowsSettings,
)
from l2l.config.section import Architecture, Count, Fraction, Positive, Section, Step, backend


class VideoSettings(Section):
    """normalise: every recording at 30 frames per second, its sound at 16 kHz."""

    max_height: int = Field(720, ge=144, description="taller pictures are scaled down to this many lines")
    crf: int = Field(
        18, ge=0, le=51, description="x264 quality when a recording must be encoded again; lower is better"
    )
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium"] = Field(
        "superfast", description="x264 speed when a recording must be encoded again"
    )


class TrackingSettings(Step):
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


class FaceCropsSettings(Section):
    """Face crops at 25 frames per second, for networks that look at mouths."""

    detector: Literal["tracks", "s3fd"] = Field(
        "tracks",
        description="tracks: the tracker's boxes; s3fd: the detector of SyncNet's pipeline (needs its weights)",
    )
    min_frames: int = Field(12, ge=12, description="face tracks of so few frames (25 per second) are left out")
    min_size: float = Field(0.0, ge=0, description="faces of so few pixels are left out")
    batch_size: Count = Field(8, description="what is looked at together")
    threads: Count = Field(1, description="CPU threads")


class SyncNetSettings(FaceCropsSettings):
    """Backend syncnet."""

    min_frames: int = Field(100, ge=12, description="face tracks of so few frames (25 per second) are left out")
    min_size: float = Field(100.0, ge=0, description="faces of so few pixels are left out")
    batch_size: Count = Field(8, description="windows of five frames looked at together")
    shift: int = Field(15, ge=1, le=50, description="frames by which sound and lips are shifted, either way")
    floor: float = Field(0.0, description="score below which nobody speaks")


class LightAsdSettings(FaceCropsSettings):
    """Backend light_asd."""

    batch_size: Count = Field(2, description="seconds looked at together")
    margin: float = Field(1.0, ge=0, description="who scores lower than the other by more than this does not speak")
    windows: list[Annotated[int, Field(ge=1, le=6)]] = Field(
        [1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6], min_length=1, description="seconds; scores are means over these cuts"
    )


class DiarizationSettings(Step):
    """diarize: who speaks, per frame."""

    step = "diarization"
    backend: str = backend("diarization", "vad_lips")
    speech: Fraction = Field(0.5, description="voice activity above this is speech")
    window: Positive = Field(0.4, description="seconds over which lips and sound are compared")
    switch_cost: Positive = Field(6.0, description="evidence needed to change the speaker; higher is steadier")
    syncnet: SyncNetSettings = Field(default_factory=SyncNetSettings, description="see SyncNetSettings")
    light_asd: LightAsdSettings = Field(default_factory=LightAsdSettings, description="see LightAsdSettings")


class MultisensorySettings(Section):
    """Backend multisensory."""

    window: Literal[1, 2, 4, 8] = Field(1, description="length of a window, times 2.1 seconds")
    overlap: float = Field(0.5, ge=0.05, le=0.75, description="share of a window that the next one covers too")
    level: bool = Field(True, description="at the mixture's level; false: the original's, 1.5 x a fixed loudness")
    batch_size: Count = Field(1, description="windows looked at together; each takes about 0.3 GB")
    threads: Count = Field(1, description="CPU threads")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto takes a GPU when there is one")


class SeparationSettings(Step):
    """separate: each person's own speech."""

    step = "separation"
    backend: str = backend("separation", "gating")
    fade: Positive = Field(0.03, description="gating: seconds of fade at each change")
    multisensory: MultisensorySettings = Field(
        default_factory=MultisensorySettings, description="see MultisensorySettings"
    )


class DecaSettings(Section):
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


class FacesSettings(Step):
    """faces: landmarks to (T, 184)."""

    step = "faces"
    backend: str = backend("faces", "landmarks")
    smoothing: int = Field(
        9, ge=0, description="frames of the Savitzky-Golay filter (order 2) over faces; 0: none; deca has its own"
    )
    basis_videos: Count = Field(200, description="training recordings used to fit the expression basis, at most")
    basis_frames: int = Field(20000, ge=200, description="training frames used to fit the expression basis")
    deca: DecaSettings = Field(default_factory=DecaSettings, description="see DecaSettings")


class MelSettings(Section):
    """mel: 4 rows of 128 bands per video frame."""

    feature: Literal["power_mel", "log_mel", "mfcc"] = Field("power_mel", description="power_mel, log_mel or mfcc")
    window: int = Field(400, ge=16, description="analysis window, samples at 16 kHz")
    hop: int = Field(160, ge=16, description="step between windows, samples; must divide 1600")
    n_fft: int = Field(512, ge=32, description="points of the Fourier transform")
    f_min: float = Field(0.0, ge=0, description="lowest frequency, Hz")
    f_max: float = Field(8000.0, gt=0, le=8000, description="highest frequency, Hz")
    resize: Literal["lanczos", "cubic", "linear"] = Field("lanczos", description="interpolation to 4 rows per frame")

    @model_validator(mode="after")
    def _consistent(self) -> "MelSettings":
        if 1600 % self.hop:
            raise ValueError("hop must divide 1600, so that blocks of sound and of frames end together")
        if self.n_fft < self.window:
            raise ValueError("n_fft must be at least window")
        if self.f_max <= self.f_min:
            raise ValueError("f_max must be above f_min")
        return self


class ChunkingSettings(Section):
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


class EvaluationSettings(Section):
    """evaluate: eval.json."""

    bootstrap: int = Field(1000, ge=10, description="resamplings over recordings for the 95 % intervals")
    shifts: Count = Field(100, description="gain: other moments of the speaker that each window is asked with")
    shift_seconds: Positive = Field(4.0, description="gain: how far away these moments are, at least")
    event_window: Positive = Field(0.5, description="seconds between an event and the true one it is matched with")


class PreviewSettings(Section):
    """preview: the first look at a test recording."""

    seconds: Positive = Field(20.0, description="length of preview.mp4")


class DemoSettings(Section):
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
        "patches", description="of both models; patches: 8 frames each, any length; windows: the paper's, 32 frames"
    )
    video: VideoSettings = Field(default_factory=VideoSettings, description="see VideoSettings")
    tracking: TrackingSettings = Field(default_factory=TrackingSettings, description="see TrackingSettings")
    diarization: DiarizationSettings = Field(default_factory=DiarizationSettings, description="see DiarizationSettings")
    separation: SeparationSettings = Field(default_factory=SeparationSettings, description="see SeparationSettings")
    faces: FacesSettings = Field(default_factory=FacesSettings, description="see FacesSettings")
    mel: MelSettings = Field(default_factory=MelSettings, description="see MelSettings")
    chunking: ChunkingSettings = Field(default_factory=ChunkingSettings, description="see ChunkingSettings")
    codebook: CodebookSettings = Field(default_factory=CodebookSettings, description="see CodebookSettings")
    predictor: PredictorSettings = Field(default_factory=PredictorSettings, description="see PredictorSettings")
    windows: WindowsSettings = Field(default_factory=WindowsSettings, description="see WindowsSettings")
    sampling: SamplingSettings = Field(default_factory=SamplingSettings, description="see SamplingSettings")
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings, description="see EvaluationSettings")
    preview: PreviewSettings = Field(default_factory=PreviewSettings, description="see PreviewSettings")
    demo: DemoSettings = Field(default_factory=DemoSettings, description="see DemoSettings")
