/**
 * The solvers' innermost loops, four floats at a time. This is AssemblyScript, which becomes loops.wasm; it is called through
 * kernelfusion/loops.ts only.
 *
 * An array is given by its address in bytes. Loops go on to the end of the last block of BLOCK values: what lies there is
 * read and written as well, so arrays have room for it.
 */

/** As many sums as there are registers for: each weight that is read serves them all. */
const BLOCK: i32 = 32;

/** y[i] = sum_t w_t x[i + place_t]. taps: pairs of a place in bytes (int32) and a weight (float32). */
export function filter(y: usize, x: usize, taps: usize, count: i32, length: i32): void {
  const end = taps + 8 * (count as usize);
  for (let i = 0; i < length; i += BLOCK, x += 4 * BLOCK, y += 4 * BLOCK) {
    let a = f32x4.splat(0);
    let b = f32x4.splat(0);
    let c = f32x4.splat(0);
    let d = f32x4.splat(0);
    let e = f32x4.splat(0);
    let f = f32x4.splat(0);
    let g = f32x4.splat(0);
    let h = f32x4.splat(0);
    for (let tap = taps; tap < end; tap += 8) {
      const from = x + load<u32>(tap);
      const w = v128.load_splat<f32>(tap, 4);
      a = f32x4.add(a, f32x4.mul(w, v128.load(from)));
      b = f32x4.add(b, f32x4.mul(w, v128.load(from, 16)));
      c = f32x4.add(c, f32x4.mul(w, v128.load(from, 32)));
      d = f32x4.add(d, f32x4.mul(w, v128.load(from, 48)));
      e = f32x4.add(e, f32x4.mul(w, v128.load(from, 64)));
      f = f32x4.add(f, f32x4.mul(w, v128.load(from, 80)));
      g = f32x4.add(g, f32x4.mul(w, v128.load(from, 96)));
      h = f32x4.add(h, f32x4.mul(w, v128.load(from, 112)));
    }
    v128.store(y, a);
    v128.store(y, b, 16);
    v128.store(y, c, 32);
    v128.store(y, d, 48);
    v128.store(y, e, 64);
    v128.store(y, f, 80);
    v128.store(y, g, 96);
    v128.store(y, h, 112);
  }
}

/**
 * A plane of width x height as its s x s phases: phase (a, b) has the pixels (s i + a, s j + b), in rows `pitch` apart; the phases
 * lie `step` apart.
 */
export function split(phases: usize, plane: usize, width: i32, height: i32, s: i32, pitch: i32, step: i32): void {
  for (let row = 0; row < height; row++) {
    for (let b = 0; b < s; b++) {
      let to = phases + 4 * (((row % s) * s + b) * step + (row / s) * pitch);
      for (let i = row * width + b; i < (row + 1) * width; i += s, to += 4) store<f32>(to, load<f32>(plane + 4 * i));
    }
  }
}

/** The plane of which these are the phases. */
export function join(plane: usize, phases: usize, width: i32, height: i32, s: i32, pitch: i32, step: i32): void {
  for (let row = 0; row < height; row++) {
    for (let b = 0; b < s; b++) {
      let from = phases + 4 * (((row % s) * s + b) * step + (row / s) * pitch);
      for (let i = row * width + b; i < (row + 1) * width; i += s, from += 4)
        store<f32>(plane + 4 * i, load<f32>(from));
    }
  }
}

/** out[i] += w[i - far] (x[i] - x[i - far]) - w[i] (x[i + far] - x[i]): D^T (w . D x), D x = x[i + far] - x[i]. */
export function rough(out: usize, x: usize, w: usize, far: i32, length: i32): void {
  const step = 4 * far;
  for (let i = 0; i < length; i += 4, out += 16, x += 16, w += 16) {
    const here = v128.load(x);
    const before = f32x4.mul(v128.load(w - step), f32x4.sub(here, v128.load(x - step)));
    const after = f32x4.mul(v128.load(w), f32x4.sub(v128.load(x + step), here));
    v128.store(out, f32x4.add(v128.load(out), f32x4.sub(before, after)));
  }
}

/** sum_i a[i] b[i], summed in double precision. */
export function dot(a: usize, b: usize, length: i32): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let i = 0; i < length; i += 4, a += 16, b += 16) {
    const product = f32x4.mul(v128.load(a), v128.load(b));
    low = f64x2.add(low, f64x2.promote_low_f32x4(product));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(product, product, 2, 3, 2, 3)));
  }
  return across(f64x2.add(low, high));
}

/** x += factor y. */
export function add(x: usize, y: usize, factor: f32, length: i32): void {
  const f = f32x4.splat(factor);
  for (let i = 0; i < length; i += 4, x += 16, y += 16) {
    v128.store(x, f32x4.add(v128.load(x), f32x4.mul(f, v128.load(y))));
  }
}

/** x = y + factor x. */
export function turn(x: usize, y: usize, factor: f32, length: i32): void {
  const f = f32x4.splat(factor);
  for (let i = 0; i < length; i += 4, x += 16, y += 16) {
    v128.store(x, f32x4.add(v128.load(y), f32x4.mul(f, v128.load(x))));
  }
}

/** z = x . y, place by place. */
export function multiply(z: usize, x: usize, y: usize, length: i32): void {
  for (let i = 0; i < length; i += 4, z += 16, x += 16, y += 16) {
    v128.store(z, f32x4.mul(v128.load(x), v128.load(y)));
  }
}

/** y = Q x in double precision, for `rows` rows of `columns` values each, a multiple of 8. */
export function product(y: usize, Q: usize, x: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++, y += 8) {
    let a = f64x2.splat(0);
    let b = f64x2.splat(0);
    let c = f64x2.splat(0);
    let d = f64x2.splat(0);
    let from = x;
    for (let j = 0; j < columns; j += 8, Q += 64, from += 64) {
      a = f64x2.add(a, f64x2.mul(v128.load(Q), v128.load(from)));
      b = f64x2.add(b, f64x2.mul(v128.load(Q, 16), v128.load(from, 16)));
      c = f64x2.add(c, f64x2.mul(v128.load(Q, 32), v128.load(from, 32)));
      d = f64x2.add(d, f64x2.mul(v128.load(Q, 48), v128.load(from, 48)));
    }
    store<f64>(y, across(f64x2.add(f64x2.add(a, b), f64x2.add(c, d))));
  }
}

function across(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}
