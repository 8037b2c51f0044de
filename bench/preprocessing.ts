import { eventLoop } from './preprocessing/event-loop.ts';
import { pictures } from './preprocessing/pictures.ts';
import { sounds } from './preprocessing/sounds.ts';
import { texts } from './preprocessing/texts.ts';
import { loadTransformersJs } from './preprocessing/transformers-js.ts';
import type { Section } from './report.ts';

/** From files and texts to tensors, beside the libraries that do the same. Answers are compared before the clock starts. */
export async function preprocessing({ quick }: { quick: boolean }): Promise<Section> {
  const rounds = quick ? 5 : 25;
  const transformers = await loadTransformersJs();
  const picture = await pictures(rounds, transformers);
  const sound = await sounds(rounds, transformers);
  const text = await texts(rounds);
  const loop = await eventLoop(quick ? 2 : 10);
  return {
    title: 'Preprocessing',
    goals: [...picture.goals, ...sound.goals, ...loop.goals],
    text: `${rounds} rounds, all in turn; medians with (lowest–highest round).

### Pictures

${picture.text}

### Sounds

${sound.text}

### Texts

${text.text}

### The event loop

${loop.text}`,
  };
}
