"""The configuration: one typed thing, validated before anything is done; its sections by stage."""

from l2l.config.config import Config, from_differences, overlaid, validate
from l2l.config.differences import as_pairs, differences, nested, other_settings, result_settings
from l2l.config.load import load, merge, preset
from l2l.config.models import (
    BranchSettings,
    CodebookSettings,
    PredictorSettings,
    SamplingSettings,
    TrainingSettings,
    WindowCodebookSettings,
    WindowPredictorSettings,
    WindowsSettings,
)
from l2l.config.people import Person
from l2l.config.section import Section
from l2l.config.settings import (
    BlendshapesSettings,
    ChunkingSettings,
    DecaSettings,
    DiarizationSettings,
    FaceCropsSettings,
    FacesSettings,
    LightAsdSettings,
    MelSettings,
    SeparationSettings,
    Settings,
    SyncNetSettings,
    TrackingSettings,
    VideoSettings,
)
