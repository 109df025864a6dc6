/** The oddities of the double's interpreter, each on its own: the adapter's tests are worth as much as these hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Death, interpret } from './interpreter.ts';

/** What a script says, in order, and how it ended. */
function said(source: string): { said: unknown[]; end: string } {
  const heard: unknown[] = [];
  const fail = () => {
    throw new Error('no such thing');
  };
  try {
    interpret(source, { say: (value: unknown) => heard.push(value), fail });
    return { said: heard, end: 'through' };
  } catch (error) {
    return { said: heard, end: error instanceof Death ? 'dead' : String(error) };
  }
}

test('it does sums, loops, functions, closures and lists as any ES5 does', () => {
  const source = `
    function add(a, b) { return a + b; }
    function counter() { var n = 0; return function () { n++; return n; }; }
    var next = counter(); next();
    var list = [3, 1, 2], out = [];
    for (var i = 0; i < list.length; i++) { if (list[i] === 1) { continue; } out.push(list[i] * 2); }
    var o = { a: { b: 'x' } }; o.a.b += 'y';
    while (true) { break; }
    say(add(2, 3)); say(next()); say(out.join()); say(o.a.b); say(typeof nowhere); say(o.none ? 1 : -1);`;
  assert.deepEqual(said(source), { said: [5, 2, '6,4', 'xy', 'undefined', -1], end: 'through' });
});

test('reading a property of undefined ends the script, and no catch sees it', () => {
  assert.deepEqual(said('say(1); try { var a; say(a.b); } catch (e) { say("caught"); } say(2);'), {
    said: [1],
    end: 'dead',
  });
  assert.equal(said('var a; a.b = 1;').end, 'dead');
  assert.equal(said('say(1); say.nothing();').end, 'dead');
});

test('what a function of the host throws is caught, and else ends the script with an error', () => {
  assert.deepEqual(said('try { fail(); } catch (e) { say(e.message); }'), { said: ['no such thing'], end: 'through' });
  assert.equal(said('fail();').end, 'Error: no such thing');
  assert.equal(said('nowhere;').end, 'ReferenceError: nowhere is not defined');
});

test('finally does not run, and a return within a try is lost', () => {
  assert.deepEqual(said('try { say(1); } catch (e) {} finally { say("finally"); } say(2);').said, [1, 2]);
  assert.deepEqual(said('function f() { try { return 1; } catch (e) {} return 2; } say(f());').said, [2]);
});

test('nothing newer than ES5 is read at all', () => {
  for (const source of ['let a = 1;', 'say(() => 1);', 'say(`x`);', 'say(...[1]);', 'const a = 1;', 'class A {}']) {
    const { said: heard, end } = said(`say("begun"); ${source}`);
    assert.deepEqual([heard, end.split(':')[0]], [[], 'SyntaxError'], source);
  }
});
