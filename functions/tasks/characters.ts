/** Places in a text counted in characters (code points), as Hugging Face's servers count them, from UTF-16 units. */
export function characterCounter(text: string): (unit: number) => number {
  if (!/[\ud800-\udfff]/.test(text)) return (unit) => unit;
  const places = new Uint32Array(text.length + 1);
  let characters = 0;
  let unit = 0;
  for (const character of text) {
    for (let i = 0; i < character.length; i++) places[unit++] = characters;
    characters++;
  }
  places[unit] = characters;
  return (at) => places[at]!;
}
