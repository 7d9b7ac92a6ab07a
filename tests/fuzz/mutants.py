"""What is done to a good file; each mutant follows from its number."""

import io
import struct
import zipfile
from collections.abc import Callable

import numpy as np

Random = np.random.Generator


def mutant(good: bytes, number: int) -> bytes:
    """`good` altered in one to three ways."""
    random = np.random.default_rng(number)
    ways = [*_BYTES, *_BYTES]
    if good[:2] == b"PK":
        ways += [_arrays, _members] * 6
    elif good[:6] == b"\x93NUMPY":
        ways += [lambda data, r: _array(data, r)] * 8
    elif _is_text(good):
        ways += _TEXT * 3
    for _ in range(random.integers(1, 4)):
        good = ways[random.integers(len(ways))](good, random)
    return good


def _is_text(data: bytes) -> bool:
    try:
        return data.decode().isprintable() or (b"\n" in data[:2000] and "\0" not in data.decode())
    except UnicodeDecodeError:
        return False


def _place(data: bytes, random: Random) -> int:
    """Beginnings and ends hold what files say of themselves."""
    near = int(
        random.choice([random.integers(0, 64), len(data) - random.integers(1, 200), random.integers(0, 1 << 62)])
    )
    return near % max(len(data), 1)


def _cut(data: bytes, random: Random) -> bytes:
    return data[: _place(data, random)]


def _flip(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(int(random.choice([1, 4, 50]))):
        if changed:
            changed[_place(data, random)] ^= 1 << random.integers(8)
    return bytes(changed)


def _zeros(data: bytes, random: Random) -> bytes:
    at = _place(data, random)
    return data[:at] + bytes(min(int(random.choice([1, 16, 4096])), len(data) - at)) + data[at + 4096 :]


def _insert(data: bytes, random: Random) -> bytes:
    at = _place(data, random)
    return data[:at] + random.bytes(int(random.choice([1, 7, 1000]))) + data[at:]


def _number(data: bytes, random: Random) -> bytes:
    """A length or an offset somewhere becomes an extreme one."""
    at = _place(data, random)
    value = int(random.choice([0, 1, 255, 0x7FFFFFFF, 0xFFFFFFFF]))
    return data[:at] + struct.pack("<I", value) + data[at + 4 :]


def _twice(data: bytes, random: Random) -> bytes:
    return data + data[_place(data, random) :]


def _nothing(data: bytes, random: Random) -> bytes:
    return b""


_BYTES: list[Callable[[bytes, Random], bytes]] = [_cut, _flip, _flip, _zeros, _insert, _number, _twice, _nothing]


def _array(data: bytes, random: Random) -> bytes:
    """A .npy of other numbers, another type or another shape, or a header that lies."""
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception:
        return data
    way = random.integers(9)
    if way == 0 and array.size and array.dtype.kind == "f":
        array = array.copy()
        array.flat[random.integers(array.size)] = random.choice([np.nan, np.inf, 3e38, -1e30])
    elif way == 1:
        kind = str(random.choice(["f2", "f8", "i4", "U3", "c8", "?"]))
        array = array.astype(kind) if array.dtype.kind in "fiub" else np.zeros(array.shape, kind)
    elif way == 2 and array.ndim:
        array = array[: random.integers(len(array) + 1)]
    elif way == 3:
        array = array[None]
    elif way == 4 and array.ndim:
        array = np.concatenate([array, array])
    elif way == 5:
        array = array.T
    elif way == 6:
        array = np.array([{}], object)
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    text = file.getvalue()
    if way in (7, 8):  # as long as before, or numpy would not find the end of the header
        shape = str(random.choice(["(9999999999999,)", "(-1,)", "(1, 2, 3)", "[]"])).encode()
        start, end = text.find(b"(") if b"(" in text else 0, text.find(b")") + 1
        text = text[:start] + shape.ljust(end - start)[: end - start] + text[end:]
    return text


def _unpacked(data: bytes) -> dict[str, bytes] | None:
    """The members of a zip file by name; None where an earlier change has made it none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            return {name: file.read(name) for name in file.namelist()}
    except Exception:
        return None


def _arrays(data: bytes, random: Random) -> bytes:
    """One member of an .npz becomes another array."""
    if (members := _unpacked(data)) is None:
        return data
    if members:
        name = str(random.choice(list(members)))
        members[name] = _array(members[name], random)
    return _packed(members, zipfile.ZIP_STORED)


def _members(data: bytes, random: Random) -> bytes:
    """Members are missing, renamed or packed."""
    if (members := _unpacked(data)) is None:
        return data
    name, way = str(random.choice(list(members) or [""])), random.integers(4)
    content = members.pop(name, b"")
    if way == 0:
        members[f"../{name}"] = content
    elif way == 1:
        members[name] = b"\x80\x04cos\nsystem\n(S'true'\ntR."
    elif way == 2:
        members[name] = content
        return _packed(members, int(random.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])))
    return _packed(members, zipfile.ZIP_STORED)


def _packed(members: dict[str, bytes], how: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return file.getvalue()


_WORDS = [
    *(
        "\0",
        "\t",
        "\r",
        "\n",
        '"',
        "'",
        "{",
        "}",
        "[",
        "]",
        ":",
        "- ",
        "# ",
        "&a ",
        "*a",
        "\u202e",
        "../../x",
        "",
        "null",
    ),
    *("!!python/object:os.system ", "nan", "inf", "-1", "1e999", "9" * 400, "[" * 3000, "{a: " * 1500, "x" * 200_000),
]


def _word(data: bytes, random: Random) -> bytes:
    at = _place(data, random)
    return data[:at] + str(random.choice(_WORDS)).encode() + data[at + int(random.choice([0, 0, 1, 5])) :]


def _field(data: bytes, random: Random) -> bytes:
    """A number or a word becomes another."""
    text = data.decode(errors="replace")
    parts = text.replace("\t", "\t ").replace(",", ", ").split(" ")
    parts[random.integers(len(parts))] = str(random.choice(_WORDS))
    return " ".join(parts).replace("\t ", "\t").encode(errors="replace")


def _lines(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    at = random.integers(len(lines))
    return b"\n".join(lines[:at] + lines[at + 1 :] if random.random() < 0.5 else [*lines[:at], lines[at], *lines[at:]])


_TEXT: list[Callable[[bytes, Random], bytes]] = [_word, _word, _field, _lines]
