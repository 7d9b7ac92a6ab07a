"""No net and strace: nobody is asked, and nothing is written but where docs/privacy.md says."""

from pathlib import Path

import pytest

from tests.outside.__main__ import TARGETS
from tests.outside.run import can_run, run
from tests.outside.trace import asked, written

INET = "connect(4<socket:[1]>, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("
LINES = [
    "7 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 4<socket:[1]>",
    f'7 {INET}"127.0.0.1")}}, 16) = -1 ENETUNREACH',
    f'7 {INET}"10.255.255.53")}}, 16) = -1 ENETUNREACH',
    '7 connect(4<socket:[1]>, {sa_family=AF_UNIX, sun_path="/tmp/x"}, 110) = 0',
    '7 sendto(3<socket:[2]>, "x", 1, 0, {sa_family=AF_INET6, inet_pton(AF_INET6, "2001:db8::1", &sin6_addr)}, 28) = 1',
    '7 openat(AT_FDCWD</run>, "a/b", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</run/a/b>',
    '7 openat(AT_FDCWD</run>, "/etc/c", O_RDWR|O_CREAT, 0666) = -1 EACCES (Permission denied)',
    '7 openat(4</home>, "d", O_WRONLY|O_CREAT|O_CLOEXEC, 0777) = 5</home/d>',
    '7 openat(AT_FDCWD</run>, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 5</etc/passwd>',
    '8 openat(AT_FDCWD</run>, "/usr/lib/slurm-wlm/libslurmfull.so", O_RDONLY|O_CLOEXEC) = 3</usr/lib/libslurmfull.so>',
    f'8 {INET}"10.1.1.1")}}, 16) = -1 ENETUNREACH',
    '7 mkdir("../e", 0777)                  = 0',
    '7 rename("/run/f", "/home/g") = 0',
]


def test_what_strace_says_is_understood() -> None:
    assert asked(LINES) == {"connect INET 10.255.255.53", "sendto INET6 2001:db8::1"}
    assert written(LINES, "/run") == {"/run/a/b", "/home/d", "/e", "/home/g"}


@pytest.mark.strace
def test_a_workflow_without_a_net_asks_nobody_and_writes_in_its_folder(tmp_path: Path) -> None:
    assert can_run(), "needs strace and unshare"
    seen = run(tmp_path / "run", *TARGETS)
    assert seen.status == 0, seen.said
    assert not (seen.asked | seen.elsewhere | seen.left)
