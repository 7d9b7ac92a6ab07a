"""Steps that end before they are done: killed, told to stop, or without room on the disk.

- `steps`: every command that writes files, in the order of the road, on the smallest recordings.
- `trial`: one run of a command in a process of its own, and what it leaves.
- `kills`, `full`: the trials of one step, each with what is wrong.
- `test_ends`: a few of them in `make test`; all of them: `python -m tests.ends --kills 20 --terms 10 --full 20`.
"""
