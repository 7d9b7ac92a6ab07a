"""Whatever is done to a file: numbers that were checked, or one sentence."""

from pathlib import Path

import pytest

from tests.fuzz.attack import attack
from tests.fuzz.formats import FORMATS

MUTANTS = 40


@pytest.mark.parametrize("name", FORMATS)
def test_a_mutant_is_read_or_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    count, wrong = attack(name, tmp_path, range(max(4, int(MUTANTS * FORMATS[name].share))))
    assert count and not wrong, "\n".join(wrong)
