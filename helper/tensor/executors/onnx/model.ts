/**
 * Writes ONNX models: a readable description in, the bytes of a ModelProto out.
 *
 * The wire format is left to protobufjs (a kept library; varints and length prefixes are easy to get subtly wrong), fed
 * with the part of the published schema that we use: github.com/onnx/onnx, onnx/onnx.proto, field numbers as there.
 */
import protobuf from 'protobufjs/light.js';
import { type Shape, sizeOf } from '../../shape.ts';

/** Versions written into every model: IR 8 and operator set 17 are what the ONNX releases since 1.12 can check. */
const IR_VERSION = 8;
const OPSET = 17;
/** Domain of ONNX Runtime's operators on blocked layouts. */
export const NCHWC_DOMAIN = 'com.microsoft.nchwc';

/** Integers, lists of integers, floats and strings; a float is wrapped, since a number alone cannot say which it is. */
export type Attribute = number | readonly number[] | { readonly float: number } | string;

export interface OnnxNode {
  readonly op: string;
  /** Names; '' stands for an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly domain?: string;
}

/** A constant: float32 or int64. */
export interface OnnxInitializer {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array | BigInt64Array;
}

/** All inputs and outputs are float32. */
export interface OnnxModel {
  readonly inputs: ReadonlyMap<string, Shape>;
  readonly outputs: ReadonlyMap<string, Shape>;
  readonly initializers: readonly OnnxInitializer[];
  readonly nodes: readonly OnnxNode[];
}

const FLOAT = 1;
const INT64 = 7;
const ATTRIBUTE_TYPE = { FLOAT: 1, INT: 2, STRING: 3, INTS: 7 } as const;

type Fields = Record<string, [id: number, type: string, rule?: 'repeated']>;

const message = (fields: Fields) => ({
  fields: Object.fromEntries(
    Object.entries(fields).map(([name, [id, type, rule]]) => [name, rule ? { id, type, rule } : { id, type }]),
  ),
});

const ModelProto = protobuf.Root.fromJSON({
  nested: {
    AttributeProto: message({
      name: [1, 'string'],
      f: [2, 'float'],
      i: [3, 'int64'],
      s: [4, 'bytes'],
      ints: [8, 'int64', 'repeated'],
      type: [20, 'int32'],
    }),
    NodeProto: message({
      input: [1, 'string', 'repeated'],
      output: [2, 'string', 'repeated'],
      name: [3, 'string'],
      opType: [4, 'string'],
      attribute: [5, 'AttributeProto', 'repeated'],
      domain: [7, 'string'],
    }),
    TensorProto: message({
      dims: [1, 'int64', 'repeated'],
      dataType: [2, 'int32'],
      name: [8, 'string'],
      rawData: [9, 'bytes'],
    }),
    Dimension: message({ dimValue: [1, 'int64'] }),
    TensorShapeProto: message({ dim: [1, 'Dimension', 'repeated'] }),
    TensorTypeProto: message({ elemType: [1, 'int32'], shape: [2, 'TensorShapeProto'] }),
    TypeProto: message({ tensorType: [1, 'TensorTypeProto'] }),
    ValueInfoProto: message({ name: [1, 'string'], type: [2, 'TypeProto'] }),
    GraphProto: message({
      node: [1, 'NodeProto', 'repeated'],
      name: [2, 'string'],
      initializer: [5, 'TensorProto', 'repeated'],
      input: [11, 'ValueInfoProto', 'repeated'],
      output: [12, 'ValueInfoProto', 'repeated'],
    }),
    OperatorSetIdProto: message({ domain: [1, 'string'], version: [2, 'int64'] }),
    ModelProto: message({
      irVersion: [1, 'int64'],
      producerName: [2, 'string'],
      graph: [7, 'GraphProto'],
      opsetImport: [8, 'OperatorSetIdProto', 'repeated'],
    }),
  },
}).lookupType('ModelProto');

function attributeProto([name, value]: [string, Attribute]): object {
  if (typeof value === 'number') return { name, type: ATTRIBUTE_TYPE.INT, i: value };
  if (typeof value === 'string') return { name, type: ATTRIBUTE_TYPE.STRING, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: ATTRIBUTE_TYPE.FLOAT, f: value.float };
  return { name, type: ATTRIBUTE_TYPE.INTS, ints: value };
}

function nodeProto({ op, inputs, outputs, attributes = {}, domain = '' }: OnnxNode): object {
  const attribute = Object.entries(attributes).map(attributeProto);
  return { opType: op, domain, name: outputs[0], input: inputs, output: outputs, attribute };
}

function tensorProto({ name, shape, data }: OnnxInitializer): object {
  if (data.length !== sizeOf(shape)) throw new Error(`Initializer ${name}: ${data.length} values for [${shape}].`);
  return {
    name,
    dims: shape,
    dataType: data instanceof Float32Array ? FLOAT : INT64,
    // Little-endian, as every machine that ONNX Runtime is built for.
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

function valueInfoProto([name, shape]: [string, Shape]): object {
  const dim = shape.map((dimValue) => ({ dimValue }));
  return { name, type: { tensorType: { elemType: FLOAT, shape: { dim } } } };
}

/** The bytes of a model, in a buffer of their own (so that it can be transferred to a thread). */
export function encodeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const domains = new Map([['', OPSET]]);
  for (const { domain } of model.nodes) if (domain) domains.set(domain, 1);
  const bytes = ModelProto.encode({
    irVersion: IR_VERSION,
    producerName: 'kernelfusion',
    opsetImport: [...domains].map(([domain, version]) => ({ domain, version })),
    graph: {
      name: 'graph',
      node: model.nodes.map(nodeProto),
      initializer: model.initializers.map(tensorProto),
      input: [...model.inputs].map(valueInfoProto),
      output: [...model.outputs].map(valueInfoProto),
    },
  }).finish();
  return new Uint8Array(bytes);
}
