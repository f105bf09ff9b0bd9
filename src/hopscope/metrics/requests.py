"""A scrape's request and its answer as bytes (RFC 9112): sans-IO. Whoever asks is a stranger."""

from __future__ import annotations

import re
from typing import Final

from hopscope.metrics import PATH

MOST_HEAD: Final = 8192
"""Bytes of a request's head."""
_REQUEST: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^ \r\n]+) HTTP/1\.[0-9]")
_OWN: Final = re.compile(rb"(localhost|[0-9.]+|\[[0-9a-f:.]+\])\.?(:[0-9]*)?", re.IGNORECASE)
"""A Host that no page of somebody's can have been loaded from: an address, or this machine's name for itself."""
_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
}


class HTTPError(Exception):
    """A request that gets no metrics."""

    def __init__(self, status: int, method: bytes = b"") -> None:
        self.status = status
        self.is_head = method == b"HEAD"


def head_of(data: bytes) -> bytes | None:
    """The request's head, without the empty line behind it; None: more is to come. `HTTPError` where it is too long."""
    end = re.search(rb"\r?\n\r?\n", data)
    if end is not None and end.start() <= MOST_HEAD:
        return data[: end.start()]
    if len(data) > MOST_HEAD:
        raise HTTPError(431)
    return None


def read(head: bytes, *, is_private: bool) -> tuple[bytes, bytes]:
    """The method, and what is accepted (lower case). `HTTPError`."""
    line, *lines = re.split(rb"\r?\n", head)
    fields = [(name.lower(), value.strip()) for name, _, value in (field.partition(b":") for field in lines)]
    request = _REQUEST.fullmatch(line)
    if request is None:
        raise HTTPError(400)
    method, target = request[1], request[2]
    path = re.sub(rb"^https?://[^/?#]*", b"", target, flags=re.IGNORECASE)
    if re.split(rb"[?#]", path)[0] != PATH.encode():
        raise HTTPError(404, method)
    if method not in (b"GET", b"HEAD"):
        raise HTTPError(405)
    if is_private and not all(_OWN.fullmatch(value) for name, value in fields if name == b"host"):
        raise HTTPError(403, method)
    return method, b",".join(value.lower() for name, value in fields if name == b"accept")


def refusal(status: int, *, is_head: bool = False) -> bytes:
    """What is answered in the place of metrics, and why."""
    reason = _REASONS[status]
    more = {404: f": the metrics are at {PATH}", 403: ": this is not the server of that name (Host)"}
    text = f"{reason}{more.get(status, '')}\n"
    return response(status, text.encode(), "text/plain; charset=utf-8", is_head=is_head)


def response(status: int, body: bytes, content_type: str, *, is_head: bool = False) -> bytes:
    """An answer, after which the connection ends; `is_head`: without its body."""
    allowed = "Allow: GET, HEAD\r\n" if status == 405 else ""
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        f"{allowed}X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if is_head else body)
