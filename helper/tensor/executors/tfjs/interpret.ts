/**
 * What each op of a graph is in TensorFlow.js. Its convolutions know [N, H, W, C] alone on processors, ours are [N, C, H, W]:
 * they are transposed before and after.
 */
import type { Node } from '../../graph.ts';
import type { Tf, TfTensor } from './library.ts';

type Op = Exclude<Node, { op: 'input' | 'constant' }>;

const CHANNELS_LAST = [0, 2, 3, 1];
const CHANNELS_FIRST = [0, 3, 1, 2];
/** [O, I, k, k] to [k, k, I, O] and back. */
const WEIGHTS_LAST = [2, 3, 1, 0];
const WEIGHTS_FIRST = [3, 2, 0, 1];

/** The value of a node; tensors made on the way are left to the caller's `tidy`. */
export function computeNode(tf: Tf, node: Op, x: readonly TfTensor[]): TfTensor {
  const last = (t: TfTensor) => tf.transpose(t, CHANNELS_LAST);
  const first = (t: TfTensor) => tf.transpose(t, CHANNELS_FIRST);
  const weights = (t: TfTensor) => tf.transpose(t, WEIGHTS_LAST);
  switch (node.op) {
    case 'add':
    case 'sub':
    case 'mul':
    case 'div':
      return tf[node.op](x[0], x[1]);
    case 'relu':
    case 'sigmoid':
    case 'sqrt':
    case 'sin':
    case 'cos':
      return tf[node.op](x[0]);
    case 'reluGrad':
      return tf.where(tf.greater(x[1], tf.scalar(0)), x[0], tf.zerosLike(x[0]));
    case 'matmul':
      return tf.matMul(x[0], x[1], node.transposeA, node.transposeB);
    case 'conv2d': {
      const y = tf.conv2d(last(x[0]), weights(x[1]), 1, 'same');
      return first(x[2] ? tf.add(y, x[2]) : y); // Channels are last: the bias broadcasts as it is.
    }
    case 'conv2dInputGrad': {
      const [n, channels, height, width] = node.shape;
      return first(tf.conv2dTranspose(last(x[0]), weights(x[1]), [n, height, width, channels], 1, 'same'));
    }
    case 'conv2dWeightGrad': {
      const [out, into, side] = node.shape;
      const attributes = {
        strides: 1,
        pad: 'same',
        dataFormat: 'NHWC',
        dimRoundingMode: null,
        filterShape: [side, side, into, out],
      };
      const inputs = { x: last(x[0]), dy: last(x[1]) };
      return tf.transpose(tf.engine().runKernel('Conv2DBackpropFilter', inputs, attributes), WEIGHTS_FIRST);
    }
    case 'averagePool':
      return first(tf.avgPool(last(x[0]), node.side, node.side, 'valid'));
    case 'enlarge': {
      const [n, c, height, width] = x[0].shape;
      const { side } = node;
      const blocks = tf.tile(tf.reshape(x[0], [n * c, height, 1, width, 1]), [1, 1, side, 1, side]);
      return tf.reshape(blocks, node.shape);
    }
    case 'reshape':
      return tf.reshape(x[0], node.shape);
    case 'transpose':
      return tf.transpose(x[0], node.permutation);
    case 'slice':
      return tf.slice(x[0], node.starts, node.shape);
    case 'pad':
      return tf.pad(
        x[0],
        node.starts.map((start, axis) => [start, node.shape[axis] - start - x[0].shape[axis]] as const),
      );
    case 'concat':
      return tf.concat(x, node.axis);
    case 'sum':
      return tf.sum(x[0], node.axes, true);
    case 'broadcast':
      return tf.broadcastTo(x[0], node.shape);
    default:
      return node satisfies never;
  }
}
