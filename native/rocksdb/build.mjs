/**
 * Builds the RocksDB addon: `node native/rocksdb/build.mjs [--force]`.
 *
 * One compiler run per source, only for what is older than its source, the headers or this script; then one link against
 * the distribution's shared library. No Python, no node-gyp. Exit code 0 when the addon is there.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const sources = join(here, 'src');
const build = join(here, 'build');
const output = join(build, 'pegasus_rocksdb.node');
const isMac = process.platform === 'darwin';
const compiler = process.env['CXX'] ?? (isMac ? 'clang++' : 'g++');
const install = isMac ? 'brew install rocksdb' : 'sudo apt-get install -y librocksdb-dev g++';

/** @param {string} message */
function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** @param {string} path */
function modifiedMs(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function nodeHeaders() {
  try {
    return createRequire(import.meta.url)('node-api-headers').include_dir;
  } catch {
    return fail('The npm package node-api-headers is missing. Run: npm ci');
  }
}

function rocksdbFolder() {
  const folders = isMac ? ['/opt/homebrew', '/usr/local'] : ['/usr', '/usr/local'];
  const folder = folders.find((name) => existsSync(join(name, 'include/rocksdb/db.h')));
  return folder ?? fail(`The headers of RocksDB are missing. Run: ${install}`);
}

/**
 * @param {string[]} args
 * @returns {Promise<void>}
 */
function compile(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(compiler, args, { stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error('compiler failed'))));
  });
}

const force = process.argv.includes('--force');
const names = readdirSync(sources);
const headersMs = Math.max(
  modifiedMs(fileURLToPath(import.meta.url)),
  ...names.filter((name) => name.endsWith('.h')).map((name) => modifiedMs(join(sources, name))),
);
const units = names
  .filter((name) => name.endsWith('.cc'))
  .map((name) => ({
    source: join(sources, name),
    object: join(build, name.replace(/\.cc$/, '.o')),
  }));
const newestMs = Math.max(headersMs, ...units.map((unit) => modifiedMs(unit.source)));
if (!force && modifiedMs(output) > newestMs) process.exit(0);

if (spawnSync(compiler, ['--version']).status !== 0) {
  fail(`The compiler ${compiler} is missing. Run: ${install}`);
}
const rocksdb = rocksdbFolder();
const flags = [
  '-std=c++17',
  '-O2',
  '-fno-rtti',
  '-fPIC',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
  '-DNAPI_VERSION=8',
  '-isystem',
  nodeHeaders(),
  // Naming the compiler's own folder again would break the order of its headers.
  ...(rocksdb === '/usr' ? [] : ['-isystem', join(rocksdb, 'include')]),
];

mkdirSync(build, { recursive: true });
const stale = units.filter(
  ({ source, object }) => force || modifiedMs(object) <= Math.max(headersMs, modifiedMs(source)),
);
/** Named per process, so that two builds at once do not tear each other's files. */
const suffix = `.${process.pid}`;

async function worker() {
  for (let unit = stale.pop(); unit !== undefined; unit = stale.pop()) {
    await compile([...flags, '-c', unit.source, '-o', unit.object + suffix]);
    renameSync(unit.object + suffix, unit.object);
  }
}

try {
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, worker));
  const objects = units.map((unit) => unit.object);
  const link = isMac ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-pthread'];
  if (rocksdb !== '/usr') link.push(`-L${join(rocksdb, 'lib')}`);
  await compile([...link, ...objects, '-lrocksdb', '-o', output + suffix]);
  renameSync(output + suffix, output);
} catch {
  fail('The RocksDB addon could not be built; the message of the compiler is above.');
}
