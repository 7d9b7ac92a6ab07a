"""What the tests of live conversations share."""

import pytest

from tests.live.trained import write_results


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    return write_results(tmp_path_factory.mktemp("live") / "alice")
