"""Settings of each step, one section per step; docs/settings.md lists every key with its default and meaning."""

from typing import Annotated, Literal

from pydantic import Field

from l2l.config.models import CodebookSettings, PredictorSettings, SamplingSettings, WindowsSettings
from l2l.config.section import Architecture, Auto, Count, Device, Fraction, Positive, Section, Step, backend, key

Detector = Literal["tracks", "s3fd"]
Cuts = list[Annotated[int, Field(ge=1, le=6)]]


class VideoSettings(Section):
    """normalise: every recording at 30 frames per second, its sound at 16 kHz."""

    max_height: int = key(720, "taller pictures are scaled down to this many lines", ge=144)
    crf: int = key(18, "x264 quality when a recording must be encoded again; lower is better", ge=0, le=51)
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium"] = key("superfast", "x264 speed")
    sync: Literal["auto", "warn"] = key("auto", "auto: sound that is surely late or early is moved; warn: only said")
    channels: Literal["auto", "mix"] = key("auto", "auto: two channels with a person each are kept apart; mix: never")
    max_hours: Positive = key(6.0, "a longer recording is refused")
    max_gap: Positive = key(60.0, "seconds without a picture, or without sound, for which a recording is refused")
    max_fps: Positive = key(250.0, "a recording of more frames per second is refused")
    max_minutes: Positive = key(240.0, "minutes after which ffmpeg is stopped, and the recording has failed")
    max_memory: Count = key(2000, "MB of memory at which ffmpeg is stopped, and the recording has failed")


class TrackingSettings(Step):
    """track: two faces with a left/right identity."""

    step = "tracking"
    backend: str = backend("tracking", "mediapipe")
    min_score: Fraction = key(0.5, "a face below this score counts as missed")
    search_every: Count = key(10, "frames between two looks for a face that is missing")
    min_face: Fraction = key(0.06, "smallest face, as a fraction of the picture's height")
    min_person: float = key(0.5, "a face with a lower score (0..1) is a rendering or a statue; 0: none is", ge=0, le=1)
    identity: Literal["person", "side"] = key("person", "after a cut, left is the same person; side: the same place")
    bridge: int = key(8, "gaps of at most this many frames are filled in", ge=0)
    scene_cut: Fraction = key(0.4, "share of the picture that changes at once, or in a cross-fade, when a scene ends")


class FaceCropsSettings(Section):
    """Face crops at 25 frames per second, for networks that look at mouths."""

    detector: Detector = key("tracks", "tracks: the tracker's boxes; s3fd: SyncNet's detector (needs its weights)")
    min_frames: int = key(12, "face tracks of so few frames (25 per second) are left out", ge=12)
    min_size: float = key(0.0, "faces of so few pixels are left out", ge=0)
    batch_size: Count = key(8, "what is looked at together", machine=True)
    threads: Count = key(1, "CPU threads", machine=True)


class SyncNetSettings(FaceCropsSettings):
    """Backend syncnet."""

    min_frames: int = key(100, "face tracks of so few frames (25 per second) are left out", ge=12)
    min_size: float = key(100.0, "faces of so few pixels are left out", ge=0)
    batch_size: Count = key(8, "windows of five frames looked at together", machine=True)
    shift: int = key(15, "frames by which sound and lips are shifted, either way", ge=1, le=50)
    floor: float = key(0.0, "score below which nobody speaks")


class LightAsdSettings(FaceCropsSettings):
    """Backend light_asd."""

    batch_size: Count = key(2, "seconds looked at together", machine=True)
    margin: float = key(1.0, "who scores lower than the other by more than this does not speak", ge=0)
    windows: Cuts = key([1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6], "seconds; scores are means over these cuts", min_length=1)


class DiarizationSettings(Step):
    """diarize: who speaks, per frame."""

    step = "diarization"
    backend: str = backend("diarization", "vad_lips")
    speech: Fraction = key(0.5, "voice activity above this is speech")
    window: Positive = key(0.4, "seconds over which lips and sound are compared", of="vad_lips")
    switch_cost: Positive = key(6.0, "evidence needed to change the speaker; higher is steadier", of="vad_lips")
    syncnet: SyncNetSettings = key(SyncNetSettings(), "backend syncnet", of="syncnet")
    light_asd: LightAsdSettings = key(LightAsdSettings(), "backend light_asd", of="light_asd")


class MultisensorySettings(Section):
    """Backend multisensory."""

    window: Literal[1, 2, 4, 8] = key(1, "length of a window, times 2.1 seconds")
    overlap: float = key(0.5, "share of a window that the next one covers too", ge=0.05, le=0.75)
    level: bool = key(True, "at the mixture's level; false: the original's, 1.5 x a fixed loudness")
    batch_size: Count = key(1, "windows looked at together; each takes about 0.3 GB", machine=True)
    threads: Count = key(1, "CPU threads", machine=True)
    device: Device = key("auto", "auto takes a GPU when there is one", machine=True)


class SeparationSettings(Step):
    """separate: each person's own speech."""

    step = "separation"
    backend: str = backend("separation", "gating")
    fade: Positive = key(0.03, "seconds of fade at each change", of="gating")
    multisensory: MultisensorySettings = key(MultisensorySettings(), "backend multisensory", of="multisensory")


class DecaSettings(Section):
    """faces, backend deca."""

    landmarks: Literal["auto", "fan", "mesh"] = key("auto", "landmarks of the crop; auto: FAN's if there, else mesh")
    detector: Detector = key("tracks", "FAN looks at the tracked faces; s3fd: at what S3FD finds, as the original")
    detail: bool = key(True, "the last 128 columns; false: zeros, in half the time (no model reads them)")
    smoothing: int = key(0, "as faces.smoothing; 0: none, as in the published data", ge=0)
    batch_size: Count = key(16, "faces at a time", machine=True)
    threads: int = key(1, "CPU threads; 0 leaves it to torch", ge=0, machine=True)
    device: Device = key("auto", "auto takes a GPU when there is one", machine=True)


class BlendshapesSettings(Section):
    """faces, backend blendshapes."""

    smoothing: int = key(7, "as faces.smoothing, over shapes and jaw; 0: none", ge=0)
    head_smoothing: int = key(9, "as faces.smoothing, over the head's rotation; 0: none", ge=0)


class FacesSettings(Step):
    """faces: landmarks to (T, 56), or (T, 184) with DECA."""

    step = "faces"
    backend: str = backend("faces", "landmarks")
    smoothing: int = key(9, "frames of the Savitzky-Golay filter (order 2) over faces; 0: none", ge=0, of="landmarks")
    basis_videos: Count = key(200, "training recordings used to fit the expression basis, at most")
    basis_frames: int = key(20000, "training frames used to fit the expression basis", ge=200, of="landmarks")
    blendshapes: BlendshapesSettings = key(BlendshapesSettings(), "backend blendshapes", of="blendshapes")
    deca: DecaSettings = key(DecaSettings(), "backend deca", of="deca")


class MelSettings(Section):
    """mel: 4 rows of 128 bands per video frame."""

    rules = (
        ("hop must divide 1600, so that blocks of sound and of frames end together", lambda mel: 1600 % mel.hop == 0),
        ("n_fft must be at least window", lambda mel: mel.n_fft >= mel.window),
        ("f_max must be above f_min", lambda mel: mel.f_max > mel.f_min),
    )
    feature: Literal["power_mel", "log_mel", "mfcc"] = key("power_mel", "power_mel, log_mel or mfcc")
    window: int = key(400, "analysis window, samples at 16 kHz", ge=16)
    hop: int = key(160, "step between windows, samples; must divide 1600", ge=16)
    n_fft: int = key(512, "points of the Fourier transform", ge=32)
    f_min: float = key(0.0, "lowest frequency, Hz", ge=0)
    f_max: float = key(8000.0, "highest frequency, Hz", gt=0, le=8000)
    resize: Literal["lanczos", "cubic", "linear"] = key("lanczos", "interpolation to 4 rows per frame")


class ChunkingSettings(Section):
    """chunk: windows of 64 frames in which one person speaks and the other listens."""

    stride_train: Count = key(32, "frames between two training windows")
    stride_test: Count = key(64, "frames between two test windows; 64 is no overlap")
    max_pause: float = key(1.0, "seconds of silence that do not end a turn", ge=0)
    max_backchannel: float = key(1.0, "an utterance at most this long inside a turn is a back-channel", ge=0)
    min_tracked: Fraction = key(0.25, "recordings with both faces in fewer of their frames are excluded")
    min_speech: Fraction = key(0.05, "recordings with speech in fewer of their frames are excluded")
    test_share: Fraction = key(
        0.2, "share of the recordings kept for testing (at least one of two), or of the time of one alone"
    )


class EvaluationSettings(Section):
    """evaluate: eval.json."""

    rules = (("folds: 1 is none; write 0, auto, or 2 and more", lambda e: e.folds != 1),)
    bootstrap: int = key(1000, "resamplings over recordings for the 95 % intervals", ge=10)
    shifts: Count = key(100, "gain: other moments of the speaker that each window is asked with")
    shift_seconds: Positive = key(4.0, "gain: how far away these moments are, at least")
    folds: Auto | Annotated[int, Field(ge=0)] = key(
        "auto", "cross-validation of whether it listens, by so many models; auto: if fewer than 5 recordings are tests"
    )
    event_window: Positive = key(0.5, "seconds between an event and the true one it is matched with")


class PreviewSettings(Section):
    """preview: the first look at a test recording."""

    seconds: Positive = key(20.0, "length of preview.mp4")


class DemoSettings(Section):
    """demo-video: the generated conversation."""

    recordings: int = key(14, "number of recordings", ge=2)
    seconds: Annotated[float, Field(ge=8, le=600)] = key(40.0, "length of each")
    nod_probability: Fraction = key(0.8, "chance of a nod within 0.5 s of a speaker's pause")
    smile_probability: Fraction = key(0.9, "chance that a speaker's smile is returned")
    smile_lag: Positive = key(0.8, "seconds from a speaker's smile to the listener's")


class Settings(Section):
    """The settings of all steps for one person."""

    seed: int = key(0, "every random draw follows from it", ge=0, lt=2**31)
    architecture: Architecture = key("patches", "patches: 8 frames each, any length; windows: the paper's, 32 frames")
    video: VideoSettings = VideoSettings()
    tracking: TrackingSettings = TrackingSettings()
    diarization: DiarizationSettings = DiarizationSettings()
    separation: SeparationSettings = SeparationSettings()
    faces: FacesSettings = FacesSettings()
    mel: MelSettings = MelSettings()
    chunking: ChunkingSettings = ChunkingSettings()
    codebook: CodebookSettings = key(CodebookSettings(), "of patches", of="patches")
    predictor: PredictorSettings = key(PredictorSettings(), "of patches", of="patches")
    windows: WindowsSettings = key(WindowsSettings(), "of windows", of="windows")
    sampling: SamplingSettings = SamplingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    preview: PreviewSettings = PreviewSettings()
    demo: DemoSettings = DemoSettings()
