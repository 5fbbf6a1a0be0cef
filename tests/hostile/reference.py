"""HTTP/1.1 read a second time, from RFC 9110 and 9112 and the promises of the documents, by regular
expressions and without a look at proxy/http: what a stream of bytes from a client means, and what the
backend must see of it. The hostile tests hold the running program against it."""

import dataclasses
import ipaddress
import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
LINE = re.compile(rb"(%s) ([!-~]+) (HTTP/\d\.\d)" % TOKEN)
FIELD = re.compile(rb"(%s):[ \t]*((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)[ \t]*" % TOKEN)
EXTENSIONS = re.compile(rb'(?:;%s(?:=(?:%s|"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*' % (TOKEN, TOKEN))
MOST = 2 ** 63 - 1

# What a request may not bring to the backend, beside what Connection names.
HOP = {b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"te", b"trailer", b"upgrade",
       b"http2-settings", b"expect", b"transfer-encoding", b"content-length"}
DECIDING = {b"transfer-encoding", b"content-length", b"host", b"cookie", b"connection", b"forwarded", b"x-real-ip",
            b"x-request-id"}
KEPT_FROM_CONNECTION = DECIDING | {b"expect", b"upgrade"}
ADDED = {b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"x-request-id"}


@dataclasses.dataclass
class Limits:
    header: int = 16 * 1024
    headers: int = 100
    target: int = 8 * 1024
    body: int = 64 * 1024 * 1024


@dataclasses.dataclass
class Request:
    """A request that is fine, and what the backend must see of it."""
    method: bytes
    target: bytes  # in the form that is forwarded
    fields: list  # the lines that pass, (name, value), in order
    host: bytes  # what Host must be; empty: the server's own
    body: bytes
    framed: bool  # has a Content-Length or a coding, even for a body of no bytes
    closes: bool
    upgrade: bool = False
    local: bool = False  # answered with 204, and no backend hears of it


@dataclasses.dataclass
class Refusal:
    """Any of these answers is right, then the connection closes."""
    statuses: set
    why: list


class Incomplete:
    """The stream ends within a message: a close with or without a word, and nothing whole for the backend."""


def fold(name):
    return re.sub(rb"[^a-z0-9]", b"-", name.lower())


def valid_host(value):
    if value.startswith(b"["):
        literal, bracket, rest = value[1:].partition(b"]")
        try:
            if not bracket or ipaddress.ip_address(literal.decode("ascii")).version != 6 or b"%" in literal:
                return False
        except ValueError:
            return False
    else:
        name = re.match(rb"(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+", value)
        if not name or b".." in name[0] or name[0] == b".":
            return False
        rest = value[name.end():]
    return rest == b"" or (re.fullmatch(rb":\d{0,5}", rest) is not None and int(rest[1:] or b"0") <= 65535)


def place(value, scheme):
    """Host and port that a valid value of Host names, in one form."""
    host, _, port = value.rpartition(b":") if re.search(rb":\d*$", value) and not value.endswith(b"]") else (value, b"", b"")
    if host.startswith(b"["):
        host = ipaddress.ip_address(host[1:-1].decode()).packed
    else:
        host = re.sub(rb"%([0-9A-Fa-f]{2})", unreserved, host).lower()
        host = host[:-1] if host.endswith(b".") else host
    return host, int(port) if port else {b"http": 80, b"https": 443}[scheme]


def unreserved(match):
    byte = bytes([int(match[1], 16)])
    return byte if re.fullmatch(rb"[A-Za-z0-9\-._~]", byte) else match[0]


def leaves_the_root(path):
    """Whether the dot segments of a path, decoded where that is harmless, lead above the root."""
    depth = 0
    for segment in re.sub(rb"%([0-9A-Fa-f]{2})", unreserved, path).split(b"/")[1:]:
        if segment == b"..":
            depth -= 1
            if depth < 0:
                return True
        elif segment != b".":
            depth += 1
    return False


def read_target(method, target, bad):
    """The target to forward, the authority that it names and its scheme."""
    if b"#" in target:
        bad(400, "a fragment")
    if target == b"*":
        if method != b"OPTIONS":
            bad(400, "an asterisk")
        return target, b"", b"http"
    if target.startswith(b"/"):
        path, authority, scheme = target, b"", b"http"
    else:
        absolute = re.fullmatch(rb"(https?)://([^/?]*)([/?].*)?", target, re.S | re.I)
        if not absolute or not valid_host(absolute[2]):
            bad(400, "no target")
            return target, b"", b"http"
        scheme, authority, path = absolute[1].lower(), absolute[2], absolute[3]
        if path is None:
            path = b"*" if method == b"OPTIONS" else b"/"
        elif path.startswith(b"?"):
            path = b"/" + path
    if leaves_the_root(path.partition(b"?")[0]):
        bad(400, "a path out of the root")
    return path, authority, scheme


def read_coding(values, bad):
    if len(values) > 1:
        bad(400, "two codings")
    elements = [part.split(b";")[0].strip(b" \t") for part in values[0].split(b",")]
    if values[0].lower() == b"chunked":
        return
    chunked = [element.lower() for element in elements].count(b"chunked")
    if not all(re.fullmatch(TOKEN, element) for element in elements) or chunked == len(elements) or chunked > 1:
        bad(400, "a malformed coding")
    else:
        bad(501, "an unknown coding")


def read_chunks(data, limits, extensions=EXTENSIONS):
    """(body, bytes used), or a Refusal, or Incomplete."""
    body, at, trailers = b"", 0, 0
    broken = Refusal({400}, ["a malformed chunk"])
    while True:
        end = data.find(b"\r\n", at)
        line = data[at:] if end < 0 else data[at:end]
        size = re.match(rb"[0-9A-Fa-f]+", line)
        if end < 0:
            wrong = line and (not size or len(line) >= 256 or re.search(rb"[\x00-\x08\n-\x1f\x7f]", line.rstrip(b"\r")))
            return broken if wrong else Incomplete()
        if not size or int(size[0], 16) > MOST or len(line) + 2 > 256 or not extensions.fullmatch(line[size.end():]):
            return broken
        at, size = end + 2, int(size[0], 16)
        if size == 0:
            break
        piece, close = data[at:at + size], data[at + size:at + size + 2]
        body += piece
        if len(body) > limits.body:
            return Refusal({413, 400}, ["a body too large"])
        if close != b"\r\n"[:len(close)]:
            return broken
        if len(piece) < size or len(close) < 2:
            return Incomplete()
        at += size + 2
    start = at
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return Incomplete() if at - start < limits.header else broken
        line, at = data[at:end], end + 2
        if line == b"":
            return body, at
        trailers += 1
        if not FIELD.fullmatch(line) or trailers > limits.headers or at - start > limits.header:
            return broken


def passes(name, value, nominated, injected, underscores):
    """Whether a line of a client reaches the backend."""
    folded, lower = fold(name), name.lower()
    if folded in injected or lower in HOP:
        return False
    if folded in DECIDING or folded.startswith(b"x-forwarded-"):
        return lower in (b"host", b"cookie")
    if lower in nominated and lower not in KEPT_FROM_CONNECTION:
        return False
    return underscores or b"_" not in name


def without_cookie(value, ours):
    kept = [part for part in value.split(b";") if part.split(b"=")[0].strip(b" \t") != ours]
    return b";".join(kept).strip(b" \t")


def elements(values):
    return [part.strip(b" \t").lower() for value in values for part in value.split(b",")]


def read_request(data, limits=Limits(), injected=frozenset({b"x-session-name"}), cookie=b"session", underscores=True):
    """(what the front of `data` means, how many bytes it used)."""
    skipped = re.match(rb"(?:\r\n){0,2}", data).end()
    head, end, _ = data[skipped:].partition(b"\r\n\r\n")
    if not end:
        return Incomplete(), 0
    used = skipped + len(head) + 4
    found = []

    def bad(status, why):
        found.append((status, why))

    first, *lines = head.split(b"\r\n")
    line = LINE.fullmatch(first)
    if not line or len(line[1]) > 64:
        bad(400, "no request line")
        # A target that is too long may be noticed before the rest of its line.
        if len(first) > limits.target:
            bad(414, "a long target")
    elif line[3][5:6] != b"1":
        bad(505, "another version")
        if line[3] == b"HTTP/2.0":
            bad(400, "the preface of HTTP/2")
    if line and len(line[2]) > limits.target:
        bad(414, "a long target")
    if used > limits.header:
        bad(431, "a long head")
    if len(lines) > limits.headers:
        bad(431, "many lines")
    fields = []
    for text in lines:
        field = FIELD.fullmatch(text)
        if not field:
            bad(400, f"the line {text!r}")
        else:
            fields.append((field[1], field[2]))
    if found:
        return Refusal({status for status, _ in found}, [why for _, why in found]), used

    def values(name):
        return [value for key, value in fields if key.lower() == name]

    method, target, minor = line[1], line[2], 0 if line[3] == b"HTTP/1.0" else 1
    lengths, codings, hosts = values(b"content-length"), values(b"transfer-encoding"), values(b"host")
    if len(lengths) > 1 or any(not re.fullmatch(rb"\d+", n) or int(n) > MOST for n in lengths):
        bad(400, "a malformed length")
    if codings:
        read_coding(codings, bad)
        if lengths:
            bad(400, "a coding and a length")
        if minor == 0:
            bad(400, "a coding in HTTP/1.0")
    authority, scheme = b"", b"http"
    if minor == 0 and hosts == [b""]:
        hosts = []
    if method in (b"CONNECT", b"TRACE"):
        bad(405, "that method")
    else:
        target, authority, scheme = read_target(method, target, bad)
    if len(hosts) > 1 or (minor == 1 and not hosts) or any(not valid_host(host) for host in hosts):
        bad(400, "the Host")
    elif hosts and valid_host(authority) and place(hosts[0], scheme) != place(authority, scheme):
        bad(400, "two hosts")
    expectations = values(b"expect")
    if any(value.lower() != b"100-continue" for value in expectations):
        bad(417, "an expectation")
    options = elements(values(b"connection"))
    upgrades = minor == 1 and b"upgrade" in options and b"websocket" in elements(values(b"upgrade"))
    if upgrades and (lengths or codings):
        bad(400, "an upgrade with a body")
    hops = values(b"max-forwards") if method == b"OPTIONS" else []
    if len(hops) > 1 or any(not re.fullmatch(rb"\d+", value) for value in hops):
        bad(400, "hops")
    if lengths and not found and int(lengths[0]) > limits.body:
        bad(413, "a body too large")
    if found:
        return Refusal({status for status, _ in found}, [why for _, why in found]), used

    nominated = set(options)
    kept = []
    for name, value in fields:
        if passes(name, value, nominated, injected, underscores):
            if name.lower() == b"cookie" and cookie in value:
                value = without_cookie(value, cookie)
                if not value:
                    continue
            kept.append((name, value))
    closes = b"close" in options or (minor == 0 and b"keep-alive" not in options)
    request = Request(method, target, kept, hosts[0] if hosts else authority, b"", bool(lengths or codings), closes,
                      upgrades and method == b"GET" and bool(values(b"sec-websocket-key")))
    request.local = target == b"*" or (bool(hops) and int(hops[0]) == 0)
    # The body of a request that is answered at once is not read; behind it the connection ends.
    request.closes = closes or (request.local and (bool(codings) or any(int(length) for length in lengths)))
    if codings:
        body = read_chunks(data[used:], limits)
        if not isinstance(body, tuple):
            return body, used
        request.body = body[0]
        used += body[1]
    elif lengths:
        request.body = data[used:used + int(lengths[0])]
        used += int(lengths[0])
        if used > len(data):
            return Incomplete(), len(data)
    return request, used


def read_stream(data, **how):
    """Everything that a client sent on one connection, as a list whose last element may be no Request."""
    meanings = []
    while data and data not in (b"\r\n", b"\r\n\r\n"):
        meaning, used = read_request(data, **how)
        meanings.append(meaning)
        if not isinstance(meaning, Request) or meaning.closes or meaning.upgrade:
            break
        data = data[used:]
    return meanings
