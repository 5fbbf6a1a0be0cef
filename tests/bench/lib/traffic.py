"""The requests: a browser's head of about 700 bytes and the cookies of many visitors, a different one
on every request."""

import base64
import http.client
import os
import urllib.parse

from stage import Failure

BROWSER = (
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                   "Chrome/126.0.0.0 Safari/537.36"),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("Accept-Language", "en-GB,en;q=0.9,de;q=0.8"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("sec-ch-ua", '"Chromium";v="126", "Not/A)Brand";v="8"'),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", '"Linux"'),
    ("Sec-Fetch-Site", "same-origin"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-User", "?1"),
    ("Sec-Fetch-Dest", "document"),
    ("Upgrade-Insecure-Requests", "1"),
    ("Referer", "http://shop.example.org/catalogue"),
)
OTHER_COOKIES = "_ga=GA1.2.1130432415.1717667890; theme=dark"
VISITORS = 1000


def visitor(number):
    return f"Visitor {number:04d}"


def request(path, cookie=None, close=False, headers=None):
    """One complete request. `headers` is the number of header lines in all; None means a browser's."""
    lines = [("Host", "shop.example.org")]
    cookies = OTHER_COOKIES + (f"; session={cookie}" if cookie else "")
    if headers is None:
        lines += BROWSER
    else:
        room = headers - 2 - (1 if close else 0)
        lines += BROWSER[:room]
        lines += [(f"X-Bench-{n:03d}", "0123456789abcdef") for n in range(room - len(BROWSER))]
    lines.append(("Cookie", cookies))
    if close:
        lines.append(("Connection", "close"))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return f"GET {path} HTTP/1.1\r\n{head}\r\n".encode()


def request_file(stage, name, path, cookies=None, **options):
    """Writes the requests that the load takes in turn; returns the file's path."""
    text = b"".join(request(path, cookie, **options) for cookie in (cookies or [None]))
    return stage.write(name + ".requests", text)


def stand_in_cookies(count=VISITORS):
    """As long as a sealed cookie with one short value, for runs without keepsake."""
    return [base64.urlsafe_b64encode(os.urandom(109)).decode().rstrip("=") for _ in range(count)]


def session_cookie(response):
    for name, value in response.getheaders():
        if name.lower() == "set-cookie" and value.startswith("session="):
            return value.split(";", 1)[0][len("session="):]
    return None


def post_names(port, count=VISITORS, extra=None):
    """The cookies of `count` visitors who sent the form."""
    cookies = []
    for number in range(count):
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        form = urllib.parse.urlencode({"name": visitor(number), **(extra or {})})
        link.request("POST", "/setName", form,
                     {"Content-Type": "application/x-www-form-urlencoded", "Host": "shop.example.org"})
        answer = link.getresponse()
        answer.read()
        cookie = session_cookie(answer)
        link.close()
        if not cookie:
            raise Failure(f"POST /setName gave {answer.status} and no session cookie")
        cookies.append(cookie)
    return cookies


def names_by_backend(port, count=VISITORS):
    """The same where the backend sets the session by a response header (mod_session's way)."""
    cookies = []
    for number in range(count):
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        link.request("GET", "/login?name=" + urllib.parse.quote_plus(visitor(number)))
        answer = link.getresponse()
        answer.read()
        cookie = session_cookie(answer)
        link.close()
        if not cookie:
            raise Failure(f"GET /login gave {answer.status} and no session cookie")
        cookies.append(cookie)
    return cookies


def check_injection(port, path, cookie, number):
    """The answer must name the visitor, or the row would measure something else."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    link.request("GET", path, headers={"Host": "shop.example.org",
                                       "Cookie": f"{OTHER_COOKIES}; session={cookie}"})
    answer = link.getresponse()
    text = answer.read().decode(errors="replace")
    link.close()
    if session_cookie(answer):
        raise Failure(f"{path} renews the cookie on a mere visit: that is not what is measured")
    if visitor(number) not in urllib.parse.unquote_plus(text):
        raise Failure(f"{path} does not know {visitor(number)}: {text[:200]!r}")
