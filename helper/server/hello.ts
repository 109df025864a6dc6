/**
 * The first words of a paired connection: do both sides speak the same version, and is this the helper the panel was paired
 * with? The panel sends no pixel before it has checked the answer.
 */
import { createHmac } from 'node:crypto';
import { KernelFusionError } from '../../shared/errors.ts';
import { PROTOCOL_VERSION } from '../../shared/protocol/limits.ts';
import type { Hello, HelperMessage } from '../../shared/protocol/messages.ts';
import { proofText } from '../../shared/protocol/proof.ts';
import { ownVersion } from '../versions.ts';

/** Who is at the other end, as the gate found out before it opened the socket. */
export interface Peer {
  /** Origin of the panel: whose jobs it may see. */
  readonly origin: string;
  /** The port it connected to. */
  readonly port: number;
  /** The secret of its pairing that only the helper and this panel know (shared/protocol/proof.ts). */
  readonly helperKey: Uint8Array;
}

type Welcome = Extract<HelperMessage, { type: 'welcome' }>;

/** Throws `HELPER_OUTDATED` or `PANEL_OUTDATED`, saying what to update. */
export function answerHello({ protocol, nonce }: Hello, { port, helperKey }: Peer): Welcome {
  if (protocol > PROTOCOL_VERSION) {
    throw new KernelFusionError('HELPER_OUTDATED', 'The panel is newer than the helper: please update the helper.');
  }
  if (protocol < PROTOCOL_VERSION) {
    throw new KernelFusionError(
      'PANEL_OUTDATED',
      'The helper is newer than the panel: please update the browser extension.',
    );
  }
  const proof = createHmac('sha256', helperKey).update(proofText(nonce, port)).digest('base64url');
  return { type: 'welcome', protocol: PROTOCOL_VERSION, proof, helper: `kernelfusion ${ownVersion()}` };
}
