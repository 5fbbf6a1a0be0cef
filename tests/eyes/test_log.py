"""The access log and traceparent of the real program, as a reader of its standard output sees them."""

import json
import os
import re
import unittest

from eyes import ADMIN, FORM, EyesTest
from support import PATIENCE, Service, plain, raw, request, set_name, until

COMBINED = re.compile(r'\A(\S+) - - \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000)\] "([^"]*)" (\d{3}) (\d+) "([^"]*)" "([^"]*)" '
                      r'([0-9a-f]{32}) (\S+) (\d+\.\d{6}) (\S+)(?: ([0-9a-f]{32}))?\n\Z')


class LogTest(EyesTest):
    def service(self):
        return self.backend()

    def begin(self, log="{}", more="", pipe=None):
        self.app = self.service()
        file = os.open(self.folder / "access.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND) if pipe is None else pipe
        text = plain(backend=self.app.port, more=ADMIN + more).replace("log: {access: false}", "log: " + log)
        self.keepsake = self.start(text, preexec_fn=lambda: os.dup2(file, 1))
        os.close(file)

    def lines(self, count):
        path = self.folder / "access.log"
        return until(f"{count} lines of the access log",
                     lambda: (lambda lines: lines if len(lines) >= count else None)(path.read_text().splitlines(True)))

    def line(self):
        [line] = self.lines(1)
        return line


class Text(LogTest):
    def test_is_the_combined_format_and_more(self):
        self.begin()
        request(self.keepsake.port, "/a?b=c", headers={"Referer": "http://x/", "User-Agent": "agent 1"})
        client, _, first, status, size, referer, agent, _, backend, _, _, _ = COMBINED.match(self.line()).groups()
        self.assertEqual((client, first, status, size, referer, agent, backend),
                         ("127.0.0.1", "GET /a?b=c HTTP/1.1", "200", "6", "http://x/", "agent 1", "app"))

    def test_every_byte_of_a_client_stays_in_its_field(self):
        self.begin()
        raw(self.keepsake.port, b'GET /"\\x?\xff HTTP/1.1\r\nHost: a\r\nUser-Agent: " 200 "\x80\t\\\r\nReferer: -" "-\r\nConnection: close\r\n\r\n')
        line = COMBINED.match(self.line())
        self.assertTrue(line, self.lines(1))

    def test_every_byte_that_may_stand_in_a_field_is_logged_at_every_place_so_that_it_can_be_read_back(self):
        allowed = [0x09, *range(0x20, 0x7f), *range(0x80, 0x100)]
        agents = ["a" * before + chr(byte) + "z" * after for byte in allowed for before, after in ((1, 1), (15, 16), (16, 3), (37, 0))]
        agents += ['"' * 40, "\\" * 17, "\xff" * 33, "x" * 16, "x" * 15, "x" * 17]
        for given in ("{fields: [user_agent]}", "{format: json, fields: [user_agent]}"):
            with self.subTest(log=given):
                (self.folder / "access.log").unlink(missing_ok=True)
                self.begin(given)
                sent = b"".join(b"GET /setName HTTP/1.1\r\nHost: a\r\nUser-Agent: " + agent.encode("latin-1") + b"\r\n\r\n" for agent in agents)
                raw(self.keepsake.port, sent + b"GET /setName HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                lines = self.lines(len(agents) + 1)[:-1]
                self.assertTrue(all(" " <= c < "\x7f" for line in lines for c in line.rstrip("\n")))
                if "json" in given:
                    read = [json.loads(line)["user_agent"] for line in lines]
                else:
                    self.assertTrue(all(re.fullmatch(r'"[^"]*"\n', line) for line in lines))
                    read = [re.sub(r"\\x([0-9a-f]{2})", lambda at: chr(int(at[1], 16)), line[1:-2]) for line in lines]
                self.assertEqual(read, [agent.rstrip(" \t") for agent in agents])

    def test_no_cookie_and_no_value_is_logged(self):
        self.begin()
        cookie = set_name(self.keepsake.port, "Secretname")
        request(self.keepsake.port, "/", headers={"Cookie": cookie})
        text = "".join(self.lines(2))
        self.assertNotIn("Secretname", text)
        self.assertNotIn(cookie.partition("=")[2], text)

    def test_fields_are_chosen_and_come_in_order(self):
        self.begin("{fields: [status, method, path, route, backend, server, sent, received, fault, spoofed, session, host, trace_id]}")
        cookie = set_name(self.keepsake.port, "Ann")
        request(self.keepsake.port, "/%61/../b?q", headers={"Cookie": cookie, "X-Session-Name": "Eve", "Host": "Shop.example:1"})
        first, second = self.lines(2)
        self.assertRegex(first, rf'\A303 "POST" "/setName" "/setName" - "-" 0 8 - 0 (-|[0-9a-f]{{64}}) "127.0.0.1" -\n\Z')
        server = f"http://127.0.0.1:{self.app.port}"
        self.assertRegex(second, rf'\A200 "GET" "/b" "/\*" app "{re.escape(server)}" 3 0 - 1 [0-9a-f]{{64}} "shop.example" -\n\Z')

    def test_the_request_id_of_a_trusted_proxy_is_taken_and_of_anybody_else_is_not(self):
        for trusted, taken in (("127.0.0.1", True), ("10.0.0.0/8", False)):
            with self.subTest(trusted=trusted):
                (self.folder / "access.log").unlink(missing_ok=True)
                self.begin("{fields: [request_id]}", f"trusted_proxies: [{trusted}]\n")
                for given in ("an-id-of-42", "two words"):  # the second is none, whoever says it
                    request(self.keepsake.port, "/", headers={"X-Request-Id": given})
                first, second = (line.strip() for line in self.lines(2))
                self.assertEqual(first == "an-id-of-42", taken)
                for made in [second] if taken else [first, second]:
                    self.assertRegex(made, r"\A[0-9a-f]{32}\Z")

    def test_a_request_that_was_none_has_a_line_too(self):
        self.begin("{fields: [status, method, target, route, fault]}")
        raw(self.keepsake.port, b"garbage\r\n\r\n")
        self.assertEqual(self.line(), '400 "-" "-" "-" client:bad_request\n')

    def test_a_reader_that_is_too_slow_loses_lines_which_are_counted_and_no_request_waits(self):
        end, start = os.pipe()
        self.addCleanup(os.close, end)
        self.begin(pipe=start)
        target = "/" + "x" * 1000
        link = __import__("http.client").client.HTTPConnection("127.0.0.1", self.keepsake.port, timeout=PATIENCE)
        sent = 0
        while not self.value("keepsake_log_lines_dropped_total"):
            for _ in range(50):
                self.assertEqual(request(self.keepsake.port, target, connection=link).status, 200)
            sent += 50
            self.assertLess(sent, 20000)
        link.close()


class Json(LogTest):
    def test_every_line_is_an_object(self):
        self.begin("{format: json}")
        raw(self.keepsake.port, b'GET /"\\x HTTP/1.1\r\nHost: a\r\nUser-Agent: "},{\x80\t\\\r\nConnection: close\r\n\r\n')
        line = json.loads(self.line())
        self.assertEqual((line["status"], line["method"], line["target"], line["backend"], line["fault"], line["sent"]),
                         (200, "GET", '/"\\x', "app", "none", 6))
        self.assertEqual(line["user_agent"], '"},{\x80\t\\')
        self.assertIsInstance(line["duration"], float)
        self.assertRegex(line["time"], r"\A20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")

    def test_fields_are_chosen(self):
        words = re.findall(r'"(\w+)"', (__import__("support").ROOT / "config/log_fields.hpp").read_text())
        self.begin("{format: json, fields: [" + ", ".join(words) + "]}")
        request(self.keepsake.port, "/")
        line = json.loads(self.line())
        self.assertEqual(list(line), words)
        self.assertEqual((line["route"], line["connection"], line["tls"], line["trace_id"]), ("/*", 1, "", ""))


class Echo(Service):
    """Answers with the headers that it got."""

    def answer(self, request):
        names = request.headers
        request.say(json.dumps({name.lower(): names.get_all(name) for name in names}).encode())


class Trace(LogTest):
    TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

    def service(self):
        echo = Echo()
        self.addCleanup(echo.close)
        return echo

    def begin(self, log="{format: json}", more="traceparent: true\n"):
        super().begin(log, more)

    def seen(self, *given, **headers):
        lines = b"".join(b"traceparent: " + one.encode() + b"\r\n" for one in given)
        lines += b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items())
        answer = raw(self.keepsake.port, b"GET / HTTP/1.1\r\nHost: a\r\n" + lines + b"Connection: close\r\n\r\n")
        return json.loads(answer.partition(b"\r\n\r\n")[2])

    def test_a_valid_one_is_continued_under_a_new_parent(self):
        self.begin()
        for flags in ("00", "01", "03"):
            seen = self.seen(f"00-{self.TRACE}-{self.PARENT}-{flags}", tracestate="a=1,b=2")
            [parent] = seen["traceparent"]
            version, trace, own, after = parent.split("-")
            self.assertEqual((version, trace, after), ("00", self.TRACE, flags))
            self.assertRegex(own, r"\A[0-9a-f]{16}\Z")
            self.assertNotIn(own, (self.PARENT, "0" * 16))
            self.assertEqual(seen["tracestate"], ["a=1,b=2"])
        self.assertEqual({json.loads(line)["trace_id"] for line in self.lines(3)}, {self.TRACE})

    def test_none_or_an_invalid_one_begins_anew_and_its_state_goes(self):
        self.begin()
        valid = f"00-{self.TRACE}-{self.PARENT}-01"
        given = [(), (valid.upper(),), (f"ff-{self.TRACE}-{self.PARENT}-01",), (f"00-{'0' * 32}-{self.PARENT}-01",),
                 (valid + "-x",), ("",), ("x" * 300,), (valid, valid)]
        traces = []
        for one in given:
            seen = self.seen(*one, tracestate="a=1")
            [parent] = seen["traceparent"]
            self.assertRegex(parent, r"\A00-[0-9a-f]{32}-[0-9a-f]{16}-01\Z")
            self.assertNotIn(self.TRACE, parent)
            self.assertNotIn("tracestate", seen)
            traces.append(parent.split("-")[1])
        self.assertEqual(len(set(traces)), len(given))
        # Workers write their lines in an order of their own.
        self.assertEqual(sorted(json.loads(line)["trace_id"] for line in self.lines(len(given))), sorted(traces))

    def test_in_text_it_stands_behind_the_line_and_actions_have_one_too(self):
        self.begin("{}")
        set_name(self.keepsake.port, "Ann")
        self.assertTrue(COMBINED.match(self.line()).group(12))

    def test_switched_off_the_header_passes_untouched(self):
        self.begin("{}", "")
        for given in ((f"00-{self.TRACE}-{self.PARENT}-01",), ("nonsense", "twice")):
            self.assertEqual(self.seen(*given, tracestate="a=1")["traceparent"], list(given))
        self.assertNotIn("traceparent", self.seen())


if __name__ == "__main__":
    unittest.main()
