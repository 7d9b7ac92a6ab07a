"""Material that two recordings share is found by its motion, whatever it is called and wherever it is cut."""

import numpy as np
import pytest

from benchmarks.dyads import listen, speak
from l2l.dataset.layout import Chunks
from l2l.evaluation.repeats import repeats

Recording = tuple[np.ndarray, np.ndarray]  # listener and speaker, (T, 56) each


def recording(number: int, future: int = 0) -> Recording:
    speaker = speak(0, number, 30.0)
    return listen(0, number, speaker, future), speaker.motion


def chunks(recordings: dict[str, Recording], stride: int = 20) -> Chunks:
    """Windows of whole recordings; there is no sound."""
    parts: list[list[np.ndarray]] = [[], [], []]
    for name, people in recordings.items():
        for start in range(0, len(people[0]) - 63, stride):
            frames = range(start, start + 64)
            for part, motion in zip(parts, people, strict=False):
                part.append(np.pad(motion[frames], ((0, 0), (0, 128))))
            parts[2].append(np.array([[name, "left", str(frame)] for frame in frames]))
    listener, speaker, files = map(np.stack, parts)
    return Chunks(listener, speaker, np.zeros((len(files), 256, 128)), files)


def copied(of: Recording, first: int, frames: int, noise: float) -> Recording:
    """A passage of a recording, half a frame later and tracked anew."""
    random = np.random.default_rng(3)

    def one(motion: np.ndarray) -> np.ndarray:
        part = (motion[first : first + frames] + motion[first + 1 : first + frames + 1]) / 2
        return part + noise * motion.std(0) * random.standard_normal(part.shape)

    return one(of[0]), one(of[1])


@pytest.fixture(scope="module")
def four() -> dict[str, Recording]:
    return {f"talk_{number}": recording(number) for number in range(4)}


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_a_passage_under_another_name_and_cut_is_found_across_the_split(
    four: dict[str, Recording], noise: float
) -> None:
    (sentence,) = repeats(chunks(four), chunks({"other": copied(four["talk_2"], 301, 300, noise)}))
    assert sentence.startswith("talk_2 (train) and other (test) hold the same passage of about ")
    assert 7 <= float(sentence.split("about ")[1].split()[0]) <= 10


def test_within_a_set_it_is_found_too(four: dict[str, Recording]) -> None:
    (sentence,) = repeats(chunks({**four, "again": four["talk_1"]}), chunks({"new": recording(9)}))
    assert sentence.startswith("again (train) and talk_1 (train)")


def test_other_conversations_of_the_same_people_are_not_repeats(four: dict[str, Recording]) -> None:
    others = {f"more_{number}": recording(number) for number in range(4, 8)}
    still = np.zeros((600, 56)), np.zeros((600, 56))
    assert repeats(chunks(four), chunks({**others, "still": still})) == []
