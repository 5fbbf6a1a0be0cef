"""The other direction of reference.py: what the bytes of a backend mean, and what the client must see of them."""

import dataclasses
import re

from reference import FIELD, Incomplete, Refusal, MOST, elements, fold, read_chunks, Limits, TOKEN

STATUS = re.compile(rb"(HTTP/1\.\d) ([1-9]\d\d)(?: ([\t -~\x80-\xff]*))?")
HOP = {b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"te", b"transfer-encoding", b"upgrade",
       b"trailer"}
# Folded: what only resembles them goes too.
OURS = {b"content-length", b"transfer-encoding", b"x-session-set", b"x-session-clear", b"connection", b"upgrade",
        b"keep-alive", b"te", b"trailer", b"proxy-connection", b"proxy-authenticate"}
# What may follow a chunk size: blanks are read in responses only.
PADDED = re.compile(rb'[ \t]*(?:;[ \t]*%s[ \t]*(?:=[ \t]*(?:%s|"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*")[ \t]*)?)*' % (TOKEN, TOKEN))


@dataclasses.dataclass
class Answer:
    status: int
    reason: bytes
    fields: list  # that pass
    body: bytes
    whole: bool  # else its end was lost: the client must see that
    interim: list  # statuses that pass before it
    length: int = -1  # declared


class BadGateway:
    def __init__(self, why):
        self.why = why

    def __repr__(self):
        return f"BadGateway({self.why})"


def read_head(data):
    """(status line match, fields, bytes used); a text that says what is wrong; or None: not whole."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return None
    first, *lines = head.split(b"\r\n")
    status = STATUS.fullmatch(first)
    if not status:
        return "the status line"
    fields = []
    for line in lines:
        field = FIELD.fullmatch(line)
        if not field:
            return f"the line {line!r}"
        fields.append((field[1], field[2]))
    if len(lines) > 500 or len(head) + 4 > 64 * 1024:
        return "the size of the head"
    return status, fields, len(head) + 4


def passing(fields, cookie):
    """The fields of a response that pass."""
    nominated = set(elements([value for name, value in fields if fold(name) == b"connection"]))
    nominated -= {b"close", b"keep-alive", b"set-cookie"}
    kept = []
    for name, value in fields:
        lower = name.lower()
        if lower in HOP or fold(name) in OURS or lower in nominated:
            continue
        if lower == b"set-cookie" and re.match(rb"[ \t]*%s[ \t]*(=|;|$)" % cookie, value):
            continue
        kept.append((name, value))
    return kept


def framing(status, minor, fields, method):
    """'none', 'until close', 'chunked', a length; or a BadGateway."""
    lengths = [value for name, value in fields if name.lower() == b"content-length"]
    codings = [value for name, value in fields if name.lower() == b"transfer-encoding"]
    if len(lengths) > 1 or any(not re.fullmatch(rb"\d+", n) or int(n) > MOST for n in lengths):
        return BadGateway("the length")
    if codings and (lengths or len(codings) > 1 or codings[0].lower() != b"chunked" or minor == 0):
        return BadGateway("the coding")
    if method == b"HEAD" or status in (204, 304, 205):
        return "none"
    if codings:
        return "chunked"
    return int(lengths[0]) if lengths else "until close"


def read_response(data, method=b"GET", asked_websocket=False, cookie=b"session"):
    """What a backend means that sends `data` and closes, for a request of `method`."""
    interim, count = [], 0
    while True:
        head = read_head(data)
        if head is None or isinstance(head, str):
            return BadGateway(head or "no whole head")
        line, fields, used = head
        status, minor = int(line[2]), 0 if line[1] == b"HTTP/1.0" else 1
        data = data[used:]
        if status >= 200 or status == 101:
            break
        if status != 100:
            interim.append(status)
        count += 1
        if count > 1000:
            return BadGateway("too many interim responses")
    if status == 101 and not asked_websocket:
        return BadGateway("101")
    kind = framing(status, minor, fields, method)
    if isinstance(kind, BadGateway):
        return kind
    if status == 205 and any(name.lower() == b"transfer-encoding" for name, _ in fields) and method != b"HEAD" and (
            isinstance(read_chunks(data, Limits(64 * 1024, 500, body=1 << 40), PADDED), Refusal)):
        return BadGateway("the chunks")
    answer = Answer(status, line[3] or b"", passing(fields, cookie), b"", True, interim)
    if kind == "until close":
        answer.body = data
    elif kind == "chunked":
        body = read_chunks(data, Limits(64 * 1024, 500, body=1 << 40), PADDED)
        if isinstance(body, tuple):
            answer.body = body[0]
        else:
            answer.whole, answer.body = False, None
    elif kind != "none":
        answer.length, answer.body = kind, data[:kind]
        answer.whole = len(data) >= kind
    return answer


__all__ = ["Answer", "BadGateway", "Incomplete", "read_response"]
