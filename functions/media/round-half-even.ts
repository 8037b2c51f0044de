/** The nearest whole number, of two the even one: Python's round(), OpenCV's cvRound(). */
export function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  return value - down === 0.5 ? down + (down % 2) : Math.round(value);
}
