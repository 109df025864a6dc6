/** Where a worker process begins: does one job by the method of its preset, and ends. */
import { runJob } from '../job.ts';
import { serveOneJob } from './worker.ts';

serveOneJob(runJob);
