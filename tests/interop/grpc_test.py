#!/usr/bin/env python3
"""gRPC through Keepsake: Python's own client and server, and Node's client.
    grpc_test.py [CLASS[.test]...]
KEEPSAKE_GRPC_DIRECT in the environment leaves Keepsake out: what fails then is not its fault."""

import os
import pathlib
import shutil
import subprocess
import sys
import threading

try:
    import grpc
except ImportError:
    if sys.executable != "/usr/bin/python3" and pathlib.Path("/usr/bin/python3").exists():
        os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])  # Debian's python3-grpcio belongs to it
    print("not installed: python3-grpcio")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402
from grpc_world import LARGE, LIST_SERVICES, SERVICES, SERVING, Calls, Service, WebService  # noqa: E402

DIRECT = "KEEPSAKE_GRPC_DIRECT" in os.environ
CONFIG = """\
listen: [{address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:0"}
backends:
  service: {servers: ["http://127.0.0.1:SERVICE"], http2: true}
  web: {servers: ["http://127.0.0.1:WEB"]}
  nowhere: {servers: ["http://127.0.0.1:NOWHERE"], http2: true}
routes:
  - {path: /sign-in, set: {user: name}, redirect: /}
  - {path: "/test.Private/*", backend: service, require: [user]}
  - {path: "/test.Seldom/*", backend: service, rate_limits: [{requests: 1, every: 1h}]}
  - {path: "/test.Nowhere/*", backend: nowhere}
  - {path: "/test.Web/*", backend: web}
  - {path: "/*", backend: service}
session: {secrets: [{env: SESSION_KEY}], headers: {X-Session-User: user}}
timeouts: {response: RESPONSE}
log: {access: false}
"""
NODE = """\
import assert from 'node:assert/strict';
import { once } from 'node:events';
import grpc from '@grpc/grpc-js';
const same = (bytes) => bytes;
const method = (path, requestStream, responseStream) => ({ path, requestStream, responseStream,
  requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same });
const Client = grpc.makeGenericClientConstructor({
  echo: method('/test.Tests/Echo', false, false), refuse: method('/test.Tests/Refuse', false, false),
  wait: method('/test.Tests/Wait', false, false), count: method('/test.Tests/Count', false, true),
  join: method('/test.Tests/Join', true, false), chat: method('/test.Tests/Chat', true, true) }, 'test.Tests');
const client = new Client(`127.0.0.1:${process.argv[2]}`, grpc.credentials.createInsecure(),
  { 'grpc.max_receive_message_length': 8 << 20, 'grpc.max_send_message_length': 8 << 20 });
const ask = (name, message, options = {}) => new Promise((resolve, reject) =>
  client[name](message, new grpc.Metadata(), options, (error, answer) => error ? reject(error) : resolve(answer)));
assert.equal((await ask('echo', Buffer.from('hello'))).toString(), 'hello');
const large = Buffer.alloc(4 << 20, 'large ');
for (const answer of await Promise.all([1, 2, 3].map(() => ask('echo', large)))) assert.ok(answer.equals(large));
const counted = [];
for await (const number of client.count(Buffer.from('1000'))) counted.push(number.toString());
assert.equal(counted.length, 1000);
const joined = await new Promise((resolve, reject) => {
  const call = client.join((error, answer) => error ? reject(error) : resolve(answer));
  for (let i = 0; i < 100; ++i) call.write(Buffer.from('x'));
  call.end();
});
assert.equal(joined.length, 100);
const chat = client.chat();
for (const word of ['one', 'two']) {
  chat.write(Buffer.from(word));
  assert.equal((await once(chat, 'data'))[0].toString(), `you said ${word}`);
}
chat.end();
await once(chat, 'status');
await assert.rejects(ask('refuse', Buffer.from('x')), { code: grpc.status.FAILED_PRECONDITION, details: '100% schön' });
await assert.rejects(ask('wait', Buffer.from('x'), { deadline: Date.now() + 300 }), { code: grpc.status.DEADLINE_EXCEEDED });
client.close();
"""


class World(support.TestCase):
    def setUp(self):
        super().setUp()
        self.service = Service()
        self.addCleanup(self.service.close)
        self.web = WebService()
        self.addCleanup(self.web.close)
        self.front("60s")

    def front(self, response):
        """Keepsake in front, with this timeouts.response, and a channel to it."""
        self.port = self.service.port
        if not DIRECT:
            self.keepsake = self.start(CONFIG.replace("SERVICE", str(self.service.port)).replace("WEB", str(self.web.port))
                                       .replace("NOWHERE", str(support.free_port())).replace("RESPONSE", response))
            self.port = self.keepsake.port
        self.calls = Calls(self.port)
        self.addCleanup(self.calls.channel.close)

    def refused(self, code, call, message=b"", **options):
        """The call's error, which has this code."""
        with self.assertRaises(grpc.RpcError) as raised:
            call(message, timeout=support.PATIENCE, **options)
        self.assertEqual(raised.exception.code(), code, raised.exception)
        return raised.exception


class Streams(World):
    def test_a_call_and_its_metadata(self):
        metadata = (("who", "Ada"), ("raw-bin", bytes(range(256))))
        answer, call = self.calls.echo.with_call(b"hello", metadata=metadata, timeout=support.PATIENCE)
        self.assertEqual(answer, b"hello")
        self.assertIn(("first", "1"), call.initial_metadata())
        self.assertEqual([tuple(pair) for pair in call.trailing_metadata()], list(metadata))
        self.assertEqual(self.calls.echo(b"", timeout=support.PATIENCE), b"")

    def test_messages_of_the_server_arrive_as_they_are_sent(self):
        answers = self.calls.count(b"3?", timeout=support.PATIENCE)
        self.assertEqual([next(answers) for _ in range(3)], [b"0", b"1", b"2"])
        self.service.go.set()
        self.assertEqual(list(answers), [b"gone on"])
        self.assertEqual(len(list(self.calls.count(b"5000", timeout=support.PATIENCE))), 5000)

    def test_messages_of_the_client_arrive_as_one(self):
        pieces = [b"%d," % number for number in range(1000)]
        self.assertEqual(self.calls.join(iter(pieces), timeout=support.PATIENCE), b"".join(pieces))
        self.assertEqual(self.calls.join(iter([]), timeout=support.PATIENCE), b"")

    def test_both_sides_talk_in_turn(self):
        turn, said = threading.Semaphore(1), []

        def speak():
            for number in range(500):
                turn.acquire()
                yield b"%d" % number
        for answer in self.calls.chat(speak(), timeout=support.PATIENCE):
            said.append(answer)
            turn.release()
        self.assertEqual(said, [b"you said %d" % number for number in range(500)])

    def test_messages_of_four_mebibytes(self):
        large = os.urandom(LARGE)
        calls = [self.calls.echo.future(large, timeout=3 * support.PATIENCE) for _ in range(4)]
        for call in calls:
            self.assertEqual(call.result(), large)
        for answer in self.calls.chat(iter([large] * 3), timeout=3 * support.PATIENCE):
            self.assertEqual(answer, b"you said " + large)

    def test_ninety_calls_at_once(self):
        calls = [self.calls.wait.future(b"%d" % number, timeout=support.PATIENCE) for number in range(90)]
        self.assertTrue(self.service.waits.wait(support.PATIENCE))
        self.service.go.set()
        self.assertEqual([call.result() for call in calls], [b"%d" % number for number in range(90)])

    def test_a_refusal_of_the_service_keeps_its_status_and_words(self):
        self.assertEqual(self.refused(grpc.StatusCode.FAILED_PRECONDITION, self.calls.refuse).details(), "100% schön")
        self.assertEqual(self.refused(grpc.StatusCode.UNIMPLEMENTED, self.calls.channel.unary_unary("/test.Tests/No")).details(),
                         "Method not found!")
        answers = self.calls.count(b"3!", timeout=support.PATIENCE)
        with self.assertRaises(grpc.RpcError) as raised:
            self.assertEqual([next(answers) for _ in range(4)], [])
        self.assertEqual(raised.exception.code(), grpc.StatusCode.DATA_LOSS)

    def test_a_deadline_ends_the_call_on_both_sides(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.calls.wait(b"x", timeout=0.3)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertTrue(self.service.cancelled.wait(support.PATIENCE))

    def test_a_client_that_gives_up_ends_the_call_at_the_service(self):
        answers = self.calls.count(b"3?", timeout=support.PATIENCE)
        next(answers)
        self.assertTrue(self.service.waits.wait(support.PATIENCE))
        answers.cancel()
        self.assertTrue(self.service.cancelled.wait(support.PATIENCE))
        self.service.go.set()
        self.assertEqual(self.calls.echo(b"on", timeout=support.PATIENCE), b"on")

    def test_health_and_reflection(self):
        self.assertEqual(self.calls.check(b"", timeout=support.PATIENCE), SERVING)
        watching = self.calls.watch(b"", timeout=support.PATIENCE)
        self.assertEqual(next(watching), SERVING)
        watching.cancel()
        self.assertEqual(list(self.calls.reflect(iter([LIST_SERVICES, b""]), timeout=support.PATIENCE)), [SERVICES, b""])

    def test_the_client_of_node(self):
        here = pathlib.Path(__file__).parent
        node = shutil.which("node") or self.skipTest("node is not installed")
        lock, installed = here / "package-lock.json", here / "node_modules/.installed-lock"
        if not installed.exists() or installed.read_bytes() != lock.read_bytes():
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=here, check=True, timeout=300)
            shutil.copy(lock, installed)
        (self.folder / "node_modules").symlink_to(here / "node_modules")
        done = subprocess.run([node, self.write(NODE, "client.mjs"), str(self.port)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)


@support.unittest.skipIf(DIRECT, "of Keepsake itself")
class Refusals(World):
    def test_a_session_is_required_and_reaches_the_service(self):
        cookie = support.request(self.port, "/sign-in", "POST", "name=Ada", {"Content-Type": "application/x-www-form-urlencoded"}).cookie()
        self.refused(grpc.StatusCode.UNAUTHENTICATED, self.calls.private)
        # Admitted: the service itself says that it has no such method.
        self.refused(grpc.StatusCode.UNIMPLEMENTED, self.calls.private, metadata=(("cookie", cookie),))
        self.calls.echo(b"", metadata=(("cookie", cookie), ("x-session-user", "Eve")), timeout=support.PATIENCE)
        self.assertEqual(self.service.metadata.get(timeout=support.PATIENCE)["x-session-user"], "Ada")

    def test_limits_and_servers_that_are_not_there(self):
        self.refused(grpc.StatusCode.UNIMPLEMENTED, self.calls.seldom)
        self.refused(grpc.StatusCode.RESOURCE_EXHAUSTED, self.calls.seldom)
        self.refused(grpc.StatusCode.UNKNOWN, self.calls.echo, metadata=(("long", "x" * 17_000),))  # a 431
        self.assertIn("(request ", self.refused(grpc.StatusCode.UNAVAILABLE, self.calls.nowhere).details())

    def test_the_deadline_of_keepsake(self):
        self.front("500ms")
        self.refused(grpc.StatusCode.DEADLINE_EXCEEDED, self.calls.wait)
        self.assertTrue(self.service.cancelled.wait(support.PATIENCE))

    def test_a_service_that_stops_in_the_middle(self):
        answers = self.calls.count(b"3?", timeout=support.PATIENCE)
        self.assertEqual([next(answers) for _ in range(3)], [b"0", b"1", b"2"])
        self.service.server.stop(None)
        with self.assertRaises(grpc.RpcError) as raised:
            next(answers)
        self.assertNotEqual(raised.exception.code(), grpc.StatusCode.OK)

    def test_a_drain_lets_a_call_end(self):
        call = self.calls.wait.future(b"x", timeout=support.PATIENCE)
        self.assertTrue(self.service.waits.wait(support.PATIENCE))
        self.keepsake.signal(15)
        self.keepsake.said("draining")
        self.service.go.set()
        self.assertEqual(call.result(), b"x")
        self.assertEqual(self.keepsake.ends(), 0)

    def test_grpc_web_over_both_protocols(self):
        message = b"\0\0\0\0\5hello"
        expected = message + b"\x80\0\0\0\x1dgrpc-status: 0\r\nwho: nobody\r\n"
        (self.folder / "message").write_bytes(message)
        for protocol in ("--http1.1", "--http2-prior-knowledge"):
            done = subprocess.run(["curl", "-sS", protocol, "--data-binary", f"@{self.folder / 'message'}", "-H",
                                   "Content-Type: application/grpc-web+proto", f"http://127.0.0.1:{self.port}/test.Web/Echo"],
                                  capture_output=True, timeout=support.PATIENCE, check=True)
            self.assertEqual(done.stdout, expected)


if __name__ == "__main__":
    import runner
    sys.argv[1:] = [f"grpc_test.{name}" for name in sys.argv[1:]] or ["grpc_test"]
    runner.main()
