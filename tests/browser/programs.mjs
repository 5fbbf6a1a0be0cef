// Starts and stops the two programs for the tests, each on a port that was free a moment before.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = process.env.KEEPSAKE_BIN ?? join(root, 'build/release/bin');
const patience = 60_000;

const started = new Set();
const folders = [];

export function freshFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'keepsake-browser-'));
  folders.push(folder);
  return folder;
}

export function newSecret() {
  return randomBytes(32).toString('base64url');
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

class Program {
  constructor(name, options, env = {}, cwd = undefined) {
    this.name = name;
    this.output = '';
    const file = name.includes('/') ? name : join(bin, name);
    this.child = spawn(file, options, { cwd, env: { ...process.env, ...env } });
    this.ended = new Promise((resolve) => {
      this.child.on('exit', (code, signal) => resolve(code ?? signal));
      this.child.on('error', (error) => resolve(error.message));
    });
    this.child.stdout.on('data', (text) => { this.output += text; });
    this.child.stderr.on('data', (text) => { this.output += text; });
    started.add(this);
    this.ended.then(() => started.delete(this));
  }

  async answersAt(port) {
    const end = Date.now() + patience;
    const gone = this.ended.then((how) => {
      throw new Error(`${this.name} ended (${how}) before it answered:\n${this.output}`);
    });
    gone.catch(() => {});
    while (Date.now() < end) {
      const open = await Promise.race([gone, canConnect(port)]);
      if (open) {
        return this;
      }
    }
    throw new Error(`${this.name} does not answer at port ${port}:\n${this.output}`);
  }

  async stop(signal = 'SIGTERM') {
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), patience);
    const how = await this.ended;
    clearTimeout(timer);
    return how;
  }
}

function canConnect(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => setTimeout(resolve, 20, false));
  });
}

export async function startBackend(port) {
  return new Program('demo-backend', ['--listen', `127.0.0.1:${port}`]).answersAt(port);
}

// config/demo.yaml, but for its two addresses.
export async function startKeepsake({ port, backendPort, secret }) {
  const shipped = readFileSync(join(root, 'config/demo.yaml'), 'utf8');
  const config = shipped.replace('127.0.0.1:8080', `127.0.0.1:${port}`)
    .replace('127.0.0.1:8081', `127.0.0.1:${backendPort}`);
  assert.ok(config.includes(`:${port}`) && config.includes(`:${backendPort}`),
    'config/demo.yaml has other addresses than deploy/demo.sh says');
  return startKeepsakeWith(config, port, secret);
}

export async function startKeepsakeWith(config, port, secret) {
  const file = join(freshFolder(), 'keepsake.yaml');
  writeFileSync(file, config);
  return new Program('keepsake', ['run', '--config', file], { SESSION_KEY: secret }).answersAt(port);
}

// The backend of config/examples/sign-in, by the Python that Debian's packages belong to.
export async function startSignInBackend(port) {
  return new Program('/usr/bin/python3', ['-B', '-m', 'flask', '--app', 'flask_app', 'run', '--port', `${port}`], {},
    join(root, 'config/examples/sign-in')).answersAt(port);
}

// And its configuration, with another address and further routes before the others.
export async function startSignIn({ port, backendPort, routes = '' }) {
  const shipped = readFileSync(join(root, 'config/examples/sign-in/keepsake.yaml'), 'utf8');
  const config = shipped.replace('0.0.0.0:8080', `127.0.0.1:${port}`).replace('127.0.0.1:3000', `127.0.0.1:${backendPort}`)
    .replace('requests: 10', 'requests: 1000').replace('routes:\n', `routes:\n${routes}`);
  assert.ok(config.includes(`:${port}`) && config.includes(`:${backendPort}`) && config.includes('requests: 1000'));
  return startKeepsakeWith(config, port, newSecret());
}

export async function startDemo(port) {
  return new Program('keepsake', ['run', '--demo', '--listen', `127.0.0.1:${port}`]).answersAt(port);
}

export async function stopAll() {
  await Promise.all([...started].map((program) => program.stop()));
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
  }
}
