"""The clocks and widths that every step agrees on (the published format's)."""

FPS = 30  # frames per second
SAMPLE_RATE = 16000  # Hz of every sound file
AUDIO_PER_FRAME = 4  # mel rows per frame
MEL_BANDS = 128
FACE_DIM = 184  # columns of a stored face
MODEL_DIM = 56  # columns that the models use: expression 50, head rotation 3, jaw rotation 3
PATCH = 8  # frames that one step of the patch models stands for, 267 ms
