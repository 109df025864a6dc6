import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trainingGraph } from '../../../../../helper/kernelfusion/patch-diffusion-net.ts';
import { lowerGraph } from '../../../../../helper/tensor/executors/onnx/lower.ts';
import { encodeModel, NCHWC_DOMAIN } from '../../../../../helper/tensor/executors/onnx/model.ts';
import { needsPython, runPython } from '../../../../support/python.ts';

const CHECK = `
import json, sys, onnx
from onnx import checker, helper, numpy_helper
model = onnx.load_model_from_string(sys.stdin.buffer.read())
checker.check_model(model, full_check=True)
print(json.dumps({
    "opsets": {o.domain: o.version for o in model.opset_import},
    "inputs": {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input},
    "initializers": {t.name: numpy_helper.to_array(t).tolist() for t in model.graph.initializer},
    "nodes": [{"op": n.op_type, "domain": n.domain, "inputs": list(n.input), "outputs": list(n.output),
        "attributes": {a.name: helper.get_attribute_value(a) for a in n.attribute if a.type != onnx.AttributeProto.STRING}}
        for n in model.graph.node],
}))
`;

const python = needsPython('onnx', 'numpy');

test('the ONNX checker accepts the portable training graph, and infers the shapes we state', python, () => {
  const model = lowerGraph(trainingGraph({ width: 8, channels: 3, batch: 2, crop: 16 }), 1);
  const read = JSON.parse(runPython(CHECK, encodeModel(model)));
  assert.deepEqual(read.opsets, { '': 17 });
  assert.deepEqual(read.inputs, Object.fromEntries(model.inputs));
  assert.equal(read.nodes.length, model.nodes.length);
});

test(
  'what is written is read back: names, shapes, floats, integers beyond 32 bits, negative ones, attributes',
  python,
  () => {
    const bytes = encodeModel({
      inputs: new Map([['x', [2, 3]]]),
      outputs: new Map([['y', [3, 2]]]),
      initializers: [
        { name: 'floats', shape: [2, 2], data: Float32Array.of(0.5, -1.25, 3e-38, 1e30) },
        { name: 'integers', shape: [3], data: BigInt64Array.of(-1n, 2n ** 40n, 0n) },
      ],
      nodes: [
        { op: 'HardSigmoid', inputs: ['x'], outputs: ['h'], attributes: { alpha: { float: 0.25 } } },
        { op: 'Transpose', inputs: ['h'], outputs: ['y'], attributes: { perm: [1, 0] } },
      ],
    });
    const read = JSON.parse(runPython(CHECK, bytes));
    assert.deepEqual(read.initializers.floats.flat().map(Math.fround), [0.5, -1.25, 3e-38, 1e30].map(Math.fround));
    assert.deepEqual(read.initializers.integers, [-1, 2 ** 40, 0]);
    assert.deepEqual(read.nodes, [
      { op: 'HardSigmoid', domain: '', inputs: ['x'], outputs: ['h'], attributes: { alpha: 0.25 } },
      { op: 'Transpose', domain: '', inputs: ['h'], outputs: ['y'], attributes: { perm: [1, 0] } },
    ]);
  },
);

test('the blocked lowering declares the domain of its operators, and only it does', () => {
  const graph = trainingGraph({ width: 16, channels: 3, batch: 1, crop: 8 });
  const domains = (block: number) => new Set(lowerGraph(graph, block).nodes.map(({ domain = '' }) => domain));
  assert.deepEqual(domains(1), new Set(['']));
  assert.deepEqual(domains(16), new Set(['', NCHWC_DOMAIN]));
});

test('an initializer whose values do not fill its shape is refused', () => {
  const initializers = [{ name: 'w', shape: [3], data: Float32Array.of(1) }];
  const model = { inputs: new Map(), outputs: new Map(), initializers, nodes: [] };
  assert.throws(() => encodeModel(model), /1 values for \[3\]/);
});
