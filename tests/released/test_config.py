"""The released JSON configurations are accepted as they are, and what does not fit is named."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from l2l import config
from l2l.cli.main import main
from l2l.errors import UserError
from l2l.released.config import overlay, read_config, settings
from tests.released.released_folder import CODES, codebook_json, predictor_json


def write(path: Path, values: Any) -> Path:
    path.write_text(values if isinstance(values, str) else json.dumps(values))
    return path


def set_key(values: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A copy with one dotted key changed, or taken out for `...`."""
    values = json.loads(json.dumps(values))
    *path, last = key.split(".")
    inner = values
    for part in path:
        inner = inner[part]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return values


def test_a_codebook_configuration_becomes_our_settings(tmp_path: Path) -> None:
    found = settings(read_config(write(tmp_path / "c.json", codebook_json())))
    codebook, training = found.windows.codebook, found.windows.codebook.training
    assert (codebook.hidden_size, codebook.layers, codebook.heads, codebook.feedforward_size) == (16, 2, 2, 12)
    assert codebook.codes == CODES
    assert training.learning_rate == pytest.approx(2.0 * 16**-0.5 * 100**-0.5, rel=1e-12)
    assert (training.warmup_steps, training.batch_size, training.max_epochs) == (100, 32, 3)
    assert (training.batches, codebook.crops, found.windows.smoothing) == ("fixed", "halves", "bilateral")


def test_a_predictor_configuration_becomes_our_settings(tmp_path: Path) -> None:
    found = settings(read_config(write(tmp_path / "p.json", predictor_json())))
    predictor, training = found.windows.predictor, found.windows.predictor.training
    assert (predictor.hidden_size, predictor.layers, predictor.cross_layers, predictor.heads) == (12, 2, 2, 2)
    assert training.learning_rate == pytest.approx(0.01 * 12**-0.5 * 100**-0.5, rel=1e-12)
    assert (predictor.masks, training.max_epochs, found.sampling.positions) == ("released", 2, "first")


def test_the_released_sizes_are_the_defaults(tmp_path: Path) -> None:
    sizes = {"hidden_size": 256, "num_hidden_layers": 12, "num_attention_heads": 8, "intermediate_size": 384}
    released = codebook_json(
        warmup_steps=100000,
        transformer_config={**codebook_json()["transformer_config"], **sizes},
        VQuantizer={"n_embed": 200, "zquant_dim": 256},
    )
    del released["num_epochs"]
    preset = config.from_differences([], None, "released")
    found = settings(read_config(write(tmp_path / "c.json", released)))
    assert found.windows.codebook == preset.windows.codebook


@pytest.mark.parametrize("values", [codebook_json(), predictor_json()])
def test_the_printed_overlay_gives_the_same_settings(
    tmp_path: Path, values: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "c.json", values)
    assert main(["import-config", str(path), "--out", str(tmp_path / "overlay.yaml")]) == 0
    assert main(["import-config", str(path)]) == 0
    assert capsys.readouterr().out == (tmp_path / "overlay.yaml").read_text()
    found = settings(read_config(path))
    ours = config.from_differences([], tmp_path / "overlay.yaml")
    other = "predictor" if "VQuantizer" in values else "codebook"  # it has a JSON of its own
    assert ours.windows.model_dump(exclude={other}) == found.windows.model_dump(exclude={other})
    defaults = config.Settings().model_dump()
    assert all(value != defaults["windows"][key] for key, value in overlay(read_config(path))["windows"].items())
    assert "listener sits on the right" in (tmp_path / "overlay.yaml").read_text()


def test_a_persons_own_configuration_names_its_files(tmp_path: Path) -> None:
    values = codebook_json(
        tag="conan_", model_path="models/person_specific/", data={"basedir": "../", "speaker": "conan"}
    )
    found = read_config(write(tmp_path / "c.json", values))
    (tmp_path / "vqgan").mkdir()
    assert found.checkpoint(tmp_path) == tmp_path / "vqgan/models/person_specific/conan_er2er_best.pth"
    assert found.statistics(tmp_path).name == "conan_er2er_preprocess_core.npz"
    assert found.data(tmp_path, "conan").resolve() == tmp_path / "data/conan"
    assert (found.listener, found.people) == ("left", ("conan",))


def test_everybody_is_five_people_on_the_left(tmp_path: Path) -> None:
    values = codebook_json(data={"basedir": "../", "speaker": "all"})
    found = read_config(write(tmp_path / "c.json", values))
    assert (found.listener, found.people) == ("left", ("conan", "kimmel", "fallon", "stephen", "trevor"))


def test_an_unknown_key_is_named_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "c.json", {**codebook_json(), "learning_rat": 3})
    plain = settings(read_config(write(tmp_path / "plain.json", codebook_json())))
    with caplog.at_level(logging.WARNING):
        assert settings(read_config(path)) == plain
    assert "learning_rat" in caplog.text
    main(["import-config", str(path)])
    assert "learning_rat" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (set_key(codebook_json(), "VQuantizer.zquant_dim", 32), ["transformer_config.hidden_size", "zquant_dim"]),
        (set_key(codebook_json(), "transformer_config.quant_factor", 2), ["transformer_config.quant_factor", "3"]),
        (set_key(codebook_json(), "transformer_config.in_dim", 53), ["transformer_config.in_dim", "56"]),
        (set_key(codebook_json(), "learning_rate", ...), ["'learning_rate' is missing"]),
        (set_key(codebook_json(), "learning_rate", "fast"), ["learning_rate", "fast"]),
        (set_key(codebook_json(), "VQuantizer.n_embed", 2.5), ["VQuantizer.n_embed", "whole number"]),
        (set_key(codebook_json(), "transformer_config.num_attention_heads", 3), ["multiple of heads"]),
        (set_key(predictor_json(), "fact_model.cross_modal_model.in_dim", 16), ["cross_modal_model.in_dim", "equal"]),
        (
            set_key(predictor_json(), "fact_model.listener_past_transformer_config.in_dim", 99),
            ["listener_past_transformer_config.in_dim", "output_layer.out_dim"],
        ),
        (
            set_key(predictor_json(), "fact_model.speaker_full_transformer_config.num_attention_heads", 4),
            ["speaker_full_transformer_config.num_attention_heads"],
        ),
        (set_key(predictor_json(), "fact_model.cross_modal_model.max_mask_len", 5), ["max_mask_len", "4"]),
        ('{"VQuantizer": {}, "tag": 1, "tag": 2}', ["'tag'", "twice"]),
        ("[1]", ["not a released configuration"]),
        ("{", ["not valid JSON"]),
    ],
)
def test_what_contradicts_is_refused_by_name(tmp_path: Path, values: Any, words: list[str]) -> None:
    path = write(tmp_path / "c.json", values)
    with pytest.raises(UserError) as error:
        settings(read_config(path))
    assert all(word in str(error.value) for word in ["c.json", *words]), error.value


def test_a_segment_tag_is_refused(tmp_path: Path) -> None:
    found = read_config(write(tmp_path / "c.json", codebook_json(segment_tag="_a")))
    with pytest.raises(UserError, match="segment_tag"):
        found.data(tmp_path, "fallon")
