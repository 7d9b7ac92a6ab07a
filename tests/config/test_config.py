"""The configuration: complete, strict, and the same everywhere it is written down."""

import re
from pathlib import Path

import pytest
import yaml

from l2l import config
from l2l.config.reference import reference
from l2l.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


BOTH = {"source": "people", "people": ["conan", "fallon"]}


def test_config_yaml_is_short_and_shows_the_defaults_outside_people():
    path = ROOT / "config.yaml"
    assert len(path.read_text().splitlines()) <= 30
    found = config.validate(config.load(path))
    assert config.Config(people=found.people) == found


def test_the_settings_page_is_the_one_that_the_code_prints():
    """`l2l config --defaults > docs/settings.md` makes it anew."""
    assert (ROOT / "docs/settings.md").read_text() == reference()


def test_the_settings_page_gives_every_default_back():
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", reference(), re.S)]
    alice, *others = blocks
    assert config.validate(alice).person("alice") == config.Person(listener="left")
    written = {key: value for block in others for key, value in block.items()}
    assert written == config.Config().model_dump(exclude={"people"})


def test_every_key_says_what_it_means():
    def walk(model):
        for name, field in model.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, config.Section):
                assert field.annotation.__doc__, field.annotation.__name__
                walk(field.annotation)
            else:
                assert field.description, f"{model.__name__}.{name}"

    walk(config.Config)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"trackin": {}}, ["trackin", "tracking"]),
        ({"tracking": {"min_scor": 0.5}}, ["tracking.min_scor", "min_score"]),
        ({"tracking": {"min_score": 2}}, ["tracking.min_score", "2"]),
        ({"mel": {"hop": 161}}, ["mel", "hop must divide 1600"]),
        (
            {"codebook": {"training": {"max_steps": 0}}},
            ["key 'codebook.training.max_steps': input should be 'auto' or greater than or equal to 1, not 0."],
        ),
        ({"predictor": {"width": 0}}, ["key 'predictor.width': input should be 'auto' or greater than or equal to 1"]),
        (
            {"predictor": {"strength": -1}},
            ["key 'predictor.strength': input should be 'auto' or greater than 0, not -1"],
        ),
        ({"evaluation": {"folds": "many"}}, ["key 'evaluation.folds': input should be 'auto' or a valid integer"]),
        (
            {"windows": {"codebook": {"training": {"max_steps": "auto"}}}},
            ["max_steps': input should be a valid integer"],
        ),
        ({"people": {"a": {}}}, ["people.a", "listener is missing"]),
        ({"people": {"a/b": {"listener": "left"}}}, ["a/b"]),
        ({"people": {"-a": {"listener": "left"}}}, ["-a", "not begin with -"]),
        ({"people": {"both": {"source": "people", "people": ["nobody"]}}}, ["people.both.people", "'nobody'"]),
        ({"people": {"raw": {"listener": "left"}}}, ["raw"]),
        ({"people": {"a": {"source": "published"}}}, ["people.a.dataset", "conan", "trevor"]),
        ({"people": {"fallon": {"source": "published", "listener": "left"}}}, ["people.fallon.listener", "right"]),
        ({"people": {"kimmel": {"source": "published", "models": "released"}}}, ["people.kimmel.models", "kimmel"]),
        ({"people": {"a": {"listener": "left", "models": "released"}}}, ["people.a", "source published"]),
        ({"people": {"a": {"listener": "left", "dataset": "conan"}}}, ["people.a", "dataset"]),
        ({"people": {"conan": {"source": "published", "test_videos": ["a"]}}}, ["people.conan", "test_videos"]),
        (
            {"people": {"b": {"source": "published", "dataset": "conan"}, "conan": {"listener": "left"}}},
            ["data/conan/", "published data of b"],
        ),
        ({"people": {"a": {"listener": "left", "overrides": {"mel": {"hp": 1}}}}}, ["people.a.overrides", "mel.hp"]),
        (
            {"people": {"conan": {"source": "published"}, "b": BOTH | {"preset": "released"}}},
            ["people.b", "source people needs architecture patches"],
        ),
        ({"architecture": "windows", "people": {"conan": {"source": "published"}, "b": BOTH}}, ["people.b"]),
        (
            {
                "people": {
                    "ann": {"listener": "left"},
                    "bob": {"listener": "left", "overrides": {"faces": {"backend": "deca"}}},
                    "b": {"source": "people", "people": ["ann", "bob"]},
                }
            },
            ["people.b", "ann: ", "bob: deca", "choose one faces.backend"],
        ),
        ({"seed": float("nan")}, ["seed"]),
        ({"mel": 3}, ["mel"]),
        ({"people": {"a": {"listener": "left", "preset": "old"}}}, ["people.a.preset", "released"]),
        (
            {"predictor": {"training": {"schedule": "inverse_sqrt", "warmup_steps": 0}}},
            ["predictor.training", "warmup_steps must be at least 1"],
        ),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence_that_names_the_key(values, words):
    with pytest.raises(UserError) as error:
        config.validate(values)
    assert all(word in str(error.value) for word in words), error.value
    assert "\n" not in str(error.value)


def test_a_person_overrides_only_what_they_name():
    found = config.validate(
        {"seed": 3, "people": {"a": {"listener": "right", "overrides": {"mel": {"feature": "mfcc"}}}}}
    )
    settings = found.settings("a")
    assert (settings.seed, settings.mel.feature, settings.mel.hop) == (3, "mfcc", 160)
    assert found.people["a"].listener_side == "right"


def test_a_preset_lies_between_everyones_settings_and_the_persons_own():
    person = {"listener": "left", "preset": "released", "overrides": {"sampling": {"audio_step": 4}}}
    found = config.validate({"sampling": {"samples": 3, "past": "real"}, "people": {"a": person}}).settings("a")
    sampling = found.sampling
    assert (sampling.samples, sampling.past, sampling.positions, sampling.audio_step) == (3, "none", "first", 4)
    assert found.windows.codebook.training.schedule == "inverse_sqrt"
    modern = config.validate({"people": {"a": {"listener": "left"}}}).settings("a")
    assert modern == config.Settings()


def test_released_models_are_of_windows_under_any_preset():
    person = {"source": "published", "models": "released", "overrides": {"architecture": "patches"}}
    found = config.validate({"sampling": {"positions": "first"}, "people": {"conan": person}}).settings("conan")
    assert found.architecture == "windows"
    assert config.result_settings(found, ("sampling",)) == {"sampling.positions": "first"}


def test_the_command_line_takes_the_same_preset():
    found = config.differences(config.from_differences([], None, "released"), tuple(config.Settings.model_fields))
    person = {"listener": "left", "preset": "released"}
    assert config.from_differences(config.as_pairs(found)) == config.validate({"people": {"a": person}}).settings("a")
    assert config.from_differences(["sampling.past=real"], None, "released").sampling.past == "real"


def test_a_published_person_listens_on_the_published_side_under_any_name():
    found = config.validate(
        {"people": {"fallon": {"source": "published"}, "mine": {"source": "published", "dataset": "conan"}}}
    )
    assert (found.people["fallon"].listener_side, found.people["fallon"].dataset) == ("right", "fallon")
    assert (found.people["mine"].listener_side, found.people["mine"].dataset) == ("left", "conan")


def test_differences_and_back_again_is_the_same():
    settings = config.from_differences(["codebook.training.max_steps=7", "mel.feature=log_mel", "seed=5"])
    found = config.differences(settings, ("seed", "mel", "codebook"))
    assert found == {"codebook.training.max_steps": 7, "mel.feature": "log_mel", "seed": 5}
    assert config.from_differences(config.as_pairs(found)) == settings
    assert config.differences(settings, ("tracking", "codebook.width", "codebook.training.max_epochs")) == {}
    assert config.differences(settings, ("codebook.training",)) == {"codebook.training.max_steps": 7}
    assert config.nested(found)["codebook"] == {"training": {"max_steps": 7}}
    with pytest.raises(KeyError, match="trackin"):
        config.differences(settings, ("trackin",))


def keys_of(section, prefix=""):
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, config.Section):
            yield from keys_of(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_no_result_depends_on_the_machine():
    everything = tuple(config.Settings.model_fields)
    for changes in ([], ["architecture=windows"], ["diarization.backend=syncnet", "faces.backend=deca"]):
        before = config.result_settings(config.from_differences(changes), everything)
        for key in keys_of(config.Settings()):
            if key.split(".")[-1] in ("threads", "device", "checkpoint_minutes"):
                change = f"{key}={'cpu' if key.endswith('device') else 3}"
                settings = config.from_differences([*changes, change])
                assert config.result_settings(settings, everything) == before
                assert config.as_pairs(config.other_settings(settings, everything)) == [
                    change if "minutes" not in key else f"{key}=3.0"
                ]


@pytest.mark.parametrize(
    ("chosen", "decisive", "others"),
    [
        ("architecture=patches", "codebook.width=8 sampling.span=sequence", "windows.codebook.codes=9"),
        ("architecture=windows", "windows.holdout=window sampling.batch_size=9", "predictor.layers=9 codebook.width=8"),
        ("diarization.backend=vad_lips", "diarization.window=1.0", "diarization.syncnet.shift=9"),
        ("diarization.backend=syncnet", "diarization.syncnet.shift=9 diarization.speech=0.9", "diarization.window=1.0"),
        ("separation.backend=multisensory", "separation.multisensory.window=2", "separation.fade=1.0"),
        ("faces.backend=deca", "faces.deca.detail=False faces.basis_videos=9", "faces.smoothing=5"),
    ],
)
def test_only_the_chosen_architecture_and_backends_decide(chosen, decisive, others):
    settings = config.from_differences([chosen, *decisive.split(), *others.split()])
    sections = tuple(config.Settings.model_fields)
    assert set(config.as_pairs(config.result_settings(settings, sections))) - {chosen} == set(decisive.split())
    assert set(config.as_pairs(config.other_settings(settings, sections))) == set(others.split())


@pytest.mark.parametrize("text", ["mel", "=3", "mel.feature=dbs", "mel.hop=[", "mel=3"])
def test_a_wrong_set_option_is_refused(text):
    with pytest.raises(UserError):
        config.from_differences([text])


def test_a_broken_file_is_named(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: [")
    with pytest.raises(UserError, match=r"mine\.yaml is not valid YAML"):
        config.load(path)
    with pytest.raises(UserError, match=r"none\.yaml cannot be read"):
        config.load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed: 1\nmel: {hop: 320}\nmel: {hop: 160}\n", "(line 3): the key 'mel' is there twice"),
        ("people:\n  a:\n    listener: left\n    listener: right\n", "(line 4): the key 'listener' is there twice"),
        ("a: &a {b: 1}\nc: &c {<<: *a, b: 2}\nd: {<<: *c, b: 3}\n", None),  # what is taken over may be changed
        ("{{name}}: 1", "is not valid YAML (line 1): found unhashable key"),
        ("a: [{b: 1, b: 2}]", "(line 1): the key 'b' is there twice"),
    ],
)
def test_a_key_stands_once(tmp_path, text, words):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    if words is None:
        assert config.load(path)["d"] == {"b": 3}
        return
    with pytest.raises(UserError) as error:
        config.load(path)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_the_published_people_are_known_by_name():
    found = config.validate({"people": {"demo": {"listener": "left", "source": "demo"}}})
    assert list(found.people) == ["demo"] and {"demo", "conan", "fallon", "trevor"} < set(found.everyone)
    assert found.person("fallon").listener_side == "right" and found.person("fallon").source == "published"
    assert found.settings("fallon") == config.Settings()


def test_an_own_entry_wins_over_the_published_person_of_its_name():
    found = config.validate({"people": {"conan": {"listener": "right", "preset": "released"}}})
    assert (found.person("conan").source, found.person("conan").listener) == ("videos", "right")
    assert found.settings("conan") != config.Settings()


def test_somebody_unknown_is_told_who_there_is():
    with pytest.raises(UserError, match=r"'cnan' \(it has: nobody; published are: conan, .*did you mean 'conan'\?"):
        config.Config().person("cnan")


def test_one_model_may_know_published_people():
    found = config.validate({"people": {"both": {"source": "people", "people": ["conan", "fallon"]}}})
    assert found.person("both").people == ("conan", "fallon")


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("a: " + "9" * (1 << 20))
    with pytest.raises(UserError, match="has more than 1 MiB, so it is no configuration"):
        config.load(tmp_path / "config.yaml")
