// demo-backend by itself: what it answers, and that wrong input, bursts and its own end are no trouble.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import { after, before, test } from 'node:test';

import { freePort, startBackend, stopAll } from './programs.mjs';

let backend;
let port;
before(async () => {
  port = await freePort();
  backend = await startBackend(port);
});
after(stopAll);

function ask(path, { method = 'GET', headers = {}, body, to = port } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port: to, path, method, headers, agent: false });
    request.on('error', reject);
    request.on('response', (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => resolve({
        status: response.statusCode, headers: response.headers, bytes: Buffer.concat(pieces),
        text: Buffer.concat(pieces).toString('utf8'),
      }));
    });
    request.end(body);
  });
}

// Raw bytes out; everything that comes until the other side closes.
function exchange(bytes, to = port) {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = net.connect(to, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('latin1');
    socket.on('data', (text) => { received += text; });
    socket.on('error', reject);
    socket.on('close', () => resolve(received));
  });
}

test('the page has no h1 for a visitor without a name', async () => {
  const { status, headers, text } = await ask('/');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'text/html; charset=utf-8');
  assert.doesNotMatch(text, /<h1/);
  assert.match(text, /<form method="post" action="setName">/);
  assert.match(text, /name="name"/);
  assert.match(text, /'\/reset'/);
});

test('the name of the session header is the h1, escaped', async () => {
  for (const [name, html] of [
    ['Ada', 'Ada'],
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['Zoë 🎉', 'Zoë 🎉'],
    ['O\'Brien & Söhne', 'O&#39;Brien &amp; Söhne'],
    ['"{{heading}}"', '&quot;{{heading}}&quot;'],
  ]) {
    const { text } = await ask('/', { headers: { 'X-Session-Name': encodeURIComponent(name) } });
    assert.ok(text.includes(`<h1>${html}</h1>`), name);
  }
});

test('a name that is not percent-encoded UTF-8, or comes twice, is 400', async () => {
  for (const value of ['%', '%G1', '%FF', '%C0%AF', '%ED%A0%80', '%F4%90%80%80', '%E2%82', ['a', 'b']]) {
    const { status } = await ask('/', { headers: { 'X-Session-Name': value } });
    assert.equal(status, 400, String(value));
  }
});

test('/headers shows method, target and every header in order', async () => {
  const raw = await exchange('PUT /headers?q=%20 HTTP/1.1\r\nHost: h\r\nb: 1\r\nA: 2\r\nb: \xff\r\n' +
    'Connection: close\r\n\r\n');
  const body = Buffer.from(raw.slice(raw.indexOf('\r\n\r\n') + 4), 'latin1').toString('utf8');
  assert.deepEqual(JSON.parse(body), {
    method: 'PUT', target: '/headers?q=%20',
    headers: [['Host', 'h'], ['b', '1'], ['A', '2'], ['b', 'ÿ'], ['Connection', 'close']],
  });
});

test('/counter adds one and asks the proxy to keep it', async () => {
  assert.equal((await ask('/counter')).text, '1\n');
  const { text, headers } = await ask('/counter', { headers: { 'X-Session-Counter': '41' } });
  assert.equal(text, '42\n');
  assert.equal(headers['x-session-set'], 'counter=42');
  for (const value of ['', 'x', '-1', '1.5', '18446744073709551615', ['1', '2']]) {
    assert.equal((await ask('/counter', { headers: { 'X-Session-Counter': value } })).status, 400);
  }
});

test('/echo returns the body of any method', async () => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    const { text, headers } = await ask('/echo', { method, body: 'Zoë', headers: { 'Content-Type': 'text/x', 'Content-Length': 4 } });
    assert.equal(text, 'Zoë');
    assert.equal(headers['content-type'], 'text/x');
  }
  const large = randomBytes(3 * 1024 * 1024);
  const { bytes } = await ask('/echo', { method: 'POST', body: large });
  assert.ok(large.equals(bytes));
});

test('a body above the limit is 413, and the client can read that', async () => {
  const { status } = await ask('/echo', { method: 'POST', headers: { 'Content-Length': 17 << 20 } });
  assert.equal(status, 413);
});

test('/bytes sends exactly what was asked for, with a length or in chunks', async () => {
  const pattern = '0123456789abcdef';
  for (const n of [0, 1, 65536, 65537, 1_000_003]) {
    const plain = await ask(`/bytes?n=${n}`);
    assert.equal(plain.headers['content-length'], String(n));
    const chunked = await ask(`/bytes?n=${n}&chunked=1`);
    assert.equal(chunked.headers['transfer-encoding'], 'chunked');
    const expected = pattern.repeat(n / 16 + 1).slice(0, n);
    // Pieces begin anew with the pattern, whose length divides theirs.
    assert.equal(plain.text, expected);
    assert.equal(chunked.text, expected);
  }
});

test('/stream, /events and /slow answer in their time', async () => {
  assert.equal((await ask('/stream?count=3&ms=1')).text, 'line 1\nline 2\nline 3\n');
  const { text, headers } = await ask('/events?count=2&interval=1');
  assert.equal(headers['content-type'], 'text/event-stream');
  assert.equal(text, 'id: 1\nevent: tick\ndata: 1\n\nid: 2\nevent: tick\ndata: 2\n\n');
  const began = process.hrtime.bigint();
  assert.equal((await ask('/slow?ms=60')).status, 200);
  assert.ok(process.hrtime.bigint() - began >= 55_000_000n);
});

test('a client of HTTP/1.0 gets an unchunked stream that ends with the connection', async () => {
  const raw = await exchange('GET /stream?count=2&ms=1 HTTP/1.0\r\n\r\n');
  assert.doesNotMatch(raw, /Transfer-Encoding/i);
  assert.ok(raw.endsWith('\r\n\r\nline 1\nline 2\n'));
});

test('HEAD has the head of GET and no body', async () => {
  for (const path of ['/', '/headers', '/healthz', '/counter', '/bytes?n=100000', '/stream', '/events']) {
    const raw = await exchange(`HEAD ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
    assert.match(raw, /^HTTP\/1\.1 200 /, path);
    assert.ok(raw.endsWith('\r\n\r\n'), path);
    assert.equal(raw.indexOf('\r\n\r\n'), raw.length - 4, path);
  }
});

test('pipelined requests are answered in order', async () => {
  const raw = await exchange('GET /slow?ms=20 HTTP/1.1\r\nHost: h\r\n\r\nPOST /echo HTTP/1.1\r\nHost: h\r\n' +
    'Content-Length: 3\r\n\r\nabcGET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  assert.deepEqual(raw.match(/^(slept|abcH|ok)/gm), ['slept', 'abcH', 'ok']);
});

test('unknown paths are 404, wrong methods 405, wrong numbers 400', async () => {
  for (const path of ['/nope', '/headers/', '//', '/favicon.ico', '/%2e']) {
    assert.equal((await ask(path)).status, 404, path);
  }
  for (const path of ['/', '/counter', '/healthz', '/bytes', '/slow', '/stream', '/events']) {
    const { status, headers } = await ask(path, { method: 'POST' });
    assert.equal(status, 405, path);
    assert.equal(headers.allow, 'GET, HEAD');
  }
  for (const path of ['/slow?ms=x', '/slow?ms=', '/bytes?n=-1', '/bytes?n=99999999999999999999',
    '/bytes?chunked=2', '/stream?count=1e3', '/events?interval=9999999999']) {
    assert.equal((await ask(path)).status, 400, path);
  }
});

test('what is no request is 400, a head too large 431, and both close', async () => {
  for (const bytes of ['GARBAGE\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'GET / HTTP/1.1\r\nbad name: x\r\n\r\n',
    'GET /%zz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    'POST /echo HTTP/1.1\r\nContent-Length: x\r\n\r\n']) {
    assert.match(await exchange(bytes), /^HTTP\/1\.1 400 /, bytes);
  }
  assert.match(await exchange(`GET / HTTP/1.1\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
});

test('Expect: 100-continue is answered before the body', async () => {
  const raw = await new Promise((resolve, reject) => {
    let received = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write('POST /echo HTTP/1.1\r\nHost: h\r\n' +
      'Connection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n'));
    socket.on('data', (text) => {
      if (received === '' && String(text).startsWith('HTTP/1.1 100 ')) {
        socket.write('hi');
      }
      received += text;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(received));
  });
  assert.match(raw, /^HTTP\/1\.1 100 [^]*\r\n\r\nHTTP\/1\.1 200 [^]*hi$/);
});

test('/websocket echoes, and without an upgrade is 426', async () => {
  assert.equal((await ask('/websocket')).status, 426);
  const key = randomBytes(16).toString('base64');
  const reply = await new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    let accepted = false;
    const socket = net.connect(port, '127.0.0.1', () => socket.write('GET /websocket HTTP/1.1\r\nHost: h\r\n' +
      `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`));
    socket.on('error', reject);
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      const end = received.indexOf('\r\n\r\n');
      if (!accepted && end >= 0) {
        accepted = true;
        // A masked text frame "hi" with the mask 0, which leaves the text as it is (RFC 6455 5.3).
        socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
      }
      if (accepted && received.length >= end + 4 + 4) {
        socket.destroy();
        resolve([received.subarray(0, end).toString(), [...received.subarray(end + 4)]]);
      }
    });
  });
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  assert.match(reply[0], /^HTTP\/1\.1 101 /);
  assert.ok(reply[0].includes(accept));
  assert.deepEqual(reply[1], [0x81, 0x02, 0x68, 0x69]);
});

test('SIGTERM lets the exchange under way finish and ends idle and endless ones', async () => {
  const own = await freePort();
  const program = await startBackend(own);
  const idle = net.connect(own, '127.0.0.1');
  await new Promise((resolve) => idle.on('connect', resolve));
  const idleClosed = new Promise((resolve) => idle.on('close', resolve));
  idle.resume();
  // Its first event says that the stream is open; its end must be the regular one.
  const endless = ask('/events?interval=3600000', { to: own });
  const slow = ask('/slow?ms=700', { to: own });
  // The request of /slow has been read once a later connection has been answered.
  await ask('/healthz', { to: own });
  const began = Date.now();
  const ended = program.stop();
  await idleClosed;
  assert.match((await endless).text, /^id: 1\n/);
  assert.equal((await slow).status, 200);
  assert.equal(await ended, 0);
  assert.ok(Date.now() - began < 5000);
});

test('a port in use, and a wrong address, are said plainly', async () => {
  await assert.rejects(startBackend(port).then(async (other) => {
    // Something answers at that port, so only the end of the program tells.
    throw new Error(`${await other.ended} ${other.output}`);
  }), /1 .*[Aa]ddress already in use/);
  assert.equal(backend.child.exitCode, null);
});
