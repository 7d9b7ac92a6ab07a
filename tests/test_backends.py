"""One line adds a backend: the registry, the settings and the modules agree."""

import inspect

import pytest

from l2l import backends, config
from l2l.backends import BACKENDS
from l2l.config.reference import reference
from l2l.errors import UserError

FUNCTIONS = {
    "tracking": ("track",),
    "diarization": ("diarize",),
    "separation": ("separate",),
    "faces": ("fit_basis", "extract_faces"),
}
EVERY = [(step, name) for step, names in BACKENDS.items() for name in names]


@pytest.mark.parametrize("step, name", EVERY)
def test_every_backend_has_the_functions_of_its_step_with_the_same_parameters(step, name):
    usual = backends.load(step, next(iter(BACKENDS[step])))
    found = backends.load(step, name)
    for function in FUNCTIONS[step]:
        wanted = inspect.signature(getattr(usual, function)).parameters
        assert len(inspect.signature(getattr(found, function)).parameters) == len(wanted)


@pytest.mark.parametrize("step, name", EVERY)
def test_every_backend_can_be_chosen_and_is_named_in_the_configuration(step, name):
    assert getattr(config.from_differences([f"{step}.backend={name}"]), step).backend == name
    assert f"{name}: {BACKENDS[step][name].what}" in reference()


@pytest.mark.parametrize("step", BACKENDS)
def test_an_unknown_backend_is_refused_with_those_there_are(step):
    with pytest.raises(UserError, match=f"{step}.backend.*there are {', '.join(BACKENDS[step])}"):
        config.from_differences([f"{step}.backend=magic"])
