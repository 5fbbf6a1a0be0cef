"""One stream of bytes through the program, and whether everything about it was right."""

import reference
from reference import Incomplete, Refusal, Request
from world import read_replies


class Wrong(AssertionError):
    pass


def compare(wanted, seen, host):
    """The request that the backend saw with the one that it should have seen."""
    if (seen.method, seen.target) != (wanted.method, wanted.target) or not seen.line.endswith(b" HTTP/1.1"):
        raise Wrong(f"the backend saw the line {seen.line!r}")
    if seen.body != wanted.body:
        raise Wrong(f"the backend saw the body {seen.body[:200]!r}, not {wanted.body[:200]!r}")
    framing = [name.lower() for name, _ in seen.fields if name.lower() in (b"content-length", b"transfer-encoding")]
    if len(framing) != int(wanted.framed):
        raise Wrong(f"the backend saw the framing {framing}")
    if seen.values(b"host") != [wanted.host or host]:
        raise Wrong(f"the backend saw the hosts {seen.values(b'host')}")
    own = reference.ADDED | {b"content-length", b"transfer-encoding", b"host"}
    own |= {b"connection", b"upgrade", b"te"}
    got = [field for field in seen.fields if field[0].lower() not in own]
    expected = [field for field in wanted.fields if field[0].lower() not in own]
    if got != expected:
        raise Wrong(f"the backend saw {got}, not {expected}")
    for name in (b"x-forwarded-for", b"x-forwarded-proto", b"x-request-id"):
        if len(seen.values(name)) != 1:
            raise Wrong(f"{name.decode()}: {seen.values(name)}")
    hop = seen.values(b"connection")
    if hop not in ([], [b"TE"], [b"Upgrade"]) or (hop == [b"Upgrade"]) != wanted.upgrade:
        raise Wrong(f"Connection: {hop}")


def judge(world, data, pieces=None, half_close=True, **how):
    """Sends `data` and raises Wrong unless the answers, the end and what reached the backend are right. Returns
    what the stream meant."""
    meanings = reference.read_stream(data, **how)
    before, broken, cut = len(world.backend.requests), len(world.backend.broken), len(world.backend.cut)
    received, reset = world.send(data, pieces, half_close)
    try:
        return check(world, meanings, received, reset, world.backend.requests[before:])
    except (Wrong, ValueError) as error:
        raise Wrong(f"{error}\nsent: {data!r}\nmeans: {meanings!r}\ngot: {received!r} {'reset' if reset else ''}\n"
                    f"backend: {[seen.raw for seen in world.backend.requests[before:]]}\n"
                    f"broken: {world.backend.broken[broken:]} cut: {world.backend.cut[cut:]}") from None


def check(world, meanings, received, reset, seen):
    good = [meaning for meaning in meanings if isinstance(meaning, Request)]
    last = meanings[-1] if meanings and not isinstance(meanings[-1], Request) else None
    replies, _ = read_replies(received, [meaning.method for meaning in good])
    forwarded = [meaning for meaning in good if not meaning.local]
    if len(seen) > len(forwarded):
        raise Wrong("the backend saw too many requests")
    if len(seen) < len(forwarded):
        raise Wrong("the backend saw too few requests")
    for wanted, got in zip(forwarded, seen):
        compare(wanted, got, b"127.0.0.1:%d" % world.backend.port)
    for wanted, reply in zip(good, replies):
        if reply.status != (204 if wanted.local else 200) or not reply.whole:
            raise Wrong(f"a good request was answered {reply.status}")
    rest = replies[len(good):]
    if len(replies) < len(good):
        raise Wrong("a good request was not answered")
    if isinstance(last, Refusal):
        if len(rest) != 1 or rest[0].status not in last.statuses:
            raise Wrong(f"expected {last.statuses}")
        if rest[0].values(b"connection") != [b"close"]:
            raise Wrong("a refusal that does not close")
    elif isinstance(last, Incomplete):
        if len(rest) > 1 or (rest and rest[0].status not in (400, 408, 414, 431, 505)):
            raise Wrong("half a request was answered")
    elif rest:
        raise Wrong("answers to nothing")
    if reset:
        raise Wrong("ended by a reset")
    return meanings
