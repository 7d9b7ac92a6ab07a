"""The score keeps its promises about turns, nods and smiles, over many seeds."""

from itertools import pairwise

import pytest
from scipy.stats import binom

from l2l.config import Settings, from_differences
from l2l.demo.dialogue import BACKCHANNELS, SENTENCES, Score, write_score
from l2l.units import SAMPLE_RATE
from tests.demo.hum import hum


@pytest.fixture(scope="module")
def scores() -> list[Score]:
    settings = from_differences(["demo.seconds=60"])
    return [write_score(settings, index, hum) for index in range(60)]


def _same(a: Score, b: Score) -> bool:
    return (
        [(u.person, u.start, u.text, u.backchannel) for u in a.utterances]
        == [(u.person, u.start, u.text, u.backchannel) for u in b.utterances]
        and (a.turns, a.pauses, a.nods) == (b.turns, b.pauses, b.nods)
        and (a.smiles, a.chews) == (b.smiles, b.chews)
    )


def test_the_bank_holds_forty_different_sentences() -> None:
    assert len(set(SENTENCES)) == len(SENTENCES) >= 40


def test_same_seed_and_number_same_score_and_another_differs() -> None:
    settings = Settings()
    assert _same(write_score(settings, 3, hum), write_score(settings, 3, hum))
    assert not _same(write_score(settings, 3, hum), write_score(settings, 4, hum))
    assert not _same(write_score(settings, 3, hum), write_score(from_differences(["seed=1"]), 3, hum))


def test_turns_alternate_and_do_not_overlap(scores: list[Score]) -> None:
    for score in scores:
        assert len(score.turns) >= 4
        for before, after in pairwise(score.turns):
            assert before.person != after.person
            assert 0.2 < after.start - before.end < 0.7


def test_the_left_begins_and_says_two_sentences_where_the_right_says_five_to_nine(scores: list[Score]) -> None:
    for score in scores:
        assert score.turns[0].person == 0
        for turn in score.turns[:-1]:
            (shortest, longest), counts = (((3, 8), (2, 2)), ((11, 24.5), (5, 9)))[turn.person]
            assert shortest < turn.end - turn.start < longest
            own = [u for u in score.utterances if not u.backchannel]
            said = [u for u in own if turn.start <= u.start / SAMPLE_RATE + 1e-3 < turn.end]
            assert counts[0] <= len(said) <= counts[1]
            assert {u.person for u in said} == {turn.person}


def test_the_left_listens_for_most_of_the_time(scores: list[Score]) -> None:
    told = sum(turn.end - turn.start for score in scores for turn in score.turns if turn.person == 1)
    assert 0.6 < told / sum(score.seconds for score in scores) < 0.8


def test_everything_lies_within_the_recording(scores: list[Score]) -> None:
    for score in scores:
        for events in (score.turns, score.pauses, score.nods, score.smiles, score.chews):
            assert all(0 <= event.start < event.end <= score.seconds for event in events)
        assert all(0 <= utterance.start < utterance.end <= score.samples for utterance in score.utterances)


def test_nobody_speaks_during_the_pauses_of_a_turn_but_the_listener(scores: list[Score]) -> None:
    for score in scores:
        for pause in score.pauses:
            assert 0.4 <= pause.end - pause.start <= 0.7
            middle = slice(round(pause.start * SAMPLE_RATE) + 1, round(pause.end * SAMPLE_RATE) - 1)
            assert not score.voice(pause.person)[middle].any()


@pytest.mark.parametrize("probability", [0.6, 0.2])
def test_nods_answer_pauses_as_often_as_the_setting_says(probability: float) -> None:
    settings = from_differences(["demo.seconds=60", f"demo.nod_probability={probability}"])
    answered = total = 0
    for index in range(60):
        score = write_score(settings, index, hum)
        for pause in score.pauses:
            nodding = any(
                nod.person != pause.person and 0 <= nod.start - pause.start <= 0.5 for nod in score.nods
            )  # fmt: skip
            assert nodding == pause.linked
            answered += nodding
            total += 1
    assert total > 500
    low, high = binom.interval(0.999, total, probability)
    assert low <= answered <= high


def test_nods_without_a_pause_are_rare(scores: list[Score]) -> None:
    stray = sum(len(score.nods) - sum(pause.linked for pause in score.pauses) for score in scores)
    seconds = sum(score.seconds for score in scores)
    assert 0 < stray / seconds < 0.06


def test_smiles_are_returned_after_the_lag_as_often_as_the_setting_says() -> None:
    settings = from_differences(["demo.seconds=60", "demo.smile_lag=1.1", "demo.smile_probability=0.7"])
    returned = total = 0
    for index in range(60):
        score = write_score(settings, index, hum)
        for smile in score.smiles:
            if smile.linked or smile.end + 1.1 > score.seconds:
                continue
            replies = [
                other
                for other in score.smiles
                if other.linked and other.person != smile.person and abs(other.start - smile.start - 1.1) < 1e-6
            ]
            returned += len(replies)
            total += 1
    assert total > 150
    low, high = binom.interval(0.999, total, 0.7)
    assert low <= returned <= high


def test_back_channels_are_short_and_at_least_6_seconds_apart(scores: list[Score]) -> None:
    heard = 0
    for score in scores:
        for person in (0, 1):
            own = [u for u in score.utterances if u.backchannel and u.person == person]
            heard += len(own)
            assert all(len(u.sound) < 0.8 * SAMPLE_RATE and u.text in BACKCHANNELS for u in own)
            assert all(after.start - before.start >= 5.99 * SAMPLE_RATE for before, after in pairwise(own))
    assert heard > len(scores)


def test_who_chews_is_silent(scores: list[Score]) -> None:
    chews = 0
    for score in scores:
        for chew in score.chews:
            voice = score.voice(chew.person)[round(chew.start * SAMPLE_RATE) : round(chew.end * SAMPLE_RATE)]
            assert not voice.any()
            assert 2 <= chew.end - chew.start <= 4
            chews += 1
    assert 0.01 < chews / sum(score.seconds for score in scores) < 0.04
