/**
 * The rooms of the source tree, held by reading every import: what runs in a browser must never reach for Node, the
 * helper must never reach into the extension, and nothing that ships may lean on the tests.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Room {
  /** Rooms it may import from, itself included. */
  readonly rooms: readonly string[];
  /** Packages it may import: all, or the named ones. */
  readonly packages: 'all' | readonly string[];
  readonly node: boolean;
  /** Names that belong to a world this room does not run in (the type check, which knows neither, says the same). */
  readonly foreign: readonly string[];
}

const NODE = ['process', 'Buffer', 'global', '__dirname', '__filename', 'setImmediate'];
const PAGE = ['window', 'document', 'navigator', 'localStorage', 'HTMLElement', 'XMLHttpRequest'];
const BROWSER = ['browser', 'chrome'];

const ROOMS: Readonly<Record<string, Room>> = {
  shared: { rooms: ['shared'], packages: ['valibot', 'fflate'], node: false, foreign: [...NODE, ...PAGE, ...BROWSER] },
  helper: { rooms: ['helper', 'shared'], packages: 'all', node: true, foreign: BROWSER },
  extension: { rooms: ['extension', 'shared'], packages: 'all', node: false, foreign: NODE },
  test: { rooms: ['test', 'shared', 'helper', 'extension'], packages: 'all', node: true, foreign: [] },
};

const COMMENT = /\/\*[\s\S]*?\*\/|(?<![:\\'"`])\/\/[^\n]*/g;
const TEXT = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

/** Every module a source names: static and re-exported, types only, dynamic, required; `null` for a computed name. */
function importsOf(source: string): (string | null)[] {
  const code = source.replace(COMMENT, '');
  const stated = code.matchAll(/^\s*(?:import|export)\b(?:[^'"`;()]*?\bfrom)?\s*['"]([^'"]+)['"]/gm);
  const called = code.matchAll(/\b(?:import|require|import\.meta\.resolve)\(\s*(?:(['"])([^'"]+)\1|[^)])/g);
  return [...[...stated].map((match) => match[1]), ...[...called].map((match) => match[2] ?? null)];
}

/** Names used freely: not in a comment or text, not a property or key of something else. */
function freeNames(source: string): Set<string> {
  const code = source.replace(COMMENT, '').replace(TEXT, "''");
  return new Set([...code.matchAll(/(?<![\w$.])[A-Za-z_$][\w$]*(?![\w$]|\s*\??:)/g)].map((match) => match[0]));
}

/** What is wrong with a file, one sentence a fault. `file` is relative to the root, with forward slashes. */
function faults(file: string, source: string): string[] {
  const [name] = file.split('/');
  const room = ROOMS[name];
  const found: string[] = [];
  for (const wanted of importsOf(source)) {
    if (wanted === null) found.push(`${file} imports a module whose name is computed`);
    else if (wanted.startsWith('.')) {
      const target = path.posix.join(path.posix.dirname(file), wanted).split('/')[0];
      if (!room.rooms.includes(target)) found.push(`${file} imports ${wanted}: ${name}/ may not import ${target}/`);
    } else if (isBuiltin(wanted)) {
      if (!room.node) found.push(`${file} imports ${wanted}: ${name}/ does not run in Node`);
    } else if (room.packages !== 'all' && !room.packages.includes(wanted)) {
      found.push(`${file} imports ${wanted}: ${name}/ may import ${room.packages.join(', ')} only`);
    }
  }
  const names = freeNames(source);
  for (const foreign of room.foreign) {
    if (names.has(foreign)) found.push(`${file} uses ${foreign}, which its room does not know`);
  }
  return found;
}

function sources(): string[] {
  return Object.keys(ROOMS).flatMap((room) => {
    const folder = path.join(root, room);
    let files: string[];
    try {
      files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    return files
      .filter((file) => /\.tsx?$/.test(file))
      .map((file) => path.posix.join(room, file.replaceAll(path.sep, '/')));
  });
}

test('every file keeps to its room', () => {
  const files = sources();
  assert.ok(files.includes('shared/errors.ts') && files.includes('test/rooms.test.ts'), 'the sources were not found');
  const found = files
    .filter((file) => file !== 'test/rooms.test.ts') // It holds wrong code on purpose, below.
    .flatMap((file) => faults(file, readFileSync(path.join(root, file), 'utf8')));
  assert.deepEqual(found, []);
});

test('every way of importing is seen', () => {
  const source = [
    `import './a.ts';`,
    `import b from './b.ts';`,
    `import type { C } from "./c.ts";`,
    `import {`,
    `  d,`,
    `  type D,`,
    `} from './d.ts';`,
    `export * from './e.ts';`,
    `export { f } from './f.ts';`,
    `const g = await import('./g.ts');`,
    `const h = require('./h.ts');`,
    `let i: typeof import('./i.ts');`,
    `await import(name);`,
    `// import './not-this.ts';`,
    `/* import './nor-this.ts'; */`,
    `export const text = "x";`,
  ].join('\n');
  assert.deepEqual(importsOf(source), [
    ...['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts', './f.ts', './g.ts', './h.ts', './i.ts'],
    null,
  ]);
});

test('a breach of the rooms is named with file and import', () => {
  const cases: [string, string, string][] = [
    ['shared/a.ts', `import fs from 'node:fs';`, 'shared/a.ts imports node:fs: shared/ does not run in Node'],
    ['shared/a.ts', `import fs from 'fs';`, 'shared/a.ts imports fs: shared/ does not run in Node'],
    [
      'shared/b/c.ts',
      `import '../../helper/x.ts';`,
      'shared/b/c.ts imports ../../helper/x.ts: shared/ may not import helper/',
    ],
    ['shared/a.ts', `import sharp from 'sharp';`, 'shared/a.ts imports sharp: shared/ may import valibot, fflate only'],
    ['shared/a.ts', `export const x = process.argv;`, 'shared/a.ts uses process, which its room does not know'],
    ['shared/a.ts', `export const x = () => document;`, 'shared/a.ts uses document, which its room does not know'],
    ['helper/a.ts', `import '../test/x.ts';`, 'helper/a.ts imports ../test/x.ts: helper/ may not import test/'],
    [
      'helper/a.ts',
      `import('../extension/x.ts');`,
      'helper/a.ts imports ../extension/x.ts: helper/ may not import extension/',
    ],
    [
      'extension/a.ts',
      `import '../helper/x.ts';`,
      'extension/a.ts imports ../helper/x.ts: extension/ may not import helper/',
    ],
    ['extension/a.ts', `import 'node:path';`, 'extension/a.ts imports node:path: extension/ does not run in Node'],
  ];
  for (const [file, source, fault] of cases) assert.deepEqual(faults(file, source), [fault]);
});

test('shared may import valibot and fflate, which run anywhere', () => {
  assert.deepEqual(faults('shared/a.ts', `import * as v from 'valibot'; import { unzlibSync } from 'fflate';`), []);
});

test('a name in a comment, a text or a property is no breach', () => {
  const source = `// the document\nconst a = 'window'; const b = x.process; const c = { document: 1 };\n/** Buffer */`;
  assert.deepEqual(faults('shared/a.ts', source), []);
});
