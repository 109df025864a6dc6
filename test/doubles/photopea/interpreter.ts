/**
 * The interpreter of the Photopea double: ES5, run statement by statement, with the faults people report of the real one.
 *
 * The one idea: scripts are parsed as ES5 and walked as a tree, so every oddity is written down as one line instead of
 * being imitated by rewriting source. The oddities, from notes of plugin authors (github.com/astriaai/photopea-nano-banana,
 * docs/photopea-plugin.md): reading a property of undefined ends the script in silence and no `catch` sees it; the body of
 * `finally` does not run; a `return` inside `try` is lost.
 */
import { type Function as AcornFunction, type AnyNode, parse } from 'acorn';

/** The script ended in silence: nothing more runs, nothing is reported. */
export class Death extends Error {}

/** What a script threw, or what a host function threw into it: a `catch` sees it. */
class Thrown extends Error {
  readonly value: unknown;
  constructor(value: unknown) {
    super(value instanceof Error ? value.message : String(value));
    this.value = value;
  }
}

class ScriptFunction {
  readonly node: AcornFunction;
  readonly scope: Scope;
  constructor(node: AcornFunction, scope: Scope) {
    this.node = node;
    this.scope = scope;
  }
}

class Scope {
  readonly names = new Map<string, unknown>();
  readonly outer: Scope | null;
  constructor(outer: Scope | null) {
    this.outer = outer;
  }
  find(name: string): Scope | null {
    return this.names.has(name) ? this : (this.outer?.find(name) ?? null);
  }
}

type Completion = { readonly kind: 'normal' | 'break' | 'continue' } | { readonly kind: 'return'; value: unknown };
const NORMAL: Completion = { kind: 'normal' };

/**
 * Runs a script. `globals` are the names it may use; `onCall` hears of every call of a host function before it happens
 * and may throw `Death`. Throws `Death`, `SyntaxError` (not ES5) or the Error a script did not catch.
 */
export function interpret(source: string, globals: Readonly<Record<string, unknown>>, onCall: () => void = () => {}) {
  const program = parse(source, { ecmaVersion: 5 });
  const top = new Scope(null);
  for (const [name, value] of Object.entries(globals)) top.names.set(name, value);

  function block(body: readonly AnyNode[], scope: Scope): Completion {
    for (const node of body) {
      if (node.type === 'FunctionDeclaration') scope.names.set(node.id!.name, new ScriptFunction(node, scope));
    }
    for (const node of body) {
      const done = run(node, scope);
      if (done.kind !== 'normal') return done;
    }
    return NORMAL;
  }

  function loop(scope: Scope, test: AnyNode | null, body: AnyNode, update: AnyNode | null): Completion {
    while (test === null || evaluate(test, scope)) {
      const done = run(body, scope);
      if (done.kind === 'return') return done;
      if (done.kind === 'break') break;
      if (update) evaluate(update, scope);
    }
    return NORMAL;
  }

  function run(node: AnyNode, scope: Scope): Completion {
    switch (node.type) {
      case 'FunctionDeclaration':
      case 'EmptyStatement':
        return NORMAL;
      case 'BlockStatement':
        return block(node.body, scope);
      case 'VariableDeclaration':
        for (const { id, init } of node.declarations) {
          if (init) scope.names.set(nameOf(id), evaluate(init, scope));
          else if (!scope.names.has(nameOf(id))) scope.names.set(nameOf(id), undefined);
        }
        return NORMAL;
      case 'ExpressionStatement':
        evaluate(node.expression, scope);
        return NORMAL;
      case 'IfStatement':
        if (evaluate(node.test, scope)) return run(node.consequent, scope);
        return node.alternate ? run(node.alternate, scope) : NORMAL;
      case 'ForStatement':
        if (node.init?.type === 'VariableDeclaration') run(node.init, scope);
        else if (node.init) evaluate(node.init, scope);
        return loop(scope, node.test ?? null, node.body, node.update ?? null);
      case 'WhileStatement':
        return loop(scope, node.test, node.body, null);
      case 'BreakStatement':
        return { kind: 'break' };
      case 'ContinueStatement':
        return { kind: 'continue' };
      case 'ReturnStatement':
        return { kind: 'return', value: node.argument ? evaluate(node.argument, scope) : undefined };
      case 'ThrowStatement':
        throw new Thrown(evaluate(node.argument, scope));
      case 'TryStatement': {
        let done: Completion;
        try {
          done = run(node.block, scope);
        } catch (error) {
          if (!(error instanceof Thrown) || !node.handler) throw error;
          if (node.handler.param) scope.names.set(nameOf(node.handler.param), error.value);
          done = run(node.handler.body, scope);
        }
        // The finalizer is not run, and a return from within is forgotten: execution goes on below.
        return done.kind === 'return' ? NORMAL : done;
      }
      default:
        throw new SyntaxError(`${node.type} is not known to this interpreter`);
    }
  }

  function read(object: unknown, key: unknown): unknown {
    if (object === null || object === undefined) throw new Death(`${String(key)} of ${String(object)}`);
    return host(() => (object as Record<PropertyKey, unknown>)[key as PropertyKey]);
  }

  /** Runs host code; its errors become ones the script can catch, but a death stays a death. */
  function host<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw error instanceof Death || error instanceof Thrown ? error : new Thrown(error);
    }
  }

  function call(callee: unknown, self: unknown, args: unknown[]): unknown {
    if (callee instanceof ScriptFunction) {
      const scope = new Scope(callee.scope);
      callee.node.params.forEach((param, index) => {
        scope.names.set(nameOf(param), args[index]);
      });
      const done = block((callee.node.body as { body: AnyNode[] }).body, scope);
      return done.kind === 'return' ? done.value : undefined;
    }
    if (typeof callee !== 'function') throw new Death('a call of what is no function');
    onCall();
    return host(() => Reflect.apply(callee, self, args));
  }

  function assign(target: AnyNode, value: unknown, scope: Scope): unknown {
    if (target.type === 'Identifier') (scope.find(target.name) ?? top).names.set(target.name, value);
    else if (target.type === 'MemberExpression') {
      const object = evaluate(target.object, scope);
      const key = keyOf(target, scope);
      if (object === null || object === undefined) throw new Death(`${String(key)} of ${String(object)}`);
      onCall(); // Setting a property of a host object does things to the document.
      host(() => {
        (object as Record<PropertyKey, unknown>)[key as PropertyKey] = value;
      });
    } else throw new SyntaxError(`nothing is assigned to ${target.type}`);
    return value;
  }

  const keyOf = (node: Extract<AnyNode, { type: 'MemberExpression' }>, scope: Scope): unknown =>
    node.computed ? evaluate(node.property, scope) : nameOf(node.property);

  function evaluate(node: AnyNode, scope: Scope): unknown {
    switch (node.type) {
      case 'Literal':
        return node.value;
      case 'Identifier': {
        if (node.name === 'undefined') return undefined;
        const found = scope.find(node.name);
        if (!found) throw new Thrown(new ReferenceError(`${node.name} is not defined`));
        return found.names.get(node.name);
      }
      case 'ArrayExpression':
        return node.elements.map((element) => evaluate(element!, scope));
      case 'ObjectExpression': {
        const object: Record<string, unknown> = {};
        for (const property of node.properties) {
          if (property.type !== 'Property') throw new SyntaxError('spread');
          const key = property.key.type === 'Literal' ? String(property.key.value) : nameOf(property.key);
          object[key] = evaluate(property.value, scope);
        }
        return object;
      }
      case 'FunctionExpression':
        return new ScriptFunction(node, scope);
      case 'MemberExpression':
        return read(evaluate(node.object, scope), keyOf(node, scope));
      case 'CallExpression': {
        const { callee } = node;
        const self = callee.type === 'MemberExpression' ? evaluate(callee.object, scope) : undefined;
        const target = callee.type === 'MemberExpression' ? read(self, keyOf(callee, scope)) : evaluate(callee, scope);
        return call(
          target,
          self,
          node.arguments.map((argument) => evaluate(argument, scope)),
        );
      }
      case 'AssignmentExpression': {
        const value = evaluate(node.right, scope);
        if (node.operator === '=') return assign(node.left, value, scope);
        return assign(node.left, binary(node.operator.slice(0, -1), evaluate(node.left, scope), value), scope);
      }
      case 'UpdateExpression': {
        const before = Number(evaluate(node.argument, scope));
        const after = before + (node.operator === '++' ? 1 : -1);
        assign(node.argument, after, scope);
        return node.prefix ? after : before;
      }
      case 'UnaryExpression': {
        if (node.operator === 'typeof' && node.argument.type === 'Identifier' && !scope.find(node.argument.name)) {
          return 'undefined';
        }
        return unary(node.operator, evaluate(node.argument, scope));
      }
      case 'BinaryExpression':
        return binary(node.operator, evaluate(node.left as AnyNode, scope), evaluate(node.right, scope));
      case 'LogicalExpression': {
        const left = evaluate(node.left, scope);
        if (node.operator === '&&' ? !left : left) return left;
        return evaluate(node.right, scope);
      }
      case 'ConditionalExpression':
        return evaluate(evaluate(node.test, scope) ? node.consequent : node.alternate, scope);
      default:
        throw new SyntaxError(`${node.type} is not known to this interpreter`);
    }
  }

  try {
    block(program.body, top);
  } catch (error) {
    throw error instanceof Thrown && error.value instanceof Error ? error.value : error;
  }
}

function nameOf(node: AnyNode): string {
  if (node.type !== 'Identifier') throw new SyntaxError(`${node.type} where a name is wanted`);
  return node.name;
}

function unary(operator: string, value: unknown): unknown {
  switch (operator) {
    case '!':
      return !value;
    case '-':
      return -Number(value);
    case '+':
      return Number(value);
    case 'typeof':
      return value instanceof ScriptFunction ? 'function' : typeof value;
    default:
      throw new SyntaxError(`${operator} is not known to this interpreter`);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the operators of the language take what they are given
function binary(operator: string, a: any, b: any): unknown {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '<':
      return a < b;
    case '>':
      return a > b;
    case '<=':
      return a <= b;
    case '>=':
      return a >= b;
    case '===':
      return a === b;
    case '!==':
      return a !== b;
    case '==':
      // biome-ignore lint/suspicious/noDoubleEquals: the script's own
      return a == b;
    case '!=':
      // biome-ignore lint/suspicious/noDoubleEquals: the script's own
      return a != b;
    default:
      throw new SyntaxError(`${operator} is not known to this interpreter`);
  }
}
