"""Left and right of the picture: the two people of a recording, in every name that a person reads.

Arrays have the person on the left first: (T, 2, ...). The published format calls them p0 and p1 in its file names.
"""

from typing import Literal, get_args

Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = get_args(Side)


def other(side: Side) -> Side:
    """The person opposite."""
    return "right" if side == "left" else "left"


def number(side: Side) -> int:
    """The person's place in arrays of both: 0 or 1."""
    return SIDES.index(side)


def published(side: Side) -> str:
    """The person's name in the published format's files: p0 or p1."""
    return f"p{number(side)}"
