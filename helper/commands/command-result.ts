/** What a command hands back: an object for scripts, the same in words for people, and how it ended. */
export interface CommandResult {
  readonly data: object;
  readonly text: string;
  readonly exitCode: number;
}
