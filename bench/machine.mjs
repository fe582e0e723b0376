// Processes, their cost, and what machine this is. Every process started here is ended by its pid,
// also when the bench fails or is interrupted.
import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

export const SERVER_CORE = '0';
export const LOAD_CORE = '1';
const TICK_US = 1e6 / Number(execFileSync('getconf', ['CLK_TCK']));

const running = new Set();

// Starts a server in its own process group, pinned unless core is null, below another program when
// `under` names one; waits until it accepts.
export async function serve(command, { port, core = SERVER_CORE, env = {}, cwd, under = [] } = {}) {
  const below = [...under, ...command];
  const argv = core === null ? below : ['taskset', '-c', core, ...below];
  const child = spawn(argv[0], argv.slice(1), {
    detached: true,
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const hear = (chunk) => {
    said = (said + chunk).slice(-4000);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  child.on('error', (e) => hear(e.message));
  running.add(child);
  child.on('exit', () => running.delete(child));
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break;
    if (await accepts(port)) return { pid: child.pid, port, child, said: () => said };
    await sleep(50);
  }
  await end({ child });
  throw new Error(`${command[0]} does not answer on port ${port}: ${said}`);
}

export async function end(server) {
  const { child } = server;
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  process.kill(child.pid, 'SIGTERM');
  const late = setTimeout(() => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {}
  }, 15000);
  await gone;
  clearTimeout(late);
}

function endAll() {
  for (const child of running) {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {}
  }
}
process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

// Runs a tool to its end and gives what it printed. core null: not pinned.
export async function tool(command, { core = LOAD_CORE, env = {}, cwd, check = true } = {}) {
  const argv = core === null ? command : ['taskset', '-c', core, ...command];
  const child = spawn(argv[0], argv.slice(1), {
    detached: true,
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let out = '';
  let errors = '';
  child.stdout.on('data', (c) => {
    out += c;
  });
  child.stderr.on('data', (c) => {
    errors += c;
  });
  const [code, signal] = await once(child, 'close');
  running.delete(child);
  if (check && code !== 0) {
    throw new Error(`${command.slice(0, 3).join(' ')}: exit ${code ?? signal}: ${errors || out}`);
  }
  return out;
}

export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

async function accepts(port) {
  try {
    await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2000) });
    return true;
  } catch {
    return false;
  }
}

// CPU microseconds that a process group has used so far, all its threads included.
// By the scheduler's own account in nanoseconds: /proc/PID/stat guesses by who runs at a tick.
export function groupCpu(group) {
  let us = 0;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    let stat;
    try {
      stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    } catch {
      continue;
    }
    const field = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(field[2]) === group) us += processCpu(pid, field);
  }
  return us;
}

// By the same account: child of a process -> what it has used so far.
export function childrenCpu(parent) {
  const by = new Map();
  for (const pid of readFileSync(`/proc/${parent}/task/${parent}/children`, 'latin1').trim().split(' ')) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      by.set(pid, processCpu(pid, stat.slice(stat.lastIndexOf(')') + 2).split(' ')));
    } catch {} // it has ended
  }
  return by;
}

function processCpu(pid, field) {
  try {
    let ns = 0;
    for (const task of readdirSync(`/proc/${pid}/task`))
      ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]);
    return ns / 1000;
  } catch {
    return (Number(field[11]) + Number(field[12])) * TICK_US; // a kernel without schedstat
  }
}

export function residentKib(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);
}

function first(command, args, pattern) {
  try {
    const out = execFileSync('sh', ['-c', `${[command, ...args].join(' ')} 2>&1`], {
      encoding: 'utf8',
    });
    return pattern.exec(out)?.[1] ?? out.split('\n')[0];
  } catch {
    return 'missing';
  }
}

export function describe(versions = {}) {
  const cpu = os.cpus()[0];
  return {
    cpu: `${cpu.model}, ${os.cpus().length} cores`,
    memory: `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    compiler: first('cc', ['--version'], /^(.+)$/m),
    'sqlite (cairn, fsync_insert)': first('pkg-config', ['--modversion', 'sqlite3'], /^(\S+)/),
    libuv: first('pkg-config', ['--modversion', 'libuv'], /^(\S+)/),
    postgresql: first('psql', ['--version'], /(\d+\.\d+)/),
    nginx: first('nginx', ['-v'], /nginx\/(\S+)/),
    node: process.version,
    ...versions,
    commit: first('git', ['describe', '--always', '--dirty'], /^(\S+)/),
    'load average at start': os
      .loadavg()
      .map((n) => n.toFixed(2))
      .join(' '),
  };
}
