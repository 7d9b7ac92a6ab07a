"""Two microphones in a conversation of noise instead of words."""

import numpy as np

TURN = 4.0  # seconds


def turns(
    seconds: float,
    rate: int,
    cross_talk: float,
    way: float = 0.003,
    speaks: tuple[bool, bool] = (True, True),
    noise: float = 0.001,
) -> tuple[np.ndarray, np.ndarray]:
    """What each microphone records, (n,) each: people in turns, and the other's `cross_talk`, `way` s later."""
    random, count = np.random.default_rng(0), round(seconds * rate)
    time = np.arange(count) / rate
    voices = []
    for person in range(2):
        syllables = np.clip(np.sin(2 * np.pi * (4 + person) * time), 0, 1)
        turn = (time // TURN) % 2 == person
        voices.append(0.2 * random.standard_normal(count) * syllables * turn * speaks[person])
    late, gain = round(way * rate), 10 ** (cross_talk / 20)
    caught = [gain * np.concatenate([np.zeros(late), voice])[:count] for voice in voices]
    room = noise * random.standard_normal((2, count))
    return voices[0] + caught[1] + room[0], voices[1] + caught[0] + room[1]
