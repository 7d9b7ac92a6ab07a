"""The score of one generated conversation: who speaks when, who nods, smiles and chews.

- Everything follows from (seed, recording) and from the length of each spoken sentence, to the sample.
- It is an interview: the person on the left begins, and listens for most of the time; the one on the right tells.
- A model can learn to listen from it: nods answer the speaker's pauses, smiles answer smiles.
- Difficulties are in it too: nods without a reason, back-channels, jaws that move without a voice.
- The conversation is written past its end and then cut, as a recording of a longer one would be.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from l2l.config import Settings
from l2l.units import SAMPLE_RATE

Say = Callable[[str, int], np.ndarray]  # text and person -> (n,) float32 at 16 kHz
BACKCHANNELS = ("Mhm.", "Yeah.", "Right.", "Uh huh.")
SENTENCES = tuple(Path(__file__).with_name("sentences.txt").read_text(encoding="utf-8").splitlines())

# Of the person on the left and of the one on the right.
_TURN = ((4.0, 8.0), (12.0, 24.0))  # seconds
_SENTENCES_PER_TURN = ((2, 2), (5, 9))
_PAUSE = (0.4, 0.7)  # seconds between two sentences of a turn
_CHANGE = (0.25, 0.6)  # seconds between two turns
_NOD_DELAY = (0.05, 0.45)  # seconds from the start of a pause to the nod that answers it
_NOD_LENGTH = (0.6, 1.0)
_STRAY_NODS = 0.04  # per second of listening
_SMILES = 0.1  # per second of speaking
_SMILE_LENGTH = (1.6, 2.6)
_BACKCHANNEL_PROBABILITY = 0.5  # at each pause
_BACKCHANNEL_GAP = 6.0  # seconds between two back-channels of one person
_BACKCHANNEL_LENGTH = 0.8  # seconds, at most
_CHEWS = 0.03  # per second of listening
_CHEW_LENGTH = (2.0, 4.0)


@dataclass(frozen=True)
class Event:
    """Something that one person (0 or 1) does, in seconds of the recording."""

    person: int
    start: float
    end: float
    linked: bool = False  # a speaker's pause: the listener nods because of it; a smile: it returns the other person's


@dataclass(frozen=True)
class Utterance:
    """One voice from its first to its last sample."""

    person: int
    start: int  # samples
    sound: np.ndarray  # (n,) float32
    text: str
    backchannel: bool

    @property
    def end(self) -> int:
        return self.start + len(self.sound)


@dataclass
class Score:
    """One conversation of `samples` samples at 16 kHz. Everything in it ends within it; lists are in order of start."""

    samples: int
    utterances: list[Utterance] = field(default_factory=list)
    turns: list[Event] = field(default_factory=list)
    pauses: list[Event] = field(default_factory=list)
    nods: list[Event] = field(default_factory=list)
    smiles: list[Event] = field(default_factory=list)
    chews: list[Event] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.samples / SAMPLE_RATE

    def voice(self, person: int) -> np.ndarray:
        """(samples,) float32: everything this person says."""
        sound = np.zeros(self.samples, np.float32)
        for utterance in self.utterances:
            if utterance.person == person:
                sound[utterance.start : utterance.end] += utterance.sound
        return sound


def write_score(settings: Settings, index: int, say: Say) -> Score:
    """The score of recording `index`; `say(text, person)` gives a sentence as (n,) float32 at 16 kHz."""
    random = np.random.default_rng([settings.seed, index])
    score = Score(round(settings.demo.seconds * SAMPLE_RATE))
    order: list[str] = []
    now, speaker = random.uniform(0.3, 0.8), 0
    while now < score.seconds:
        sentences = _turn(random, order, speaker, say)
        now = _perform(random, score, settings, speaker, now, sentences, say) + random.uniform(*_CHANGE)
        speaker = 1 - speaker
    return _cut(score)


def _turn(random: np.random.Generator, order: list[str], speaker: int, say: Say) -> list[tuple[str, np.ndarray]]:
    """Sentences of one turn, as texts and sounds; `order` is the shuffled bank, refilled when it is empty."""
    (fewest, most), (shortest, longest) = _SENTENCES_PER_TURN[speaker], _TURN[speaker]
    wanted = random.integers(fewest, most + 1)
    sentences: list[tuple[str, np.ndarray]] = []
    length = 0.0
    while len(sentences) < most and (len(sentences) < wanted or length < shortest):
        if not order:
            order += [SENTENCES[i] for i in random.permutation(len(SENTENCES))]
        sound = say(order[-1], speaker)
        length += len(sound) / SAMPLE_RATE + (_PAUSE[1] if sentences else 0)
        if length > longest and len(sentences) >= fewest:
            break
        sentences.append((order.pop(), sound))
    return sentences


def _perform(
    random: np.random.Generator,
    score: Score,
    settings: Settings,
    speaker: int,
    start: float,
    sentences: list[tuple[str, np.ndarray]],
    say: Say,
) -> float:
    """Add one turn from `start` seconds on, and the listener's part in it. Gives its end in seconds."""
    listener, demo = 1 - speaker, settings.demo
    now, pauses = start, []
    for number, (text, sound) in enumerate(sentences):
        first = round(now * SAMPLE_RATE)
        score.utterances.append(Utterance(speaker, first, sound, text, backchannel=False))
        now = (first + len(sound)) / SAMPLE_RATE
        if number < len(sentences) - 1:
            pause = Event(speaker, now, now + random.uniform(*_PAUSE), bool(random.random() < demo.nod_probability))
            pauses.append(pause)
            now = pause.end
    score.turns.append(Event(speaker, start, now))
    score.pauses += pauses

    def lasting(begin: float, length: tuple[float, float]) -> Event:
        return Event(listener, begin, begin + random.uniform(*length))

    nods = [lasting(pause.start + random.uniform(*_NOD_DELAY), _NOD_LENGTH) for pause in pauses if pause.linked]
    # A nod without a reason keeps its distance from the pauses, so that an unanswered pause stays unanswered.
    blocked = nods + [Event(speaker, pause.start, pause.start + 1) for pause in pauses]
    for _ in range(random.poisson(_STRAY_NODS * (now - start))):
        nod = lasting(random.uniform(start, now), _NOD_LENGTH)
        if not any(_overlap(nod, other) for other in blocked) and nod.end < now:
            nods.append(nod)
            blocked.append(nod)
    score.nods += nods

    for _ in range(random.poisson(_CHEWS * (now - start))):
        chew = lasting(random.uniform(start, now), _CHEW_LENGTH)
        if chew.end < now and not _any_overlap(chew, score.chews):
            score.chews.append(chew)

    for _ in range(random.poisson(_SMILES * (now - start))):
        begin = random.uniform(start, now - 1)
        smile = Event(speaker, begin, begin + random.uniform(*_SMILE_LENGTH))
        if not _any_overlap(smile, score.smiles):
            score.smiles.append(smile)
            if random.random() < demo.smile_probability:
                lag = demo.smile_lag
                score.smiles.append(Event(listener, smile.start + lag, smile.end + lag, linked=True))

    for pause in pauses:
        text, drawn = random.choice(BACKCHANNELS), random.random()
        begin = max(start, pause.start + random.uniform(-0.3, 0.2))
        own = [u for u in score.utterances if u.person == listener and u.backchannel]
        recent = bool(own) and begin - own[-1].start / SAMPLE_RATE < _BACKCHANNEL_GAP
        sound = say(text, listener)[: int(_BACKCHANNEL_LENGTH * SAMPLE_RATE) - 1]
        voiced = Event(listener, begin, begin + len(sound) / SAMPLE_RATE)
        chewing = _any_overlap(voiced, score.chews)
        if drawn < _BACKCHANNEL_PROBABILITY and not recent and not chewing:
            score.utterances.append(Utterance(listener, round(begin * SAMPLE_RATE), sound, text, backchannel=True))
    return now


def _overlap(a: Event, b: Event) -> bool:
    """Whether fewer than 0.3 s lie between them."""
    return a.start < b.end + 0.3 and b.start < a.end + 0.3


def _any_overlap(event: Event, others: list[Event]) -> bool:
    """Whether it meets one of the same person's."""
    return any(event.person == other.person and _overlap(event, other) for other in others)


def _cut(score: Score) -> Score:
    """The score up to its end. A gesture that would be cut short is left out, a pause with it; a voice is cut off."""

    def within(events: list[Event]) -> list[Event]:
        return sorted((event for event in events if event.end <= score.seconds), key=lambda event: event.start)

    in_order = sorted(score.utterances, key=lambda utterance: utterance.start)
    heard = [replace(u, sound=u.sound[: score.samples - u.start]) for u in in_order if u.start < score.samples]
    turns = [replace(turn, end=min(turn.end, score.seconds)) for turn in score.turns]
    # A pause too late for its nod says nothing about nodding.
    pauses = [pause for pause in within(score.pauses) if pause.start + _NOD_DELAY[1] + _NOD_LENGTH[1] <= score.seconds]
    return Score(score.samples, heard, turns, pauses, within(score.nods), within(score.smiles), within(score.chews))
