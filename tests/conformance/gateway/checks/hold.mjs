/**
 * A program of the operator that keeps the platform from committing: it says `held` when it does, until its input
 * ends.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Run `act` while nothing can be committed. */
export async function holding(command, act) {
  const program = spawn(command, { shell: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(program, 'exit');
  try {
    const said = await Promise.race([held(program), ended.then(() => false)]);
    if (!said) throw new Error(`--hold ended without saying "held": ${command}`);
    return await act();
  } finally {
    program.stdin.end();
    await ended;
  }
}

async function held(program) {
  for await (const line of createInterface({ input: program.stdout })) if (line.trim() === 'held') return true;
  return false;
}
