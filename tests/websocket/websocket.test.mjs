// A WebSocket client and server of npm's ws with keepsake between them.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import WebSocket, { WebSocketServer } from 'ws';

const bin = process.env.KEEPSAKE_BIN ?? fileURLToPath(new URL('../../build/release/bin', import.meta.url));
const patience = 30_000;
let server, backend, folder, child, port, output = '';

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain: ${what}\n${output}`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function start(more = '') {
  writeFileSync(join(folder, 'keepsake.yaml'), `
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["http://127.0.0.1:${backend.address().port}"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}], headers: {X-Session-Name: myName}}
${more}`);
  child = spawn(join(bin, 'keepsake'), ['run', '--config', join(folder, 'keepsake.yaml')],
    { env: { ...process.env, SESSION_KEY: randomBytes(32).toString('base64url') }, stdio: ['ignore', 'ignore', 'pipe'] });
  output = '';
  return within(new Promise((resolve, reject) => {
    child.stderr.on('data', (text) => {
      output += text;
      const said = output.match(/listening on http:\/\/127\.0\.0\.1:(\d+)/);
      if (said && output.includes('sessions: ')) {
        port = Number(said[1]);
        resolve();
      }
    });
    child.on('exit', (code) => reject(new Error(`keepsake ended (${code})\n${output}`)));
  }), 'keepsake listens');
}

async function stop() {
  if (child.exitCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

async function open(options = {}, path = '/') {
  const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, options);
  await within(once(client, 'open'), 'a WebSocket opens');
  return client;
}

async function echoed(client, data, options = {}) {
  const answer = within(once(client, 'message'), 'an echo');
  client.send(data, options);
  const [bytes, binary] = await answer;
  return binary ? bytes : bytes.toString();
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keepsake-websocket-'));
  backend = http.createServer((_, response) => response.end('plain'));
  server = new WebSocketServer({ server: backend, maxPayload: 64 << 20 });
  server.on('connection', (link, request) => {
    link.on('message', (data, binary) => {
      if (data.toString() === 'who') {
        link.send(request.headers['x-session-name'] ?? 'nobody');
      } else if (data.toString() === 'bye') {
        link.close(4321, 'as you wish');
      } else if (data.toString() === 'die') {
        link.terminate();
      } else {
        link.send(data, { binary });
      }
    });
  });
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  await start();
});

after(async () => {
  await stop();
  backend.close();
  backend.closeAllConnections();
  rmSync(folder, { recursive: true });
});

test('text, bytes and pings go both ways', async () => {
  const client = await open();
  assert.equal(await echoed(client, 'Zoë 🎉'), 'Zoë 🎉');
  const bytes = randomBytes(1000);
  assert.deepEqual(await echoed(client, bytes), bytes);
  const pong = within(once(client, 'pong'), 'a pong');
  client.ping('p');
  assert.equal((await pong)[0].toString(), 'p');
  client.close();
  await within(once(client, 'close'), 'the end');
});

test('a message of 5 MiB arrives whole', async () => {
  const client = await open({ maxPayload: 64 << 20, perMessageDeflate: false });
  const bytes = randomBytes(5 << 20);
  assert.ok(bytes.equals(await echoed(client, bytes)));
  client.terminate();
});

test('a thousand messages keep their order', async () => {
  const client = await open();
  const got = [];
  const all = new Promise((resolve) => {
    client.on('message', (data) => got.push(data.toString()) === 1000 && resolve());
  });
  for (let i = 0; i < 1000; ++i) {
    client.send(String(i));
  }
  await within(all, 'all messages');
  assert.deepEqual(got, Array.from({ length: 1000 }, (_, i) => String(i)));
  client.terminate();
});

test('the close with its code and reason passes', async () => {
  const client = await open();
  client.send('bye');
  const [code, reason] = await within(once(client, 'close'), 'the close');
  assert.equal(code, 4321);
  assert.equal(reason.toString(), 'as you wish');
});

test('a server that dies ends the client, and a client that dies the server', async () => {
  const client = await open();
  client.send('die');
  assert.equal((await within(once(client, 'close'), 'the end'))[0], 1006);
  const other = await open();
  const [link] = [...server.clients].filter((one) => one.readyState === WebSocket.OPEN);
  const gone = within(once(link, 'close'), 'the server notices');
  other.terminate();
  assert.equal((await gone)[0], 1006);
});

test('a visitor has their name in the tunnel, and a forged one is removed', async () => {
  const response = await fetch(`http://127.0.0.1:${port}/setName`, {
    method: 'POST', body: new URLSearchParams({ name: 'Ada' }), redirect: 'manual',
  });
  const cookie = response.headers.get('set-cookie').split(';')[0];
  const client = await open({ headers: { Cookie: cookie, 'X-Session-Name': 'forged' } });
  assert.equal(await echoed(client, 'who'), 'Ada');
  const anonymous = await open({ headers: { 'X-Session-Name': 'forged', x_session_name: 'forged' } });
  assert.equal(await echoed(anonymous, 'who'), 'nobody');
  client.terminate();
  anonymous.terminate();
});

test('another site may not open one with the visitor\'s session', async () => {
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, { origin: 'http://evil.example' });
  const [, response] = await within(once(client, 'unexpected-response'), 'a refusal');
  assert.equal(response.statusCode, 403);
  client.on('error', () => {});
  client.terminate();
});

test('a backend that refuses the handshake answers for itself', async () => {
  const listeners = backend.listeners('upgrade');
  backend.removeAllListeners('upgrade');
  backend.on('upgrade', (_, socket) => socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno'));
  const client = new WebSocket(`ws://127.0.0.1:${port}/`);
  const [, response] = await within(once(client, 'unexpected-response'), 'a refusal');
  assert.equal(response.statusCode, 426);
  client.on('error', () => {});
  client.terminate();
  backend.removeAllListeners('upgrade');
  for (const listener of listeners) {
    backend.on('upgrade', listener);
  }
});

test('a drain tells both sides of an open WebSocket that they are to go', async () => {
  await stop();
  await start('timeouts: {drain: 60s}');
  const connected = once(server, 'connection');
  const client = await open();
  const [link] = await within(connected, 'the backend has it');
  assert.equal(await echoed(client, 'before'), 'before');
  const ended = once(child, 'exit');
  const closes = [once(client, 'close'), once(link, 'close')];
  child.kill('SIGTERM');
  for (const close of closes) {
    assert.equal((await within(close, 'the end'))[0], 1001);
  }
  assert.equal((await within(ended, 'keepsake ends'))[0], 0);
});
