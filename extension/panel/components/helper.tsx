/** What there is to do until the helper is connected: start it, pair with it, update it. Nothing once it is. */
import { useState } from 'preact/hooks';
import type { HelperState, PanelActions } from '../state.ts';
import { STRINGS } from '../strings.ts';
import { Command } from './command.tsx';
import { Notice } from './notice.tsx';

const { helper: TEXT } = STRINGS;

interface HelperProps {
  readonly helper: HelperState;
  readonly port: number;
  readonly actions: PanelActions;
}

export function HelperCard({ helper, port, actions }: HelperProps) {
  switch (helper.is) {
    case 'ready':
      return null;
    case 'connecting':
      return (
        <section class="card" aria-label={TEXT.heading}>
          <p class="soft">{TEXT.connecting}…</p>
        </section>
      );
    case 'absent':
      return (
        <section class="card" aria-labelledby="helper">
          <h2 id="helper">{TEXT.absent}</h2>
          <p>{TEXT.howToStart}</p>
          <Command text={TEXT.startCommand} />
          <p class="soft">{TEXT.whenStarted}</p>
          <Port port={port} actions={actions} />
        </section>
      );
    case 'unpaired':
      return (
        <section class="card" aria-labelledby="helper">
          <h2 id="helper">{TEXT.unpaired}</h2>
          <p>{TEXT.howToPair}</p>
          <Command text={TEXT.pairCommand} />
          <PairingForm isPairing={helper.isPairing} actions={actions} />
          {helper.failure && <Notice failure={helper.failure} />}
          <Port port={port} actions={actions} />
        </section>
      );
    case 'refused':
      return (
        <section class="card" aria-labelledby="helper">
          <h2 id="helper">{/_OUTDATED$/.test(helper.failure.code) ? TEXT.outdated : TEXT.refused}</h2>
          <Notice failure={helper.failure}>
            <button type="button" onClick={actions.reconnect}>
              {STRINGS.tryAgain}
            </button>
          </Notice>
          <Port port={port} actions={actions} />
        </section>
      );
    default:
      return helper satisfies never;
  }
}

function PairingForm({ isPairing, actions }: { readonly isPairing: boolean; readonly actions: PanelActions }) {
  const [code, setCode] = useState('');
  const digits = code.replace(/\D/g, '');
  const pair = (event: Event) => {
    event.preventDefault();
    if (digits.length === 6) actions.pair(digits);
  };
  return (
    <form class="pairing" onSubmit={pair}>
      <label>
        {TEXT.code}
        <input
          class="digits"
          inputMode="numeric"
          autoComplete="one-time-code"
          placeholder="000000"
          maxLength={7}
          value={code}
          onInput={({ currentTarget }) => setCode(currentTarget.value)}
        />
      </label>
      <button type="submit" class="main" disabled={isPairing || digits.length !== 6}>
        {isPairing ? TEXT.pairing : TEXT.pair}
      </button>
    </form>
  );
}

function Port({ port, actions }: { readonly port: number; readonly actions: PanelActions }) {
  const choose = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    const chosen = Number(currentTarget.value);
    if (Number.isInteger(chosen) && chosen > 0 && chosen < 65536) actions.setPort(chosen);
    else currentTarget.value = String(port);
  };
  return (
    <label class="port">
      {TEXT.port}
      <input inputMode="numeric" defaultValue={String(port)} onChange={choose} />
    </label>
  );
}
