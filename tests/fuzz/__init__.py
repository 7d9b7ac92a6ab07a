"""Files as strangers, dying disks and attackers leave them: every reader answers with numbers it has checked, or with
one sentence.

- `mutants`: what is done to a good file.
- `formats`: each format: a good file, and how the program reads it.
- `test_formats`: some mutants of each in `make test`; hours of them: `python -m tests.fuzz --minutes 60`.
"""
