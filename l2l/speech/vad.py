"""Voice activity: silero-vad through onnxruntime, streamed, so that memory does not grow with the recording."""

import importlib.util
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime
import soundfile

from l2l.errors import UserError
from l2l.progress import progress
from l2l.units import FPS, SAMPLE_RATE

Kind = Literal["float32", "int16"]
CHUNK, _CONTEXT = 512, 64  # samples: the network hears 512 new ones and the 64 before


def read_wav(path: str | Path) -> soundfile.SoundFile:
    """Open a 16 kHz mono wav. Raises UserError naming the file when it is not one."""
    try:
        file = soundfile.SoundFile(str(path))
    except soundfile.LibsndfileError as error:
        raise UserError(f"{path} cannot be read as sound ({error}); make it with `l2l normalise`.") from None
    if file.samplerate != SAMPLE_RATE or file.channels != 1:
        raise UserError(
            f"{path} is {file.samplerate} Hz, {file.channels} channels, not 16 kHz mono; normalise it again."
        )
    return file


def read_part(file: soundfile.SoundFile, start: int, count: int, kind: Kind = "float32") -> np.ndarray:
    """(count,) samples of a mono sound from `start` on, which may be negative; silence where there is no sound."""
    part = np.zeros(count, kind)
    first, last = max(start, 0), min(start + count, len(file))
    if last > first:
        file.seek(first)
        part[first - start : last - start] = file.read(last - first, dtype=kind)
    return part


class VoiceActivity:
    """The network, chunk after chunk of one sound."""

    def __init__(self) -> None:
        # The package itself imports torch; only the network inside it is needed.
        package = importlib.util.find_spec("silero_vad")
        assert package is not None and package.origin is not None
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        options.log_severity_level = 3
        network = Path(package.origin).parent / "data" / "silero_vad.onnx"
        self._session = onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)
        self._rate = np.array(SAMPLE_RATE, np.int64)

    def __call__(self, chunk: np.ndarray) -> float:
        """Probability that somebody speaks in the next `CHUNK` samples, float32."""
        heard = np.concatenate([self._context, chunk])[None]  # (1, 576)
        probability, self._state = self._session.run(None, {"input": heard, "state": self._state, "sr": self._rate})
        self._context = chunk[-_CONTEXT:]
        return float(probability[0, 0])


def voice_activity(wav: str | Path, frames: int, fps: int = FPS) -> np.ndarray:
    """(frames,) float32 probability that somebody speaks in each video frame."""
    network = VoiceActivity()
    with read_wav(wav) as file:
        blocks = file.blocks(blocksize=CHUNK, dtype="float32", fill_value=0.0)
        found = [network(chunk) for chunk in progress(blocks, "voice activity", unit="chunk", total=len(file) // CHUNK)]
    middle = (np.arange(frames) + 0.5) / fps * SAMPLE_RATE / CHUNK - 0.5  # each frame's place among the chunks
    return np.interp(middle, np.arange(len(found)), found).astype(np.float32)
