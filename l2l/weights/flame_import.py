"""FLAME's published pickle to plain arrays, once: `l2l weights import-flame`.

A pickle is a program. This reader knows numpy's arrays, scipy's sparse matrices (rebuilt from their arrays), and
chumpy's objects as empty shells whose array is taken out; whatever else a file asks for, it is refused and not run.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

from l2l.errors import UserError, temporary_cause
from l2l.files import save_npz

VERTICES, TRIANGLES, JOINTS = 5023, 9976, 5
IDENTITY, EXPRESSION = 300, 100
# Name in the pickle, shape. The joints' parents are the same in every FLAME: l2l/faces/flame.py.
SHAPES = {
    "f": (TRIANGLES, 3),
    "v_template": (VERTICES, 3),
    "shapedirs": (VERTICES, 3, IDENTITY + EXPRESSION),
    "posedirs": (VERTICES, 3, 9 * (JOINTS - 1)),
    "J_regressor": (JOINTS, VERTICES),
    "weights": (VERTICES, JOINTS),
}


class _Refused(Exception):
    """A pickle asks for something else than arrays."""


class _Shell:
    """Stands for an object whose class is not wanted; holds what the pickle puts into it."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Sparse(_Shell):
    """A scipy.sparse matrix."""


def _latin1(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes into old pickles."""
    if encoding != "latin1":
        raise _Refused(f"the codec {encoding}")
    return text.encode("latin1")


def _new(kind: type, base: object, state: object) -> _Shell:
    """How Python 2 makes an object without calling its class."""
    if not issubclass(kind, _Shell):
        raise _Refused(f"an object of {kind}")
    return kind()


_FOUND: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): "ndarray",  # a word: nothing can be made of it
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1,
    ("builtins", "set"): set,
    ("builtins", "object"): "object",
    ("copyreg", "_reconstructor"): _new,
}


class _Unpickler(pickle.Unpickler):
    """Finds nothing but what stands here; numpy and scipy have moved their modules over the years."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "chumpy":
            return type(name, (_Shell,), {})
        if module.startswith("scipy.sparse") and name in ("csc_matrix", "csr_matrix"):
            return type(name, (_Sparse,), {})
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return lambda *_: np.empty(0, np.int8)  # an array that its state will fill
        try:
            return _FOUND[{"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module), name]
        except KeyError:
            raise _Refused(f"{module}.{name}") from None


def read_pickle(path: Path) -> Any:
    """The arrays of a pickle. Raises UserError when it is cut off or asks for more than arrays."""
    try:
        with open(path, "rb") as file:
            return _plain(_Unpickler(file, encoding="latin1").load())
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; check the path.") from None
    except _Refused as error:
        raise UserError(f"{path} asks for {error}, not for arrays; it was refused and nothing in it was run.") from None
    except Exception as error:  # what a damaged pickle raises has no common type
        cause = temporary_cause(error)
        if cause is not None and not isinstance(cause, MemoryError):  # a size that is only claimed needs memory too
            raise
        raise UserError(f"{path} is cut off or not a pickle of arrays; get it again from its publisher.") from None


def _plain(value: Any) -> Any:
    """Shells as the arrays in them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 0:
        return _plain(value.item())
    if isinstance(value, _Sparse):
        parts = {key.lstrip("_"): part for key, part in value.state.items()}
        build = getattr(scipy.sparse, type(value).__name__)
        return build((parts["data"], parts["indices"], parts["indptr"]), parts["shape"]).toarray()
    if isinstance(value, _Shell):
        return value.state["x"]  # of a chumpy object
    return value


def import_flame(source: Path, out: Path) -> None:
    """Convert FLAME 2020's generic_model.pkl to `out` (.npz). Raises UserError naming what is not as it should be."""
    found = read_pickle(source)
    if not isinstance(found, dict):
        raise UserError(f"{source} holds no FLAME model; give generic_model.pkl of FLAME 2020.")
    arrays = {}
    for name, shape in SHAPES.items():
        array = np.asarray(found.get(name, ()))
        if array.shape != shape or array.dtype.kind not in "fiu":
            raise UserError(f"{source}: {name!r} has shape {array.shape}, not {shape}; give generic_model.pkl of 2020.")
        if not np.isfinite(array).all():
            raise UserError(f"{source}: {name!r} holds NaN or infinity; get the file again.")
        arrays[name] = array.astype(np.int32 if name == "f" else np.float32)
    if not 0 <= arrays["f"].min() <= arrays["f"].max() < VERTICES:
        raise UserError(f"{source}: 'f' names vertices that do not exist; give generic_model.pkl of FLAME 2020.")
    save_npz(out, **arrays)
