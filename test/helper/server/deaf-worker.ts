/** A worker that outlives SIGTERM: native code that installed a handler of its own would. It says when it is ready for it. */
process.on('SIGTERM', () => {});
process.on('message', () => {
  process.send?.({ kind: 'began', finished: [], discarded: false });
});
