"""The configuration: one typed thing, validated before anything is done; its sections by stage."""

from l2l.config.config import Config, Keep, from_differences, overlaid, validate
from l2l.config.differences import as_pairs, differences, nested, other_settings, result_settings
from l2l.config.load import Preset, load, merge, preset
from l2l.config.models import (
    CodebookSettings,
    PredictorSettings,
    SamplingSettings,
    TrainingSettings,
    WindowCodebookSettings,
    WindowPredictorSettings,
    WindowsSettings,
    WindowTrainingSettings,
)
from l2l.config.people import Person
from l2l.config.section import Section
from l2l.config.settings import (
    ChunkingSettings,
    DecaSettings,
    DemoSettings,
    DiarizationSettings,
    EvaluationSettings,
    FaceCropsSettings,
    FacesSettings,
    LightAsdSettings,
    MelSettings,
    MultisensorySettings,
    PreviewSettings,
    SeparationSettings,
    Settings,
    SyncNetSettings,
    TrackingSettings,
    VideoSettings,
)
