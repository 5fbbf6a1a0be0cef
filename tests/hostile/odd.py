"""Parts of requests, good, odd and bad, from which the hostile tests put streams together by chance."""

METHODS = [b"GET"] * 6 + [b"POST"] * 4 + [
    b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"get", b"PROPFIND", b"M-SEARCH", b"!#$%&'*+-.^_`|~", b"CONNECT",
    b"TRACE", b"PRI", b"A" * 64, b"A" * 65, b"GE T", b"G\x00T", b"", b"\xc3\xa9", b"GET:", b"HTTP/1.1", b"trace", b"\x16\x03\x01"]
TARGETS = [b"/"] * 8 + [
    b"/a?b=c", b"//a", b"/a//b/", b"/%2e%2e/x", b"/a/../../x", b"/a/%2e./b", b"/..", b"/.", b"/a/..", b"/a/../..",
    b"/%zz", b"/%", b"/a%2fb", b"/;a=b", b"/?", b"/??", b"/?a#b", b"/#", b"/a#", b"*", b"**", b"*/", b"a", b"a:80",
    b"?a", b"http://h", b"http://h/", b"HTTP://H/x", b"http://h?x", b"http://h/?x", b"http://h:80/", b"http://h:8/",
    b"http://u@h/", b"http://", b"http:///x", b"https://h/x", b"ftp://h/", b"http://[::1]/", b"http://h/../x", b"ws://h/",
    b"http:/h/", b"http://h\\x/", b"/\x7f", b"/\x80", b"/a\tb", b"/a b", b"/\\", b"/<>\"{}|^`", b"/'", b"/%00", b"/%0d%0a",
    b"/" + b"x" * 8190, b"/" + b"x" * 8191, b"/" + b"x" * 8192, b"/a/./../b/..", b"/.../x", b"/..x", b"/%252e%252e/",
    b"/../", b"/x/..%2f..", b"javascript:alert(1)", b"/http://b/"]
VERSIONS = [b"HTTP/1.1"] * 14 + [b"HTTP/1.0"] * 3 + [
    b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/3.0", b"http/1.1", b"HTTP/1.1 ", b" HTTP/1.1", b"HTTP/11",
    b"HTTP/1.10", b"HTTP/1", b"HTTP/01.1", b"HTTP/1.1\x00", b"HTP/1.1", b"", b"HTTP/1,1", b"HTTP/-1.1", b"HTTP/1.1x"]
HOSTS = [b"Host: h"] * 14 + [
    b"", b"Host: h\r\nHost: h", b"Host:", b"Host: h:8", b"Host: h:80", b"Host: h:", b"Host: [::1]", b"Host: [::1]:8",
    b"Host: [::g]", b"Host: [", b"Host: []", b"Host: h:99999", b"Host: h:65535", b"Host: h:65536", b"Host: h:-1",
    b"Host: u@h", b"Host: h/x", b"Host: a b", b"Host: a,b", b"Host: %41", b"Host: %zz", b"Host: a%", b"Host: h\t",
    b"Host : h", b"HOST: H", b"Host: h?x", b"Host: h#x", b"Host: \xc3\xa9", b"Host: 127.0.0.1", b"Host: h\\x",
    b"Host: _x.y-z~", b"Host: h:8:8", b"X: y\r\nhost:h", b"Host: h\r\n Host: g", b"Host: http://h", b"Host: \"h\"",
    b"Host: [::1%25eth0]", b"Host: [127.0.0.1]", b"Host: ::1", b"Host: h:+80", b"Host: h: 80", b"H_ost: x\r\nHost: h"]
LINES = [
    b"X: y", b"X:y", b"X:  y  ", b"X:", b"X: ", b"X:\t", b"X: a\tb", b"X: \x80\xff", b"X : y", b"X\t: y", b": y", b"X", b"",
    b" X: y", b"\tX: y", b"X: a\r\n b", b"X: a\r\n\tb", b"X: a\rb", b"X: a\nb", b"X: a\0b", b"X\0: a", b"X: \x7f",
    b"X: \x01", b"X\xa0: y", b"X(: y", b"X: a\x0bb", b"X: a\x0cb", b"Accept: */*", b"User-Agent: t", b"X-Empty:",
    b"Cookie: a=b", b"Cookie: a=b; c=d", b"Cookie: session=x", b"Cookie: a=b; session=x; c=d", b"cookie: session=x;e=f",
    b"Cookie:", b"Cookie: ;;", b"X-Session-Name: evil", b"x-session-name: evil", b"X_Session_Name: evil",
    b"X.Session.Name: evil", b"X-Session_Name: evil", b"X!Session-Name: evil", b"Connection: X-Session-Name",
    b"Connection: close", b"Connection: keep-alive", b"Connection: Close, X", b"Connection: x", b"Connection:",
    b"Connection: ,,", b"Connection: host, cookie, content-length, transfer-encoding", b"Connection: te, upgrade",
    b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive", b"Proxy-Authorization: b", b"TE: trailers",
    b"TE: gzip, trailers", b"TE: trailers, chunked", b"TE: gzip", b"Trailer: x", b"HTTP2-Settings: AAMA",
    b"Upgrade: h2c", b"Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA",
    b"Upgrade: websocket", b"Connection: Upgrade\r\nUpgrade: websocket",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13",
    b"Connection: Upgrade\r\nUpgrade: h2c, WebSocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"X-Forwarded-For: 1.2.3.4", b"X_Forwarded_For: 1.2.3.4", b"X-Forwarded-Server: s", b"X-Forwarded-Prefix: /",
    b"X-Forwarded-Proto: https", b"Forwarded: for=1", b"X-Real-IP: 1", b"X-Request-Id: abc", b"X_Request_Id: abc",
    b"Transfer_Encoding: chunked", b"Transfer.Encoding: chunked", b"Content_Length: 99", b"Content-Length_: 99",
    b"Content.Length: 3", b"H.ost: g", b"Co-okie: a", b"C_ookie: a", b"Expect: 200-ok", b"Expect: 100-Continue",
    b"Expect: 100-continue, x", b"Expect: x 100-continue", b"Expect:", b"Expect: 100-continue\r\nExpect: y",
    b"Content-Encoding: gzip", b"Authorization: Basic eDp5", b"Sec-Fetch-Site: cross-site", b"Set-Cookie: session=z",
    b"X-Session-Set: a=b", b"X-HTTP-Method-Override: DELETE", b"X-Original-URL: /admin", b"Range: bytes=0-",
    b"Content-Type: text/plain", b"Via: 1.0 x", b"Max-Forwards: 0", b"X: " + b"y" * 9000, b"Referer: http://h/\"",
    b"Date: x", b"X-Y:: z", b"X-Y: : z", b"A" * 300 + b": b", b"Status: 200", b"HTTP/1.1 200 OK: x"]
LENGTHS = [
    b"Content-Length: %d", b"content-length: %d", b"CONTENT-LENGTH:%d", b"Content-Length: 0%d", b"Content-Length: 00%d"] * 3 + [
    b"Content-Length: %d\r\nContent-Length: %d", b"Content-Length: %d\r\nX: y\r\nContent-Length: 0", b"Content-Length: %d, %d",
    b"Content-Length: %d,", b"Content-Length: +%d", b"Content-Length: -%d", b"Content-Length: 0x%d", b"Content-Length: %d.0",
    b"Content-Length: %de0", b"Content-Length: %d ", b"Content-Length:\t%d\t", b"Content-Length: %d 0", b"Content-Length: \"%d\"",
    b"Content-Length:", b"Content-Length: a%d", b"Content-Length: %d;a", b"Content-Length : %d", b"Content-Length\t: %d",
    b"Content-Length: \x0b%d", b"Content-Length: %d\x00", b"Content-Length:\r\n %d", b" Content-Length: %d", b"Content-Length: 1_%d",
    b"Content-Length: 18446744073709551616", b"Content-Length: 18446744073709551615", b"Content-Length: 9223372036854775808",
    b"Content-Length: 9223372036854775807", b"Content-Length: 18446744073709551621", b"Content-Length: " + b"9" * 400,
    b"Content-Length: " + b"0" * 300 + b"%d", b"Content-Length: 67108865", b"Content_Length: %d", b"Content-Length\xa0: %d",
    b"Content-Length: %d\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nContent-Length: %d",
    b"Transfer-Encoding: gzip\r\nContent-Length: %d", b"Content-Length: %d\r\nTransfer-Encoding: identity",
    b"Content-Length: %d\r\nTransfer_Encoding: chunked", b"Content-Length: \xd9\xa5", b"Content-Length: 2147483648",
    b"Content-Length: 4294967296", b"Content-Length: 4294967301"]
CODINGS = [b"Transfer-Encoding: chunked", b"transfer-encoding:chunked", b"TRANSFER-ENCODING: Chunked \t"] * 6 + [
    b"Transfer-Encoding: gzip", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, gzip",
    b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: identity", b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked,", b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunkedx", b"Transfer-Encoding:", b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: chunked;q=1",
    b"Transfer-Encoding: chun ked", b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding\r\n : chunked",
    b"Transfer-Encoding : chunked", b" Transfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\x00", b"Transfer-Encoding: \x00chunked",
    b"Transfer-Encoding: cow", b"X: y\nTransfer-Encoding: chunked", b"X: y\rTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer_Encoding: identity", b"Foo: bar\r\n\rTransfer-Encoding: chunked",
    b"Transfer-Encoding: CHUNKED\xa0", b"Transfer-Encoding: \xe2\x80\x8bchunked", b"Transfer-Encoding: 'chunked'",
    b"Transfer-Encoding: chunked\n", b"Transfer\x00-Encoding: chunked", b"Transfer-Encoding: trailers", b"Transfer-encoding: null"]
CHUNKED = [
    b"5\r\nhello\r\n0\r\n\r\n", b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", b"0\r\n\r\n", b"00\r\n\r\n", b"5;a=b\r\nhello\r\n0;c\r\n\r\n",
    b"A\r\n0123456789\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\nT: v\r\n\r\n", b"000005\r\nhello\r\n000\r\n\r\n",
    b"5;a=\"b;c\\\"d\"\r\nhello\r\n0\r\n\r\n", b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\nX-Session-Name: e\r\n\r\n",
    b"5\r\nhello\r\n0\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"] * 2 + [
    b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n", b"5\r\nhell\r\n0\r\n\r\n",
    b"0x5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n",
    b"5 \r\nhello\r\n0\r\n\r\n", b"5\t\r\nhello\r\n0\r\n\r\n", b"0_5\r\nhello\r\n0\r\n\r\n", b"\r\nhello\r\n0\r\n\r\n",
    b"g\r\nhello\r\n0\r\n\r\n", b"5;\r\nhello\r\n0\r\n\r\n", b"5;a=\r\nhello\r\n0\r\n\r\n", b"5;a=\"b\r\nhello\r\n0\r\n\r\n",
    b"5;a\nb\r\nhello\r\n0\r\n\r\n", b"5;a\rb\r\nhello\r\n0\r\n\r\n", b"5;\x00\r\nhello\r\n0\r\n\r\n", b"5;a=\"\x01\"\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\nT v\r\n\r\n", b"5\r\nhello\r\n0\r\nT: v\r\n w\r\n\r\n", b"5\r\nhello\r\n0\r\nT : v\r\n\r\n",
    b"5\r\nhello\r\n0\r\nT: v\n\r\n", b"5\r\nhello\r\n0\r\nT: \x00\r\n\r\n", b"5\r\nhello\r\n0\r\n: v\r\n\r\n", b"5\r\nhello\r\n0\n\r\n",
    b"5\r\nhello\r\n0\r\n\n", b"5\r\nhello\r\n0\r\n\rX", b"5\r\nhello\r\n\r\n", b"5\r\nhello\r\n", b"5\r\nhel", b"5\r", b"5", b"",
    b"ffffffffffffffff\r\nx", b"8000000000000000\r\nx", b"10000000000000000\r\nx", b"7fffffffffffffff\r\nx", b"FFFFFFFF\r\nx",
    b"1" + b"0" * 16 + b"5\r\nhello\r\n0\r\n\r\n", b"0" * 40 + b"5\r\nhello\r\n0\r\n\r\n", b"0" * 300 + b"5\r\nhello\r\n0\r\n\r\n",
    b"5" + b";a" * 120 + b"\r\nhello\r\n0\r\n\r\n", b"5" + b";a" * 200 + b"\r\nhello\r\n0\r\n\r\n", b"5;a=b;c;d=\"\"\r\nhello\r\n0\r\n\r\n",
    b"5\r\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\r\n0\r\n\r\n", b"\xef\xbc\x95\r\nhello\r\n0\r\n\r\n", b"5,5\r\nhello\r\n0\r\n\r\n",
    b"5 ;a=b\r\nhello\r\n0\r\n\r\n", b"5; a=b\r\nhello\r\n0\r\n\r\n", b"5.0\r\nhello\r\n0\r\n\r\n", b"05h\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\n" + b"T: v\r\n" * 100 + b"\r\n", b"5\r\nhello\r\n0\r\n" + b"T: v\r\n" * 101 + b"\r\n"]
SMUGGLED = [b"GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n", b"GET /smuggled HTTP/1.1\r\nX: ", b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
            b"\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n", b"\r\n\r\n\r\n", b"\n", b"\0", b"x"]
BODIES = [b"hello", b"", b"0\r\n\r\n", b"x" * 70_000, SMUGGLED[0], b"5\r\nhello\r\n0\r\n\r\n", b"\r\n\r\n"]


def head_lines(rng):
    lines = [rng.choice(HOSTS)]
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 3])):
        lines.append(rng.choice(LINES))
    return lines


def request(rng):
    """One request by chance: most parts are good, so that what is odd stands alone often enough."""
    method, target, version = rng.choice(METHODS), rng.choice(TARGETS), rng.choice(VERSIONS)
    space = rng.choice([b" "] * 30 + [b"  ", b"\t", b"\x0b", b"", b"\xa0", b"\r", b"\n"])
    lines, body = head_lines(rng), b""
    kind = rng.choice(["none", "none", "length", "chunked"])
    if kind == "length":
        body = rng.choice(BODIES)
        line = rng.choice(LENGTHS)
        lines.append(line.replace(b"%d", b"%d" % len(body)))
    elif kind == "chunked":
        lines.append(rng.choice(CODINGS))
        body = rng.choice(CHUNKED)
    rng.shuffle(lines)
    lines = [line for line in lines if line or rng.random() < 0.02]
    end = rng.choice([b"\r\n"] * 60 + [b"\n", b"\r", b"\r\r\n", b"\n\r\n"])
    first = method + space + target + b" " + version
    before = rng.choice([b""] * 20 + [b"\r\n", b"\r\n\r\n", b"\r\n\r\n\r\n", b"\n", b" ", b"\r", b"\0"])
    return before + b"".join(line + b"\r\n" for line in [first, *lines[:-1]]) + (
        lines[-1] + end if lines else b"") + b"\r\n" + body


def stream(rng):
    """What a client sends on one connection: requests, and now and then something behind them."""
    data = b"".join(request(rng) for _ in range(rng.choice([1, 1, 1, 2, 3])))
    if rng.random() < 0.3:
        data += rng.choice(SMUGGLED)
    if rng.random() < 0.05:
        data = data[:rng.randrange(len(data) + 1)]
    return data
