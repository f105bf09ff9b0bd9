"""A kernel that lacks socket options, as old ones, user-mode emulation and sandboxes do: a library that stands between
a program and the C library's ``setsockopt``, made with the machine's own compiler."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from pathlib import Path

from tests import needs

_SOURCE = Path(__file__).with_name("old_kernel.c")

OPTIONS = {
    "SO_TIMESTAMPING": "1:37",
    "SO_RXQ_OVFL": "1:40",
    "SO_MEMINFO": "1:55",
    "SO_LINGER": "1:13",
    "SO_REUSEADDR": "1:2",
    "SO_BINDTODEVICE": "1:25",
    "SO_RCVBUF": "1:8",
    "SO_RCVBUFFORCE": "1:33",
    "SO_ATTACH_FILTER": "1:26",
    "IP_MTU_DISCOVER": "0:10",
    "IP_RECVERR": "0:11",
    "IP_RECVTTL": "0:12",
    "IP_RECVERR_RFC4884": "0:26",
    "IPV6_RECVERR": "41:25",
    "IPV6_RECVERR_RFC4884": "41:31",
    "IPV6_RECVHOPLIMIT": "41:51",
    "TCP_SYNCNT": "6:7",
    "TCP_INFO": "6:11",
    "ICMP_FILTER": "255:1",
    "ICMP6_FILTER": "58:1",
}
"""Level and number of each, as Linux has them on x86 and ARM."""


def environment(
    *, lacks: tuple[str, ...] = (), ignores: tuple[str, ...] = (), forbids: tuple[str, ...] = ()
) -> dict[str, str]:
    """Variables with which a program meets such a kernel."""
    needs.uses("cc")
    return {
        "LD_PRELOAD": _library(),
        "HOPSCOPE_LACKS": " ".join(OPTIONS[name] for name in lacks),
        "HOPSCOPE_FORBIDS": " ".join(OPTIONS[name] for name in forbids),
        "HOPSCOPE_IGNORES": " ".join(OPTIONS[name] for name in ignores),
    }


@functools.cache
def _library() -> str:
    folder = Path(tempfile.mkdtemp(prefix="hopscope-old-kernel-"))
    folder.chmod(0o755)
    made = folder / "old_kernel.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", made, _SOURCE, "-ldl"], check=True)
    made.chmod(0o755)
    return str(made)
