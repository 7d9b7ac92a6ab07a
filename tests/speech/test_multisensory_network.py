"""The network is the original's: the same weights and inputs give the same numbers, by the original's own account."""

import math

import numpy as np
import pytest
import soundfile
import torch

from l2l.speech.multisensory.network import Multisensory, load, pooling_borders, stretch, variables
from l2l.speech.multisensory.spectrum import from_network, spectrum, to_network, to_sound
from tests.speech.multisensory_weights import REFERENCE, Recipe, listed

ROWS = 128


@pytest.fixture(scope="module")
def recipe():
    return Recipe()


@pytest.fixture(scope="module")
def network(recipe):
    return load(recipe)


@pytest.fixture(scope="module")
def reference():
    return dict(np.load(REFERENCE / "outputs.npz"))


@pytest.fixture(scope="module")
def sound():
    """(1, 2, N) at the loudness that the network is fed with."""
    samples = torch.from_numpy(soundfile.read(REFERENCE / "sound.flac", dtype="float32")[0].T[None].copy())
    return samples * math.sqrt(0.02) / samples.square().mean(-1, keepdim=True).sqrt()


@pytest.fixture(scope="module", params=["whole", "left_hidden"])
def outputs(request, network, recipe, reference, sound):
    """(name, scales, synchrony map, spectra of the two outputs as (dB, phase))."""
    pictures = torch.from_numpy(reference["pictures"].repeat(16, 1).repeat(16, 2)[None])  # (1, T, 224, 224, 3)
    if request.param == "left_hidden":
        pictures[..., :112, :] = 128
    levels, phase = spectrum(sound[:, 0], ROWS)
    with torch.inference_mode():
        scales = network.watch(pictures, sound)
        found = network.separate(to_network(levels, phase), [scale.mean((-2, -1)) for scale in scales])
    weights, bias = (torch.from_numpy(recipe.arrays[f"joint/logits/{name}"]) for name in ("weights", "biases"))
    synchrony = torch.einsum("bcthw,c->bthw", scales[2], weights[0, 0, 0, :, 0]) + bias
    return (
        request.param,
        scales,
        synchrony,
        {side: from_network(output, phase) for side, output in zip(("fg", "bg"), found, strict=True)},
    )


def test_every_variable_that_separation_needs_has_the_name_and_shape_of_the_original():
    with torch.device("meta"):
        wanted = variables(Multisensory())
    unused = ("joint/logits/", "renorm_")
    assert wanted == {name: shape for name, shape in listed().items() if not any(part in name for part in unused)}


def test_what_is_seen_and_heard_is_the_original_s(outputs, reference):
    name, scales, synchrony, _ = outputs
    for number, scale in enumerate(scales):
        wanted = reference[f"{name}_scale{number}"]  # (time, channels)
        np.testing.assert_allclose(scale.mean((-2, -1))[0].T[:, ::8], wanted, rtol=1e-4, atol=1e-4 * wanted.std())
    np.testing.assert_allclose(synchrony[0], reference[f"{name}_map"], rtol=1e-4, atol=1e-4)


def test_both_spectra_are_the_original_s(outputs, reference):
    name, _, _, spectra = outputs
    for side, (level, phase) in spectra.items():
        np.testing.assert_allclose(level[0, ::16, ::8], reference[f"{name}_{side}_level"], rtol=0, atol=0.2)
        if (wanted := reference.get(f"{name}_{side}_phase")) is not None:
            away = np.abs(wanted) < 3.1  # at pi the sign is a matter of rounding
            assert away.mean() > 0.3
            np.testing.assert_allclose(phase[0, ::16, ::8].numpy()[away], wanted[away], rtol=0, atol=0.01)


def test_the_sound_that_comes_out_is_the_original_s(outputs, reference):
    name, _, _, spectra = outputs
    compared = [side for side in spectra if f"{name}_{side}_sound" in reference]
    assert compared
    for side in compared:
        wanted = reference[f"{name}_{side}_sound"]
        found = to_sound(*spectra[side])[0, ::64]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-3 * wanted.std())


def test_the_spectrogram_and_its_inverse_are_the_original_s(sound, reference):
    level, phase = spectrum(sound[:, 0], ROWS)
    np.testing.assert_allclose(level[0, ::16, ::8], reference["mixture_level"], rtol=0, atol=0.2)
    np.testing.assert_allclose(to_sound(level, phase)[0, ::64], reference["mixture_sound"], rtol=0, atol=1e-4)


def test_pooling_regions_tile_the_steps_as_tensorflow_s_do():
    assert pooling_borders(44, 16) == [0, 3, 5, 8, 11, 14, 16, 19, 22, 25, 27, 30, 33, 36, 38, 41, 44]
    assert pooling_borders(86, 32)[:10] == [0, 3, 5, 8, 11, 13, 16, 19, 21, 24]
    for size, count in ((44, 16), (86, 32), (170, 62), (339, 124)):
        lengths = np.diff(pooling_borders(size, count))
        assert set(lengths) <= {2, 3} and lengths.sum() == size and len(lengths) == count


def test_interpolation_holds_the_last_value():
    found = stretch(torch.tensor([[[0.0, 1.0, 4.0]]]), 6)
    assert found.tolist() == [[[0.0, 0.5, 1.0, 2.5, 4.0, 4.0]]]
