/**
 * Who our extension is to a browser. Chrome derives an id from the key in the manifest (the first 16 bytes of its SHA-256,
 * written with the letters a-p), so an extension with this key has this id wherever it is loaded from. Firefox makes up an
 * address for every installation: there is nothing to know in advance.
 *
 * The key is the public half of a pair whose other half was not kept: it names the extension, it signs nothing.
 */

/** `key` of the manifest: a public key (SubjectPublicKeyInfo) in base64. */
export const EXTENSION_KEY =
  'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAp37eRiyll7VU00t1zRsqYqZ8Vo+HN3NrQgfw7lfaaKnjfLB6jkcxckOHGE8XN7+bVtpf9BEV' +
  'HQhMvFqZB7McdXeCpWQ5yrO244A2mcrslURJ5aJ1Guazg4sgv54MbapzHJa1Epu/6939mT1bt8oCS5UAHkgPBIOAMeONsQFwZVIrMr/uWrDzSpL6RRY5' +
  'AjxmNSI02lwMmXnVzgAgif5NEBAF7qYCJ16nfI1zWUSTtMeR03f6yI8MXu7twopTZh+MyDLJ6MY1eZPUjzhe8yC5ae57r1Q4V2ztqEdZqxhSkBiAFp4o' +
  'K/jcDh6VZYaF9Lfp9Ol9z1ITP94FlPJVx3TWgQIDAQAB';

/** The id that belongs to the key. */
export const EXTENSION_ID = 'aaakmmpoeiighlhgnddhkkamkhljmpbd';

/** What Chrome's ids look like. */
export const CHROME_ID = /^[a-p]{32}$/;
