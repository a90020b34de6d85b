// Powers with a whole exponent, rounded once: the browsers' own differ from one another, and from Python's, in the last
// digit. Numbers are pairs here, a sum of a double and the rest that is too small for it (Dekker 1971).

const SPLITTER = 2 ** 27 + 1;
const upper = (a) => SPLITTER * a - (SPLITTER * a - a); // the upper half of its digits

function product([a, rest], [b, other]) {
  const p = a * b;
  const [c, d] = [upper(a), upper(b)];
  const lost = c * d - p + c * (b - d) + (a - c) * d + (a - c) * (b - d);
  const low = lost + (a * other + rest * b);
  return [p + low, low - (p + low - p)];
}

const known = new Map(); // of each base the last power that was asked for
export function power(base, t) {
  let last = known.get(base);
  if (last?.t !== t) {
    let [square, all] = [[base, 0], [1, 0]];
    for (let n = t; n > 0; n = Math.floor(n / 2)) {
      if (n % 2) all = product(all, square);
      square = product(square, square);
    }
    if (known.size > 16) known.clear();
    known.set(base, (last = { t, value: all[0] }));
  }
  return last.value;
}
