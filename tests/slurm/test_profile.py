"""The SLURM profile fits the rules: what it names exists, what needs a GPU asks for one."""

import re
import textwrap

import yte

from tests.road import ROOT

# The rules of a loop have one text; where the name is made of a word, these are the words.
IN_LOOPS = {'f"train_{model}"': ["train_codebook", "train_predictor"]}
RULES: dict[str, str] = {}
for file in (ROOT / "workflow/rules").glob("*.smk"):
    RULES |= dict(re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", file.read_text(), re.S | re.M))
    for name, text in re.findall(r"^    rule:\n        name:\n +(.*?)\n(.*?)(?=^\S|\Z)", file.read_text(), re.S | re.M):
        RULES |= dict.fromkeys(IN_LOOPS.get(name, [name]), textwrap.indent(textwrap.dedent(text), "    "))
PROFILE = yte.process_yaml((ROOT / "workflow/profiles/slurm/config.yaml").read_text())


def rules_with(pattern: str) -> set[str]:
    return {name for name, text in RULES.items() if re.search(pattern, text)}


def test_it_names_only_rules_that_there_are():
    assert len(RULES) > 5
    assert {*PROFILE["set-resources"], *PROFILE["set-threads"]} <= set(RULES)


def test_every_rule_with_a_gpu_goes_to_the_gpu_partition_and_no_other():
    resources = PROFILE["set-resources"]
    there = {name for name, values in resources.items() if values.get("slurm_partition") == "gpu" and values["gpu"]}
    assert there == rules_with(r"\bgpu=") and PROFILE["default-resources"]["slurm_partition"] == "cpu"


def test_rules_that_take_all_cores_of_a_machine_get_a_number():
    assert set(PROFILE["set-threads"]) == rules_with(r"threads: training_threads")


def test_memory_and_time_stand_in_the_rules_alone():
    named = set(PROFILE["default-resources"]).union(*PROFILE["set-resources"].values())
    assert not named & {"mem_mb", "runtime"}
    assert rules_with(r"mem_mb=memory\(") == rules_with(r"runtime=") == set(RULES)


def test_every_rule_has_its_directives_in_the_same_order():
    order = ["input", "output", "log", "benchmark", "wildcard_constraints"]
    order += ["conda", "threads", "resources", "params", "shell"]
    for name, text in RULES.items():
        found = re.findall(r"^    (\w+):", text, re.M)
        assert found == [word for word in order if word in found], name
        assert {"output", "log", "benchmark", "conda", "resources", "shell"} <= set(found), (
            name
        )  # threads: 1 unless said


def test_retries_are_the_profiles_alone():
    assert PROFILE["retries"] and not rules_with(r"\bretries:")
