/**
 * What the helper signs to show that it is the one the panel was paired with, before the panel sends a pixel.
 *
 * The proof is HMAC-SHA256(helper key, text) in base64url. The helper key was handed over in the pairing and never travels
 * again: a program that sits on the helper's port gets to see tokens, but cannot make this. The port is part of the text, so
 * that such a program cannot let a helper on another port sign for it.
 */

/** The text that is signed. `nonce`: the panel's, as it is in `hello`; `port`: the one the panel connected to. */
export const proofText = (nonce: string, port: number): string => `kernelfusion helper on port ${port}: ${nonce}`;
