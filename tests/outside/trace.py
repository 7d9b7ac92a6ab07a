"""What strace has seen, as whom a process asked and what it wrote."""

import os
import re
from collections.abc import Iterable, Iterator

_NET = ("connect", "sendto", "sendmsg", "sendmmsg", "bind")
_NAMES = ("mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat")
CALLS = ",".join((*_NET, "open", "openat", "creat", *_NAMES))
STRACE = ["strace", "-f", "-qq", "-y", "--seccomp-bpf", "-s", "4096", "-e", f"trace={CALLS}", "-e", "signal=none"]
_ADDRESS = re.compile(r"sa_family=AF_(\w+)(?:.*?(?:inet_addr\(|inet_pton\(AF_INET6, )\"([^\"]+)\")?")
_WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC")
_OPENED = re.compile(r"= \d+<(.*)>$")
_NAMED = re.compile(r"(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?\"([^\"]*)\"")
_LOCAL = {"UNIX", "UNSPEC", "NETLINK"}  # netlink: the kernel is asked which addresses this machine has


def asked(lines: Iterable[str]) -> set[str]:
    """Addresses outside this machine to which anything was said, or would have been.

    SLURM's own programs are left out: where they are installed, Snakemake's plugin starts them, and they look for their
    cluster.
    """
    found, slurm = set(), set[str]()
    for line in lines:
        process = line.split(" ", 1)[0]
        if "libslurm" in line:
            slurm.add(process)
        if process in slurm:
            continue
        call = line.split(" ", 1)[-1].lstrip().partition("(")[0]
        if call not in _NET:
            continue
        for family, address in _ADDRESS.findall(line):
            if family not in _LOCAL and not (address.startswith("127.") or address == "::1"):
                found.add(f"{call} {family} {address}")
    return found


def written(lines: Iterable[str], folder: str) -> set[str]:
    """Paths that were opened for writing, made or renamed to; `folder` is where relative ones count from."""
    return {os.path.normpath(os.path.join(folder, path)) for line in lines for path in _paths(line)}


def _paths(line: str) -> Iterator[str]:
    call, _, rest = line.split(" ", 1)[-1].lstrip().partition("(")
    if " = -1 " in rest:
        return
    if call in ("open", "openat", "creat"):
        if (call == "creat" or _WRITES.search(rest)) and (match := _OPENED.search(rest.rstrip())):
            yield match[1].removesuffix(" (deleted)")
    elif call in _NAMES and (names := _NAMED.findall(rest)):
        yield os.path.join(*names[-1])
