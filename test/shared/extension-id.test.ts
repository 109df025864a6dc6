import assert from 'node:assert/strict';
import { createHash, createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { CHROME_ID, EXTENSION_ID, EXTENSION_KEY } from '../../shared/extension-id.ts';

test("the id is the one Chrome derives from the manifest's key", () => {
  const der = Buffer.from(EXTENSION_KEY, 'base64');
  assert.equal(createPublicKey({ key: der, format: 'der', type: 'spki' }).asymmetricKeyType, 'rsa');
  const digits = createHash('sha256').update(der).digest('hex').slice(0, 32);
  const letters = [...digits].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 16)));
  assert.equal(letters.join(''), EXTENSION_ID);
  assert.match(EXTENSION_ID, CHROME_ID);
});
