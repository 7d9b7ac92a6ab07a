"""One sentence through espeak-ng, as a program of its own: `espeak.py LIBRARY DATA VOICE PITCH RANGE RATE TEXT`.

- Writes the sampling rate (4 bytes, little-endian), then mono 16-bit samples, to standard output.
- espeak-ng keeps the phase of its oscillators from one sentence to the next, even when it is initialised again; a new
  process is what makes a sentence sound the same whatever was said before it.
- Only the standard library is used, so that starting it takes a few hundredths of a second.
"""

import ctypes
import sys

_SYNCHRONOUS_OUTPUT, _UTF8 = 2, 1
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def main() -> None:
    """Speak what the command line says. Raises RuntimeError when espeak-ng refuses."""
    library, data, voice, pitch, pitch_range, words, text = sys.argv[1:]
    espeak = ctypes.CDLL(library)
    heard = bytearray()

    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int) -> int:
        if samples and count > 0:
            heard.extend(ctypes.string_at(samples, 2 * count))
        return 0

    callback = _Callback(collect)  # must outlive the synthesis
    rate = espeak.espeak_Initialize(_SYNCHRONOUS_OUTPUT, 0, data.encode(), 0)
    if rate <= 0:
        raise RuntimeError(f"espeak-ng could not start with the data in {data}")
    espeak.espeak_SetSynthCallback(callback)
    if espeak.espeak_SetVoiceByName(voice.encode()):
        raise RuntimeError(f"espeak-ng has no voice {voice}")
    for parameter, value in ((_PITCH, pitch), (_RANGE, pitch_range), (_RATE, words)):
        espeak.espeak_SetParameter(parameter, int(value), 0)
    encoded = text.encode() + b"\0"
    if espeak.espeak_Synth(encoded, ctypes.c_size_t(len(encoded)), 0, 1, 0, _UTF8, None, None):
        raise RuntimeError(f"espeak-ng could not say {text!r}")
    espeak.espeak_Synchronize()
    sys.stdout.buffer.write(rate.to_bytes(4, "little") + heard)


if __name__ == "__main__":
    main()
