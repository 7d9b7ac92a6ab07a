"""A whole workflow with no net, every process of it watched by strace: whom it asks, and where it writes.

`tests/watched` sees what Python does, in `make test`; this sees compiled libraries and ffmpeg too, and takes minutes:
`python -m tests.outside`, or `pytest -m strace`. It needs `strace` and `unshare` (Debian: strace, util-linux).
"""
