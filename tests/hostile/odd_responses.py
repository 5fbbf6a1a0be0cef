"""Parts of responses, good, odd and bad, as odd.py has them of requests."""

STATUS = [b"HTTP/1.1 200 OK"] * 14 + [
    b"HTTP/1.0 200 OK", b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1 204 No", b"HTTP/1.1 304 Same", b"HTTP/1.1 205 Reset",
    b"HTTP/1.1 404 Not Found", b"HTTP/1.1 599 x", b"HTTP/1.1 999 x", b"HTTP/1.1 099 x", b"HTTP/1.1 2000 x", b"HTTP/1.1 20 x",
    b"HTTP/1.1 -200 x", b"HTTP/1.1 2 00", b"HTTP/1.1  200 OK", b"HTTP/1.1\t200 OK", b"HTTP/2.0 200 OK", b"HTTP/1.2 200 OK",
    b"http/1.1 200 OK", b"HTTP/1.1200 OK", b"ICY 200 OK", b"", b"HTTP/1.1", b"HTTP/1.1 ", b"200 OK", b"HTTP/1.1 200 O\0K",
    b"HTTP/1.1 200 O\x80K", b"HTTP/1.1 200 O\tK", b"HTTP/1.1 200 O\rK", b"HTTP/1.1 200 O\nK", b" HTTP/1.1 200 OK",
    b"\r\nHTTP/1.1 200 OK", b"HTTP/1.1 2xx OK", b"HTTP/1.1 200\tOK", b"HTTP/1.1 200OK", b"HTTP/1.1 101 Switching",
    b"HTTP/1.1 100 Continue", b"<html>", b"HTTP/1.1 302 Found", b"HTTP/1.0 304"]
LINES = [
    b"X: y", b"X:", b"X : y", b": y", b"X", b" X: y", b"X: a\r\n b", b"X: a\0b", b"X: a\rb", b"X: a\nb", b"X(: y", b"X: \x80",
    b"X: \x7f", b"Connection: close", b"Connection: keep-alive", b"Connection: X", b"Connection: content-length, x",
    b"Keep-Alive: timeout=1", b"Upgrade: h2c", b"Trailer: T", b"TE: trailers", b"Proxy-Authenticate: x", b"Set-Cookie: a=b",
    b"Set-Cookie: session=evil; Path=/", b"set-cookie: SESSION=x", b"Set-Cookie: session", b"Set-Cookie:", b"Vary: Accept",
    b"Vary: *", b"Cache-Control: public", b"X-Session-Set: myName=x", b"X_Session_Set: myName=x", b"X-Session-Clear: true",
    b"Content_Length: 9", b"Transfer_Encoding: chunked", b"Server: s", b"Date: now", b"Via: 1.1 x", b"Content-Encoding: gzip",
    b"Content-Type: text/event-stream", b"X-Accel-Redirect: /x", b"Location: /x", b"X: " + b"y" * 30_000, b"Status: 500",
    b"Alt-Svc: h3=\":443\"", b"Strict-Transport-Security: max-age=1", b"HTTP/1.1 200 OK"]
FRAMING = [
    b"Content-Length: %d", b"content-length:%d", b"Transfer-Encoding: chunked", b"transfer-encoding: Chunked", b""] * 8 + [
    b"Content-Length: %d\r\nContent-Length: %d", b"Content-Length: %d, %d", b"Content-Length: +%d", b"Content-Length: -1",
    b"Content-Length: 00%d", b"Content-Length:", b"Content-Length: x", b"Content-Length: 0x5", b"Content-Length: 5 5",
    b"Content-Length: 18446744073709551616", b"Content-Length: 18446744073709551621", b"Content-Length: 9223372036854775808",
    b"Content-Length : %d", b"Content-Length: %d\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nContent-Length: %d",
    b"Transfer-Encoding: gzip", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity", b"Transfer-Encoding:",
    b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked"]
CHUNKED = [
    b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n", b"1\r\na\r\n4\r\nbcde\r\n0\r\n\r\n", b"5;x=y\r\nhello\r\n0\r\nT: v\r\n\r\n",
    b"00005\r\nhello\r\n0\r\n\r\n"] * 4 + [
    b"5\r\nhello\r\n", b"5\r\nhel", b"5\r\nhello\r\n0\r\n", b"", b"5", b"5\r\nhelloX", b"zz\r\n", b"5\nhello\n0\n\n",
    b"5\r\nhello\r\nzz\r\n", b"ffffffffffffffff\r\nx", b"5 \r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\nT : v\r\n\r\n", b"5\r\nhello\r\n0\r\nT: v\r\n w\r\n\r\n", b"5;a=\"\r\nhello\r\n0\r\n\r\n"]
INTERIM = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 P\r\n\r\n", b"HTTP/1.1 103 Early\r\nLink: </x>\r\nX: y\r\n\r\n",
           b"HTTP/1.1 103 Early\r\nSet-Cookie: session=x\r\nConnection: link\r\nLink: x\r\n\r\n", b"HTTP/1.1 199 x\r\n\r\n",
           b"HTTP/1.1 103 Early\r\nContent-Length: 5\r\n\r\n", b"HTTP/1.1 103\r\nbroken\r\n\r\n"]
BEHIND = [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nSTRAY!", b"x", b"\r\n", b"\0" * 100, b"HTTP/1.1 200 OK\r\n"]


def response(rng):
    """(bytes, the answer is to end there: what is behind it nobody may see)."""
    body = rng.choice([b"hello", b"", b"x" * 40_000, b"0\r\n\r\n"])
    framing = rng.choice(FRAMING)
    if b"chunked" in framing.lower():
        body = rng.choice(CHUNKED)
    lines = [rng.choice(LINES) for _ in range(rng.choice([0, 0, 1, 1, 2]))]
    length = len(body) + rng.choice([0] * 12 + [1, 7, -1])
    lines += [framing.replace(b"%d", b"%d" % max(length, 0))] if framing else []
    rng.shuffle(lines)
    interim = b"".join(rng.choice(INTERIM) for _ in range(rng.choice([0] * 8 + [1, 1, 2, 33])))
    data = interim + b"".join(line + b"\r\n" for line in [rng.choice(STATUS), *lines]) + b"\r\n" + body
    if rng.random() < 0.15:
        data += rng.choice(BEHIND)
    if rng.random() < 0.05:
        data = data[:rng.randrange(len(data) + 1)]
    return data
