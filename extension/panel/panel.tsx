/**
 * The entry of the panel page.
 */
import { render } from 'preact';

render(<h1>KernelFusion</h1>, document.body);
