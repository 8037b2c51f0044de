import * as z from 'zod';

const share = z.number().min(0).max(1);

const pictureSchema = z.strictObject({
  /** Mirrors every other copy. */
  flip: z.enum(['horizontal', 'vertical', 'both']).optional(),
  /** The least share of each side that a random cut keeps; what is cut out gets the old size. */
  crop: z.number().min(0.1).max(1).optional(),
  /** Most degrees to either side; corners are filled with the nearest pixels. */
  rotate: z.number().min(0).max(180).optional(),
  /** Most change of each, as a share; `hue` as a share of the circle. */
  colour: z
    .strictObject({
      brightness: share.default(0),
      contrast: share.default(0),
      saturation: share.default(0),
      hue: z.number().min(0).max(0.5).default(0),
    })
    .optional(),
  /** Most standard deviation of Gaussian noise, in levels of 0 to 255. */
  noise: z.number().min(0).max(128).optional(),
  /** Most share of the area that a rectangle of one colour covers. */
  erase: z.number().min(0).max(0.5).optional(),
});

const soundSchema = z.strictObject({
  /** Most decibels louder or softer. */
  gain: z.number().min(0).max(40).optional(),
  /** White noise of at least this many decibels below the sound. */
  noise: z.number().min(0).max(100).optional(),
  /** Most seconds earlier or later; the length stays. */
  shift: z.number().min(0).max(60).optional(),
  /** Most change of speed, as a share; pitch changes with it. */
  speed: z.number().min(0).max(0.5).optional(),
});

const textSchema = z.strictObject({
  /** Chance of a word to change places with the next. */
  swap: share.optional(),
  /** Chance of a word to be left out. */
  drop: share.optional(),
  /** Chance of a word that the table has to be replaced. */
  replace: share.default(0.5),
  /** Word in small letters → words that may stand for it. */
  synonyms: z.record(z.string(), z.array(z.string()).min(1)).optional(),
  /** The same as a JSON file of the data set. */
  synonymsFile: z.string().min(1).max(512).optional(),
});

/** Changed copies of the records of the split `train`. */
export const augmentSchema = z.strictObject({
  copies: z.int().min(1).max(20).default(1),
  picture: pictureSchema.optional(),
  sound: soundSchema.optional(),
  text: textSchema.optional(),
});

export type Augment = z.infer<typeof augmentSchema>;
export type PictureAugment = z.infer<typeof pictureSchema>;
export type SoundAugment = z.infer<typeof soundSchema>;
export type TextAugment = z.infer<typeof textSchema>;
