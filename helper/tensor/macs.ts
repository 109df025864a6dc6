/**
 * Multiply-adds of a graph: of its matrix products and convolutions, beside which the rest is nothing.
 */
import type { Graph, Node } from './graph.ts';
import { sizeOf } from './shape.ts';

export function macsOf({ nodes }: Graph): number {
  const ofNode = (node: Node): number => {
    const first = () => nodes[node.inputs[0]].shape;
    const second = () => nodes[node.inputs[1]].shape;
    switch (node.op) {
      case 'matmul':
        return sizeOf(node.shape) * first()[node.transposeA ? 0 : 1];
      // Each value of the result: one product for each weight of its output (or input) plane.
      case 'conv2d':
        return sizeOf(node.shape) * sizeOf(second().slice(1));
      case 'conv2dInputGrad':
        return (sizeOf(node.shape) * sizeOf(second())) / second()[1];
      // Each weight: one product for each place of each picture.
      case 'conv2dWeightGrad':
        return (sizeOf(node.shape) * sizeOf(first())) / first()[1];
      default:
        return 0;
    }
  };
  return nodes.reduce((sum, node) => sum + ofNode(node), 0);
}
