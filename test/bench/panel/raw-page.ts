/** The raw pipeline, in the page's world: reads the editor's canvas in pieces of rows and gives each away when it is asked for. */
const ROWS = 512;

window.addEventListener('message', ({ data, ports }) => {
  if (data !== 'raw') return;
  const [port] = ports;
  const canvas = document.querySelector('canvas') as HTMLCanvasElement;
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  let row = 0;
  port.onmessage = () => {
    const { data } = context.getImageData(0, row, canvas.width, ROWS);
    row += ROWS;
    port.postMessage({ rows: data.buffer, last: row >= canvas.height }, [data.buffer]);
  };
});
