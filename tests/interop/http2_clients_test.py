#!/usr/bin/env python3
"""HTTP/2 of Node and of Java as clients of Keepsake: Node in clear text, Java over TLS.
    http2_clients_test.py [CLASS[.test]...]"""

import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402
from http2_fronts_test import App, CONFIG  # noqa: E402

NODE = """\
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
const client = http2.connect(`http://127.0.0.1:${process.argv[2]}`);
async function ask(fields, body = null) {
  const stream = client.request(fields, { endStream: body === null });
  if (body !== null) stream.end(body);
  const [head] = await once(stream, 'response');
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return { head, body: Buffer.concat(pieces) };
}
const some = Buffer.alloc(2 << 20, 'some bytes ');
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
"""
SESSION = """
const set = await ask({ ':method': 'POST', ':path': '/setName', 'content-type': 'application/x-www-form-urlencoded' }, 'name=Ada');
assert.equal(set.head[':status'], 303);
const cookie = set.head['set-cookie'][0].split(';')[0];
const bodies = await Promise.all(Array.from({ length: 90 }, (_, i) =>
  ask(i % 2 ? { ':path': '/', cookie } : { ':path': '/', cookie: ['a=1', 'b=2'] })));
bodies.forEach(({ body }, i) => assert.equal(body.toString(), i % 2 ? 'Ada' : 'nobody'));
client.close();
"""
UPLOADS = """
const answers = await Promise.all([0, 1, 65_536, some.length].map((size) =>
  ask({ ':method': 'POST', ':path': '/', ...(size % 2 ? { 'content-length': size } : {}) }, some.subarray(0, size))));
assert.deepEqual(answers.map(({ body }) => body.toString()), [0, 1, 65_536, some.length].map((size) => sha(some.subarray(0, size))));
const cut = client.request({ ':path': '/size?2000000' });
await once(cut, 'data');
cut.close(http2.constants.NGHTTP2_CANCEL);
assert.equal((await ask({ ':path': '/size?1000000' })).body.length, 1_000_000);
await new Promise((done, fail) => client.ping((error) => error ? fail(error) : done()));
client.close();
"""
SOCKET = """
await once(client, 'remoteSettings');
assert.equal(client.remoteSettings.enableConnectProtocol, true);
const socket = client.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/socket', 'sec-websocket-version': '13' },
  { endStream: false });
const [head] = await once(socket, 'response');
assert.equal(head[':status'], 200);
const frame = Buffer.from('818500000000' + Buffer.from('hello').toString('hex'), 'hex');
socket.write(frame);
const [echoed] = await once(socket, 'data');
assert.deepEqual(echoed, frame);
client.destroy();
"""
DRAIN = """
const waiting = ask({ ':path': '/wait' });
console.log('waits');
await once(client, 'goaway');
console.log('goes away');
assert.equal((await waiting).body.toString(), 'nobody');
await once(client, 'close');
"""
JAVA = """\
import java.io.*;
import java.net.*;
import java.net.http.*;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.*;
import java.security.cert.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
import javax.net.ssl.*;

public class Client {
  static void check(boolean good, Object what) { if (!good) throw new AssertionError(what); }

  public static void main(String[] arguments) throws Exception {
    var store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (var file = new FileInputStream(arguments[1])) {
      store.setCertificateEntry("it", CertificateFactory.getInstance("X.509").generateCertificate(file));
    }
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    var tls = SSLContext.getInstance("TLS");
    tls.init(null, trust.getTrustManagers(), null);
    var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).sslContext(tls).cookieHandler(new CookieManager()).build();
    var site = URI.create("https://127.0.0.1:" + arguments[0]);
    var form = HttpRequest.newBuilder(site.resolve("/setName")).header("Content-Type", "application/x-www-form-urlencoded");
    check(client.send(form.POST(BodyPublishers.ofString("name=Ada")).build(), BodyHandlers.ofString()).statusCode() == 303, "set");
    var page = HttpRequest.newBuilder(site.resolve("/")).build();
    var asked = IntStream.range(0, 50).mapToObj(i -> client.sendAsync(page, BodyHandlers.ofString())).collect(Collectors.toList());
    for (var answer : asked) {
      check(answer.get().body().equals("Ada"), answer.get().body());
      check(answer.get().version() == HttpClient.Version.HTTP_2, answer.get().version());
    }
    var some = new byte[2 << 20];
    new Random(1).nextBytes(some);
    var known = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(some));
    for (var body : List.of(BodyPublishers.ofByteArray(some), BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(some)))) {
      var upload = HttpRequest.newBuilder(site.resolve("/")).expectContinue(body.contentLength() < 0).POST(body).build();
      check(client.send(upload, BodyHandlers.ofString()).body().equals(known), "upload");
    }
    var large = HttpRequest.newBuilder(site.resolve("/size?2000000")).build();
    check(client.send(large, BodyHandlers.ofByteArray()).body().length == 2_000_000, "download");
  }
}
"""


class Clients(support.TestCase):
    def setUp(self):
        super().setUp()
        self.app = App()
        self.addCleanup(self.app.close)

    def world(self):
        self.keepsake = self.start(CONFIG.replace("BACKEND", str(self.app.port)))

    def command(self, name):
        return shutil.which(name) or self.skipTest(f"{name} is not installed")

    def node(self, script):
        return subprocess.Popen([self.command("node"), self.write(NODE + script, "client.mjs"), str(self.keepsake.port)],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def succeeds(self, child):
        said, _ = child.communicate(timeout=support.PATIENCE)
        self.assertEqual(child.returncode, 0, said + self.keepsake.text)

    def test_node_has_a_session_on_ninety_streams_at_once(self):
        self.world()
        self.succeeds(self.node(SESSION))

    def test_node_uploads_cancels_and_pings(self):
        self.world()
        self.succeeds(self.node(UPLOADS))

    def test_node_opens_a_websocket(self):
        self.world()
        self.succeeds(self.node(SOCKET))

    def test_node_is_told_of_a_drain_and_gets_its_answer(self):
        self.world()
        child = self.node(DRAIN)
        self.assertTrue(self.app.waiting.wait(support.PATIENCE))
        self.keepsake.signal(15)
        self.assertEqual(child.stdout.readline(), "waits\n")
        self.assertEqual(child.stdout.readline(), "goes away\n")
        self.app.go.set()
        self.succeeds(child)
        self.assertEqual(self.keepsake.ends(), 0)

    def test_java_has_a_session_over_tls_and_uploads(self):
        self.command("java")
        certificate, key = str(self.folder / "tls.crt"), str(self.folder / "tls.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key], check=True, capture_output=True)
        secure = f'listen: [{{address: "127.0.0.1:0"}}, {{address: "127.0.0.1:0", tls: {{certificate: {certificate}, key: {key}}}}}]'
        self.keepsake = self.start(re.sub(r"listen: .*", secure, CONFIG.replace("BACKEND", str(self.app.port))))
        port = self.keepsake.said(r"listening on https://127\.0\.0\.1:(\d+)")[1]
        child = subprocess.Popen(["java", self.write(JAVA, "Client.java"), port, certificate], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        said, _ = child.communicate(timeout=3 * support.PATIENCE)
        self.assertEqual(child.returncode, 0, said + self.keepsake.text)


if __name__ == "__main__":
    if not shutil.which("node") and not shutil.which("java"):
        print("not installed: node java")
        sys.exit(77)
    import runner
    sys.argv[1:] = [f"http2_clients_test.{name}" for name in sys.argv[1:]] or ["http2_clients_test.Clients"]
    runner.main()
