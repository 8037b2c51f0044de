import { access, constants, mkdir } from 'node:fs/promises';

/** Makes the state folder. Throws with a sentence for people where it cannot be written. */
export async function prepareState(state: string): Promise<void> {
  try {
    // Not recursive: where the parent cannot hold folders, as in /proc, Node would try for ever.
    await mkdir(state, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    // With the slash: a file is no folder.
    await access(`${state}/`, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`the state folder ${state} cannot be written (${code}); LAMBENT_STATE=<folder> chooses another`);
  }
}
