/**
 * Exact two-sided McNemar test: how likely it is that two models which err equally often differ at least as much as here.
 * `onlyFirst` and `onlySecond` count the examples that one of them alone has right.
 * Source: McNemar (1947); statsmodels, mcnemar with `exact=True`.
 */
export function mcnemar(onlyFirst: number, onlySecond: number): number {
  const total = onlyFirst + onlySecond;
  const fewer = Math.min(onlyFirst, onlySecond);
  // The largest term of the binomial sum, by its logarithm: of many examples it is too small for a product.
  let logarithm = -total * Math.LN2;
  for (let i = 1; i <= fewer; i++) logarithm += Math.log((total - fewer + i) / i);
  let [sum, term] = [1, 1];
  for (let i = fewer; i > 0 && term > 1e-20 * sum; i--) {
    term *= i / (total - i + 1);
    sum += term;
  }
  return Math.min(1, 2 * sum * Math.exp(logarithm));
}
