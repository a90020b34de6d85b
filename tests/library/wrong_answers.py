"""Wrong answers as students write them, each with the mistakes that it has to be told, by exercise."""

import math
from typing import Any

import numpy as np


def softmax(z, axis=1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def onehot(z, y):
    return np.eye(z.shape[1])[y]


def torch_like(step):
    """A class whose step has the three averages at hand: step(self, lr, theta, g)."""

    class Mine:
        def __init__(self, alpha, eps, momentum, centered):
            self.alpha, self.eps, self.momentum, self.centered = alpha, eps, momentum, centered
            self.v = self.mean = self.buf = 0.0
            self.first = None

    Mine.step = step
    return Mine


def torch_1(self, lr, theta, g):  # sum instead of average
    self.v = self.v + g**2
    avg = self.v
    if self.centered:
        self.mean = self.alpha * self.mean + (1 - self.alpha) * g
        avg = self.v - self.mean**2
    d = g / (np.sqrt(abs(avg)) + self.eps)
    if self.momentum:
        self.buf = self.momentum * self.buf + d
        d = self.buf
    return theta - lr * d


def torch_rule(avg=None, mean=None, var=None, den=None, buf=None, out=None):
    """The step with some lines written otherwise."""

    def step(self, lr, theta, g):
        a = self.alpha
        self.v = avg(self.v, g, a) if avg else a * self.v + (1 - a) * g * g
        self.mean = mean(self.mean, g, a) if mean else a * self.mean + (1 - a) * g
        under = self.v
        if self.centered:
            under = var(self.v, self.mean) if var else self.v - self.mean**2
        d = g / (den(under, self.eps) if den else np.sqrt(under) + self.eps)
        if self.momentum:
            d = self.buf = buf(self.buf, d, self.momentum) if buf else self.momentum * self.buf + d
        return out(theta, lr, d) if out else theta - lr * d

    return torch_like(step)


def tf_rule(v0=1.0, u0=0.0, avg=None, den=None, buf=None, out=None, keep=True):
    class Mine:
        def __init__(self, rho, gamma, eps):
            self.rho, self.gamma, self.eps = rho, gamma, eps
            self.v, self.u = v0, u0

        def step(self, theta, g, eta):
            old = self.v
            self.v = avg(self.v, g, self.rho) if avg else self.rho * self.v + (1 - self.rho) * g * g
            d = eta * g / (den(self.v, old, self.eps) if den else np.sqrt(self.v + self.eps))
            self.u = buf(self.u, d, self.gamma) if buf else self.gamma * self.u + d
            return out(theta, self.u) if out else theta - self.u

    return Mine


def decay_rule(g_in=None, avg=None, num=None, den=None, out=None):
    def step(g, theta, v, eta, rho, eps, coupled, decoupled):
        h = g_in(g, theta, coupled, decoupled) if g_in else g + coupled * theta
        v_new = avg(v, h, rho) if avg else rho * v + (1 - rho) * h * h
        d = (num(h, g) if num else h) / (den(v_new, v, eps) if den else np.sqrt(v_new) + eps)
        if out:
            return out(theta, d, eta, decoupled), v_new
        return theta - eta * d - eta * decoupled * theta, v_new

    return step


def shard_rule(mean=None, part=None, avg=None, den=None, out=None):
    def step(theta, v, g, m, eta, rho, eps):
        G = mean(g, m) if mean else g.mean(axis=0)
        n = len(theta)
        h = part(G, m, n) if part else G[m * n : (m + 1) * n]
        new = avg(v, h, rho) if avg else rho * v + (1 - rho) * h * h
        d = h / (den(new, v, eps) if den else np.sqrt(new) + eps)
        return (out(theta, eta, d) if out else theta - eta * d), new

    return step


def plateau(better=None, late=None, after=0, reset=0, keep=None, cut=None):
    def step(loss, best, waited, eta, factor, patience):
        if better(loss, best) if better else loss < best:
            best, waited = keep(loss, best) if keep else loss, (waited if reset is None else reset)
        else:
            waited += 1
        if late(waited, patience) if late else waited > patience:
            eta, waited = cut(eta, factor) if cut else eta * factor, (waited if after is None else after)
        return best, waited, eta

    return step


def rate(index, inside, what=None):
    def choose(rates, losses):
        k = int(index(losses))
        return (what(rates, losses, k) if what else rates[k]), inside(k, len(rates))

    return choose


def within(k, n):
    return 0 < k < n - 1


def deltas(slope=None, back=None, order=1):
    def all_of_them(W, h, dh):
        N = len(h) - 1
        out = np.zeros((N, W.shape[0]))
        carry = dh
        for n in range(N - 1, -1, -1):
            s = slope(h, n) if slope else 1 - h[n + 1] ** 2
            out[n] = s * carry
            carry = back(W, out[n], carry) if back else W.T @ out[n]
        return out[::order]

    return all_of_them


def clip(norm, c, scale=None):
    pass


def steps(K, rho, start=2, level=4.0, new=1.0, strict=False, first=0, swap=False):
    v, n = float(K) ** start, first
    r = 1 - rho if swap else rho
    while (v >= level if strict else v > level) and n < 10000:
        v = r * v + (1 - r) * new
        n += 1
    return float(n)


def reach(rho, T, first=1, f=lambda s: 1 / np.sqrt(s)):
    return sum(f(1 - rho**t) for t in range(first, int(T) + 1))


def neighbours(x, p, emin, round_=np.floor, gap_=None, chance=None, least=None):
    e = np.floor(np.log2(np.abs(x)))
    if least is None:
        e = np.maximum(e, emin)
    gap = gap_(e, p) if gap_ else 2.0 ** (e - p + 1)
    lower = round_(x / gap) * gap
    return lower, (chance(x, lower, gap) if chance else (x - lower) / gap)


def kahan(y_=None, new_=None, c_=None):
    def step(theta, c, s):
        y = y_(s, c) if y_ else -s - c
        new = new_(theta, y) if new_ else theta + y
        return new, (c_(new, theta, y, s, c) if c_ else (new - theta) - y)

    return step


def room(n, k, w, M, whole=2, divided=None, way=math.ceil):
    left = M - whole * w * n
    return way((k if divided is None else divided) * w * n / left) if left > 0 else math.inf


def fsdp(n, k, w, M, way=math.ceil, arrays=2):
    return way((arrays + k) * w * n / M)


def bound(T, eta, eps, Gamma, L, gap, N, out=None, dist=None, price=None, log=None):
    o = out or 2 * (Gamma * np.sqrt(T) + eps) / T
    d = gap / eta if dist is None else dist
    p = N * (Gamma + eta * L / 2) if price is None else price
    g = np.log(1 + T * Gamma**2 / eps**2) if log is None else log
    return float(o * (d + p * g))


def speed(delta, rho, x=None, root=np.sqrt, inf=True, w=None):
    left = 1 - rho * np.exp(2 * delta) if x is None else x
    if left <= 0:
        return float("inf") if inf else delta * root((1 - rho) / abs(left))
    return float(delta * root(((1 - rho) if w is None else w) / left))


def lazy(avg=None, den=None, out=None, rows_t=None, rows_v=None):
    def step(theta, g, v, seen, eta, rho, eps):
        new = avg(v, g, rho) if avg else rho * v + (1 - rho) * g * g
        d = g / (den(new, v, eps) if den else np.sqrt(new) + eps)
        t = out(theta, eta, d) if out else theta - eta * d
        s = np.asarray(seen)[:, None]
        return (rows_t or np.where)(s, t, theta), (rows_v or np.where)(s, new, v)

    return step


def lazy_by_elements(theta, g, v, seen, eta, rho, eps):
    new = rho * v + (1 - rho) * g**2
    hit = g != 0
    return np.where(hit, theta - eta * g / (np.sqrt(new) + eps), theta), np.where(hit, new, v)


def dqn(n_=None, mu_=None, d_=None, old=False):
    def step(g, n, mu):
        N = n_(n, g) if n_ else 0.95 * n + 0.05 * g**2
        M = mu_(mu, g) if mu_ else 0.95 * mu + 0.05 * g
        a, b = (n, mu) if old else (N, M)
        return (d_(g, a, b) if d_ else g / np.sqrt(a - b**2 + 0.01)), N, M

    return step


def run_back(reward, discount, R):
    for r in reversed(list(reward)):
        R = r + discount * R
    return R


def of_average(a, b, w=None):
    return ((1 - b) ** 2 if w is None else w) * (1 + a * b) / ((1 - b**2) * (1 - a * b))


def two_forms(etas, gamma):
    """How far both have gone at the last rate."""
    u = b = inside = outside = 0.0
    for eta in etas:
        u = gamma * u + eta
        b = gamma * b + 1
        inside += u
        outside += eta * b
    return inside, outside


def gd(eig=np.linalg.eigvalsh, rate=None, factor=None):
    def best(H):
        low, high = min(w := eig(H)), max(w)
        return (
            rate(low, high) if rate else 2 / (low + high),
            factor(low, high) if factor else (high - low) / (high + low),
        )

    return best


def logistic(of_batch=None, p_=None, push=None, mean=None):
    def gradient(theta, X, y, batch):
        total = np.zeros(len(theta))
        batch = of_batch(batch, len(y)) if of_batch else batch
        for i in batch:
            z = y[i] * (X[i] @ theta)
            p = p_(z) if p_ else 1 / (1 + np.exp(z))
            total += push(p, y[i], X[i]) if push else -p * y[i] * X[i]
        return total / (mean(batch, y) if mean else len(batch))

    return gradient


def cover(begin=True, first=1, root=np.sqrt, size=abs):
    def eta(D, T, g, G):
        t = np.arange(first, T + first)
        return D / np.sum(size(g) / root((G if begin else 0) + t * g**2))

    return eta


def bounds(adaptive, common):
    def both(g, D):
        G = (g**2).sum(axis=0)
        return adaptive(g, G, D), common(g, G, D)

    return both


def hedged(g, G, D):
    return np.sqrt(2) * D * np.sqrt(G).sum()


def fixed(g, G, D):
    return D * np.sqrt(g.shape[1] * G.sum())


def coast(put=None, out=None, last=False):
    def extra(rates, directions, gamma):
        u = b = total = 0.0
        for eta, r in zip(rates, directions, strict=True):
            u = put(u, eta * r, gamma) if put else gamma * u + eta * r
            b = put(b, r, gamma) if put else gamma * b + r
            step = out(u, eta * b) if out else u - eta * b
            total = step if last else total + step
        return total

    return extra


def cycle(b=None, inside=None, sign=1, divisor=None, before=-1):
    def gamma(rho):
        B = b(rho) if b else 1 + 3 * rho
        D = inside(B, rho) if inside else B**2 + 4 * rho
        return (before * B + sign * np.sqrt(D)) / (divisor(rho) if divisor else 2 * rho)

    return gamma


def way_by_two_roots(D, T, g, G):
    ts = np.arange(1, T + 1)
    steps = abs(g) / (np.sqrt(G) + np.sqrt(ts) * abs(g))
    return D * steps.sum()


def way_of_one_step_too_few(D, T, g, G):
    total = 0.0
    for t in range(1, T):
        total = total + g / np.sqrt(G + t * g**2)
    return np.divide(D, total)


def bounds_of_the_squared_sum(g, D):
    G = g.sum(axis=0) ** 2
    return np.sqrt(2) * D * np.sqrt(np.sum(G)), D * np.sqrt(g.shape[1] * np.sum(G))


def with_the_old_buffer_outside(rates, directions, gamma):
    inside, outside, u, b = 0.0, 0.0, 0.0, 0.0
    for eta, r in zip(rates, directions, strict=True):
        u = gamma * u + eta * r
        inside = inside + u
        outside = outside + eta * b
        b = gamma * b + r
    return inside - outside


def dampened_outside_and_averaged(rates, directions, gamma):
    u, b, extra = 0.0, 0.0, []
    for eta, r in zip(rates, directions, strict=True):
        u = gamma * u + eta * r
        b = gamma * b + (1 - gamma) * r
        extra.append(u - eta * b)
    return np.mean(extra)


def with_the_maximum_first(g, m, v, v_max, t, beta1, beta2, eps):
    v_max = np.maximum(v, v_max)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    d = (m / (1 - beta1**t)) / (np.sqrt(v_max / (1 - beta2**t)) + eps)
    return d, m, v, v_max


class TorchFromOne:
    def __init__(self, alpha, eps, momentum, centered):
        self.alpha, self.eps, self.momentum, self.centered = alpha, eps, momentum, centered
        self.v, self.mean, self.buf = 1.0, 0.0, 0.0

    def step(self, lr, theta, g):
        self.v = self.alpha * self.v + (1 - self.alpha) * g * g
        self.mean = self.alpha * self.mean + (1 - self.alpha) * g
        under = self.v - self.mean**2 if self.centered else self.v
        self.buf = self.momentum * self.buf + (1 - self.momentum) * g / (np.sqrt(under) + self.eps)
        return theta - lr * self.buf


def adamw(start=None, begun=(0.0, 0.0), root=lambda v, eps: np.sqrt(v) + eps, shrink=None, sign=-1):
    """AdamW whose averages begin with what ``start`` makes of the first gradient, or with these numbers."""

    class Mine:
        def __init__(self, lr, beta1, beta2, eps, decay):
            self.lr, self.b1, self.b2, self.eps, self.wd = lr, beta1, beta2, eps, decay
            self.m, self.v = begun
            self.t = 0

        def step(self, theta, g):
            if self.t == 0 and start:
                self.m, self.v = start(g)
            self.t += 1
            self.m = self.b1 * self.m + (1 - self.b1) * g
            self.v = self.b2 * self.v + (1 - self.b2) * g**2
            m, v = self.m / (1 - self.b1**self.t), self.v / (1 - self.b2**self.t)
            wd = shrink(self.lr, self.wd) if shrink else self.lr * self.wd
            return theta - wd * theta + sign * self.lr * m / root(v, self.eps)

    return Mine


def deltas_that_begin_with_dh(W, h, dh):
    N = len(h) - 1
    delta = [None] * N
    delta[-1] = dh
    for n in range(N - 2, -1, -1):
        delta[n] = (1 - h[n + 1] ** 2) * (W.T @ delta[n + 1])
    return np.array(delta)


def burst_with_swapped_weights(K, rho, j):
    v = (1 - rho) * 1 + rho * K**2
    for _ in range(j):
        v = rho * v + (1 - rho) * 1
    return K / math.sqrt(v)


def with_zero_for_the_diverged(losses):
    losses = np.where(np.isinf(losses), 0, losses)
    k = int(np.argmin(losses.mean(axis=1)))
    return k, losses[k].min()


def shard_with_mean_squares(theta, v, g, m, eta, rho, eps):
    n = len(theta)
    mine = g[:, m * n : (m + 1) * n]
    theta = theta - eta * mine.mean(axis=0) / (np.sqrt(v) + eps)
    return theta, rho * v + (1 - rho) * np.mean(mine**2, axis=0)


def chance_from_trunc(x, p, emin):
    e = np.maximum(np.frexp(x)[1] - 1, emin)
    ulp = 2.0 ** (e - p + 1)
    low = np.trunc(x / ulp) * ulp
    return low, (x - low) / ulp


def distance_with_frexp_s_exponent(x, p, emin):
    e = np.maximum(np.frexp(x)[1], emin)
    gap = 2.0 ** (e - p + 1)
    low = np.floor(x / gap) * gap
    return low, x - low


def steps_from_one(K, rho):
    v, n = K, 1
    while v**0.5 > 2:
        v = rho * v + 1 - rho
        n += 1
    return n


Q = lambda z, y, s: (1 - s) * onehot(z, y) + s / z.shape[1]  # noqa: E731

ANSWERS: dict[str, list[tuple[tuple[str, ...], Any]]] = {
    "ema-weights": [
        (("factor 1 − ρ missing",), lambda rho, t: [rho ** (t - s) for s in range(1, t + 1)]),
        (("decayed once too often",), lambda rho, t: [(1 - rho) * rho ** (t - s) for s in range(t)]),
        (("newest first",), lambda rho, t: (1 - rho) * rho ** np.arange(t)),
        (("no decay",), lambda rho, t: np.full(t, 1 - rho)),
        (("weighted with ρ",), lambda rho, t: [rho * rho ** (t - s) for s in range(1, t + 1)]),
        (("factor 1 − ρ missing", "newest first"), lambda rho, t: rho ** np.arange(t)),
        (("ρ and 1 − ρ swapped", "newest first"), lambda rho, t: rho * (1 - rho) ** np.arange(t)),
        (("power s",), lambda rho, t: (1 - rho) * rho ** np.arange(1, t + 1)),
    ],
    "epoch-loss": [
        (("every minibatch counts the same",), lambda losses, sizes: sum(losses) / len(losses)),
        (("sum instead of mean",), lambda losses, sizes: float(losses @ sizes)),
        (("divided by the number of minibatches",), lambda losses, sizes: losses @ sizes / len(sizes)),
        (("last minibatch alone",), lambda losses, sizes: losses[-1]),
        (("first minibatch left out",), lambda losses, sizes: losses[1:] @ sizes[1:] / sizes[1:].sum()),
        (
            ("last minibatch left out", "every minibatch counts the same"),
            lambda losses, sizes: np.mean(losses[:-1]),
        ),
        (
            ("last minibatch left out", "sum instead of mean"),
            lambda losses, sizes: sum(a * b for a, b in zip(losses[:-1], sizes[:-1], strict=True)),
        ),
        (
            ("last minibatch left out", "divided by the number of minibatches"),
            lambda losses, sizes: losses[:-1] @ sizes[:-1] / len(sizes[:-1]),
        ),
    ],
    "softmax-smoothing": [
        (("sum over the minibatch",), lambda z, y, s: softmax(z) - Q(z, y, s)),
        (("softmax over the images",), lambda z, y, s: (softmax(z, 0) - Q(z, y, s)) / len(z)),
        (("labels not smoothed",), lambda z, y, s: (softmax(z) - onehot(z, y)) / len(z)),
        (("uphill",), lambda z, y, s: (Q(z, y, s) - softmax(z)) / len(z)),
        (("s and 1 − s exchanged",), lambda z, y, s: (softmax(z) - s * onehot(z, y) - (1 - s) / z.shape[1]) / len(z)),
        (
            ("sum over the minibatch", "labels not smoothed"),
            lambda z, y, s: softmax(z) - onehot(z, y),
        ),
        (
            ("uphill", "mean over classes too"),
            lambda z, y, s: (Q(z, y, s) - softmax(z)) / z.size,
        ),
        (
            ("label's own share left whole", "sum over the minibatch"),
            lambda z, y, s: softmax(z) - onehot(z, y) - s / z.shape[1],
        ),
    ],
    "best-rate": [
        (("NaN chosen",), rate(np.argmin, within)),
        (("lower edge forgotten",), rate(np.nanargmin, lambda k, n: k < n - 1)),
        (("always inside",), rate(np.nanargmin, lambda k, n: True)),
        (("upper edge forgotten",), rate(np.nanargmin, lambda k, n: 0 < k < n)),
        (("at the edge instead of inside",), rate(np.nanargmin, lambda k, n: k in (0, n - 1))),
        (("NaN chosen", "lower edge forgotten"), rate(np.argmin, lambda k, n: k < n - 1)),
        (
            ("loss instead of rate", "at the edge instead of inside"),
            rate(np.nanargmin, lambda k, n: k == 0 or k == n - 1, lambda r, x, k: x[k]),
        ),
        (
            ("index instead of rate", "upper edge forgotten"),
            rate(np.nanargmin, lambda k, n: k > 0, lambda r, x, k: k),
        ),
    ],
    "torch-rmsprop": [
        (("ε inside the root",), torch_rule(den=lambda v, eps: np.sqrt(v + eps))),
        (("mean not squared",), torch_rule(var=lambda v, m: v - m)),
        (("divided by v, not by its root",), torch_rule(den=lambda v, eps: v + eps)),
        (("momentum as an average",), torch_rule(buf=lambda b, d, m: m * b + (1 - m) * d)),
        (
            ("shares swapped",),
            torch_rule(avg=lambda v, g, a: (1 - a) * v + a * g * g, mean=lambda v, g, a: (1 - a) * v + a * g),
        ),
        (
            ("ε inside the root", "momentum as an average"),
            torch_rule(den=lambda v, eps: np.sqrt(v + eps), buf=lambda b, d, m: m * b + (1 - m) * d),
        ),
        (("not centered", "up instead of down"), torch_rule(var=lambda v, m: v, out=lambda t, lr, d: t + lr * d)),
        (
            ("no momentum", "new square not weighted"),
            torch_rule(buf=lambda b, d, m: d, avg=lambda v, g, a: a * v + g * g),
        ),
        (("v begun at 1", "momentum as an average"), TorchFromOne),
    ],
    "adamw-class": [
        (("averages begun with the first gradient",), adamw(lambda g: (g.copy(), g * g))),
        (("m begun with the first gradient",), adamw(lambda g: (g, np.zeros_like(g)))),
        (("v begun with the first square",), adamw(lambda g: (np.zeros_like(g), g**2))),
        (("averages begun at 1",), adamw(begun=(1.0, 1.0))),
        (("m begun at 1",), adamw(lambda g: (np.ones_like(g), 0 * g))),
        (("v begun at 1",), adamw(begun=(0.0, 1.0))),
        (
            ("averages begun with the first gradient", "ε inside the root"),
            adamw(lambda g: (g, g * g), root=lambda v, eps: np.sqrt(v + eps)),
        ),
        (
            ("m begun with the first gradient", "decay without the rate"),
            adamw(lambda g: (g, 0.0), shrink=lambda lr, wd: wd),
        ),
        (("v begun with the first square", "up instead of down"), adamw(lambda g: (0.0, g * g), sign=1)),
        (("v begun at 1", "decay forgotten"), adamw(begun=(0.0, 1.0), shrink=lambda lr, wd: 0.0)),
    ],
    "bptt-deltas": [
        (("W not transposed",), deltas(back=lambda W, d, c: W @ d)),
        (("derivative at the state before",), deltas(slope=lambda h, n: 1 - h[n] ** 2)),
        (("derivative of tanh left out",), deltas(slope=lambda h, n: 1)),
        (("derivative squared",), deltas(slope=lambda h, n: (1 - h[n + 1] ** 2) ** 2)),
        (("state instead of derivative",), deltas(slope=lambda h, n: h[n + 1])),
        (
            ("W not transposed", "derivative at the state before"),
            deltas(back=lambda W, d, c: W @ d, slope=lambda h, n: 1 - h[n] ** 2),
        ),
        (("1 − h instead of 1 − h²", "last position first"), deltas(slope=lambda h, n: 1 - h[n + 1], order=-1)),
        (
            ("derivative not passed on", "W not transposed"),
            deltas(back=lambda W, d, c: W @ c),
        ),
        (("no derivative at the last position",), deltas_that_begin_with_dh),
    ],
    "cell-path": [
        (("last position first",), lambda f: np.concatenate([np.ones((1, f.shape[1])), np.cumprod(f[::-1], axis=0)])),
        (
            ("own gate included",),
            lambda f: np.array([np.prod(f[max(k - 1, 0) :], axis=0) for k in range(len(f) + 1)]),
        ),
        (("sum instead of product",), lambda f: np.array([f[k:].sum(axis=0) for k in range(len(f))] + [f[0] * 0 + 1])),
        (("from the wrong end",), lambda f: np.array([np.prod(f[:k], axis=0) for k in range(len(f) + 1)])),
        (("zero at the end",), lambda f: np.array([np.prod(f[k:], axis=0) for k in range(len(f))] + [f[0] * 0])),
        (
            ("from the wrong end", "last position first"),
            lambda f: np.array([np.prod(f[:k], axis=0) for k in range(len(f) + 1)])[::-1],
        ),
        (
            ("sum instead of product", "last position first"),
            lambda f: np.array([f[k:].sum(axis=0) for k in range(len(f))] + [f[0] * 0 + 1])[::-1],
        ),
        (
            ("1 − f instead of f", "from the wrong end"),
            lambda f: np.array([np.prod(1 - f[:k], axis=0) for k in range(len(f) + 1)]),
        ),
        (("no row for τ = N", "last position first"), lambda f: np.cumprod(f[::-1], axis=0)),
    ],
    "burst-direction": [
        (("K² instead of K² − 1",), lambda K, rho, j: 1 / np.sqrt(1 + (1 - rho) * K**2 * rho**j)),
        (("one decay too few",), lambda K, rho, j: 1 / np.sqrt(1 + (1 - rho) * (K**2 - 1) * rho ** (j - 1))),
        (("excess without the 1", "K² instead of K² − 1"), lambda K, rho, j: 1 / np.sqrt((1 - rho) * K**2 * rho**j)),
        (("quotient upside down",), lambda K, rho, j: np.sqrt(1 + (1 - rho) * (K**2 - 1) * rho**j)),
        (("weight ρ, not 1 − ρ",), lambda K, rho, j: 1 / np.sqrt(1 + rho * (K**2 - 1) * rho**j)),
        (
            ("K² instead of K² − 1", "one decay too few"),
            lambda K, rho, j: 1 / np.sqrt(1 + (1 - rho) * K**2 * rho ** (j - 1)),
        ),
        (("root forgotten", "factor 1 − ρ missing"), lambda K, rho, j: 1 / (1 + (K**2 - 1) * rho**j)),
        (
            ("one decay too many", "K not squared"),
            lambda K, rho, j: 1 / np.sqrt(1 + (1 - rho) * (K - 1) * rho ** (j + 1)),
        ),
        (("weight ρ, not 1 − ρ", "K in the numerator"), burst_with_swapped_weights),
    ],
    "clip-norm": [
        (("clipped by value",), lambda g, c: np.maximum(np.minimum(g, c), -c)),
        (("sum of the absolute values",), lambda g, c: g * min(1, c / max(abs(g).sum(), 1e-300))),
        (("norm over c",), lambda g, c: g * (np.linalg.norm(g) / c) if np.linalg.norm(g) > c else g),
        (
            ("clipped when short",),
            lambda g, c: g * (c / max(np.linalg.norm(g), 1e-300)) if np.linalg.norm(g) < c else g,
        ),
        (("zeroed where too long",), lambda g, c: 0 * g if np.linalg.norm(g) > c else g),
        (
            ("c forgotten in the factor", "root of the norm forgotten"),
            lambda g, c: g / (g**2).sum() if (g**2).sum() > c else g,
        ),
        (
            ("root mean square", "c forgotten in the factor"),
            lambda g, c: g / np.sqrt((g**2).mean()) if np.sqrt((g**2).mean()) > c else g,
        ),
        (
            ("largest element", "c forgotten in the factor"),
            lambda g, c: g / abs(g).max() if abs(g).max() > c else g,
        ),
    ],
    "tracking-error": [
        (
            ("curvature missing in the lag",),
            lambda eta, lam, sigma, s: (s / eta, eta * sigma**2 / (lam * (2 - eta * lam))),
        ),
        (
            ("small rates only",),
            lambda eta, lam, sigma, s: (s / (eta * lam), eta * sigma**2 / (2 * lam)),
        ),
        (
            ("1 for 2 in the variance",),
            lambda eta, lam, sigma, s: (s / (eta * lam), eta * sigma**2 / (lam * (1 - eta * lam))),
        ),
        (
            ("lag upside down",),
            lambda eta, lam, sigma, s: (eta * lam / s, eta * sigma**2 / (lam * (2 - eta * lam))),
        ),
        (
            ("rate squared forgotten",),
            lambda eta, lam, sigma, s: (s / (eta * lam), sigma**2 / (lam * (2 - eta * lam))),
        ),
        (
            ("curvature missing in the lag", "small rates only"),
            lambda eta, lam, sigma, s: (s / eta, eta * sigma**2 / (2 * lam)),
        ),
        (
            ("with the sign of the error", "noise not squared"),
            lambda eta, lam, sigma, s: (-s / (eta * lam), eta * sigma / (lam * (2 - eta * lam))),
        ),
        (
            ("standard deviation", "curvature missing in the lag"),
            lambda eta, lam, sigma, s: (s / eta, np.sqrt(eta * sigma**2 / (lam * (2 - eta * lam)))),
        ),
    ],
    "tracking-rate": [
        (
            ("ηλ instead of η",),
            lambda lam, sigma, s: (q := lam * s / sigma) / 2 * (np.sqrt(q * q + 4) - q),
        ),
        (("for small rates only",), lambda lam, sigma, s: s / sigma + 0 * lam),
        (
            ("half forgotten",),
            lambda lam, sigma, s: (q := lam * s / sigma) * (np.sqrt(q * q + 4) - q) / lam,
        ),
        (
            ("4 outside the root",),
            lambda lam, sigma, s: (q := lam * s / sigma) / 2 * (np.sqrt(q * q) + 4 - q) / lam,
        ),
        (
            ("sign in front of the root",),
            lambda lam, sigma, s: (q := lam * s / sigma) / 2 * (np.sqrt(q * q + 4) + q) / lam,
        ),
        (
            ("q turned over", "ηλ instead of η"),
            lambda lam, sigma, s: (q := sigma / (lam * s)) / 2 * (np.sqrt(q * q + 4) - q),
        ),
        (
            ("curvature missing in q", "half forgotten"),
            lambda lam, sigma, s: (q := s / sigma) * (np.sqrt(q * q + 4) - q) / lam,
        ),
    ],
    "adaptation-steps": [
        (("v where its root belongs",), lambda K, rho: steps(K, rho, level=2.0)),
        (("new gradients left out",), lambda K, rho: math.ceil(math.log(4 / K**2) / math.log(rho))),
        (("rounded down",), lambda K, rho: math.floor(math.log(3 / (K**2 - 1)) / math.log(rho))),
        (("begins at K",), lambda K, rho: steps(K, rho, start=1)),
        (("one step too many",), lambda K, rho: steps(K, rho, first=1)),
        (
            ("new gradients left out", "v where its root belongs"),
            lambda K, rho: steps(K, rho, new=0.0, level=2.0),
        ),
        (("one step too many", "ρ and 1 − ρ swapped"), lambda K, rho: steps(K, rho, first=1, swap=True)),
        (("one step too many", "new gradients left out"), lambda K, rho: steps(K, rho, first=1, new=0.0)),
        (("begins at K", "one step too many"), steps_from_one),
    ],
    "tune-convert": [
        (("turned over",), lambda eta, rho, new, T: eta * reach(new, T) / reach(rho, T)),
        (("last step left out",), lambda eta, rho, new, T: eta * reach(rho, T - 1) / reach(new, T - 1)),
        (
            ("squares of the steps",),
            lambda eta, rho, new, T: eta * reach(rho, T, f=lambda s: 1 / s) / reach(new, T, f=lambda s: 1 / s),
        ),
        (("rate not used",), lambda eta, rho, new, T: reach(rho, T) / reach(new, T)),
        (("divided by the rate",), lambda eta, rho, new, T: reach(rho, T) / reach(new, T) / eta),
        (("turned over", "last step left out"), lambda eta, rho, new, T: eta * reach(new, T - 1) / reach(rho, T - 1)),
        (("first step left out", "turned over"), lambda eta, rho, new, T: eta * reach(new, T, 2) / reach(rho, T, 2)),
        (
            ("squares of the steps", "turned over"),
            lambda eta, rho, new, T: eta * reach(new, T, f=lambda s: 1 / s) / reach(rho, T, f=lambda s: 1 / s),
        ),
    ],
    "tune-plateau": [
        (("one evaluation too early",), plateau(late=lambda w, p: w >= p)),
        (("an equal loss counts as better",), plateau(better=lambda a, b: a <= b)),
        (("count not reset after a reduction",), plateau(after=None)),
        (("divided by the factor",), plateau(cut=lambda e, f: e / f)),
        (("count begins at 1 after a better loss",), plateau(reset=1)),
        (
            ("one evaluation too early", "an equal loss counts as better"),
            plateau(late=lambda w, p: w >= p, better=lambda a, b: a <= b),
        ),
        (
            ("one evaluation too early", "count not reset by a better loss"),
            plateau(late=lambda w, p: w >= p, reset=None),
        ),
        (("count not reset after a reduction", "best loss not kept"), plateau(after=None, keep=lambda a, b: b)),
    ],
    "choose-tuned": [
        (("median",), lambda losses: (np.argmin(m := np.median(losses, axis=1)), m.min())),
        (("largest",), lambda losses: (np.argmax(m := losses.mean(axis=1)), m.max())),
        (("axes exchanged",), lambda losses: (np.argmin(m := losses.mean(axis=0)), m.min())),
        (("sum instead of mean",), lambda losses: (np.argmin(m := losses.sum(axis=1)), m.min())),
        (("index counted from 1",), lambda losses: (np.argmin(m := losses.mean(axis=1)) + 1, m.min())),
        (("largest", "median"), lambda losses: (np.argmax(m := np.median(losses, axis=1)), m.max())),
        (("axes exchanged", "largest"), lambda losses: (np.argmax(m := losses.mean(axis=0)), m.max())),
        (("sum instead of mean", "axes exchanged"), lambda losses: (np.argmin(m := losses.sum(axis=0)), m.min())),
        (("diverged runs count as 0", "mean rate, best seed"), with_zero_for_the_diverged),
    ],
    "choose-shortfall": [
        (("arithmetic mean",), lambda losses: (losses / losses.min(axis=1, keepdims=True)).mean(axis=0)),
        (("best of the whole table",), lambda losses: np.exp(np.log(losses / losses.min()).mean(axis=0))),
        (
            ("against the worst",),
            lambda losses: np.exp(np.log(losses / losses.max(axis=1, keepdims=True)).mean(axis=0)),
        ),
        (("product without a root",), lambda losses: np.prod(losses / losses.min(axis=1, keepdims=True), axis=0)),
        (("not divided by the best",), lambda losses: np.exp(np.log(losses).mean(axis=0))),
        (("arithmetic mean", "best of the whole table"), lambda losses: (losses / losses.min()).mean(axis=0)),
        (("median", "against the first method"), lambda losses: np.median(losses / losses[:, :1], axis=0)),
        (
            ("against the worst", "arithmetic mean"),
            lambda losses: (losses / losses.max(axis=1, keepdims=True)).mean(axis=0),
        ),
    ],
    "choose-correlations": [
        (("covariance",), lambda gradients: np.linalg.cond(np.cov(gradients.T))),
        (("largest eigenvalue",), lambda gradients: np.linalg.eigvalsh(np.corrcoef(gradients.T)).max()),
        (("turned over",), lambda gradients: (w := np.linalg.eigvalsh(np.corrcoef(gradients.T)))[0] / w[-1]),
        (("smallest eigenvalue",), lambda gradients: np.linalg.eigvalsh(np.corrcoef(gradients.T)).min()),
        (("determinant",), lambda gradients: np.linalg.det(np.corrcoef(gradients.T))),
        (("covariance", "largest eigenvalue"), lambda gradients: np.linalg.eigvalsh(np.cov(gradients.T)).max()),
        (("covariance", "turned over"), lambda gradients: 1 / np.linalg.cond(np.cov(gradients.T))),
        (("covariance", "singular values of the data"), lambda gradients: np.sqrt(np.linalg.cond(np.cov(gradients.T)))),
    ],
    "port-checkpoint": [
        (("buffer copied",), lambda v, u, e, a, b: (v, u, np.sqrt(e))),
        (("ε copied",), lambda v, u, e, a, b: (v, u / b, e)),
        (("root of the accumulator",), lambda v, u, e, a, b: (np.sqrt(v), u / b, np.sqrt(e))),
        (("ε added to the accumulator",), lambda v, u, e, a, b: (v + e, u / b, np.sqrt(e))),
        (("sign of momentum_buffer",), lambda v, u, e, a, b: (v, -u / b, e**0.5)),
        (("buffer copied", "ε copied"), lambda v, u, e, a, b: (v, u, e)),
        (("multiplied by the rate", "ε squared"), lambda v, u, e, a, b: (v, u * b, e**2)),
        (("root of the accumulator", "divided by the old rate"), lambda v, u, e, a, b: (v**0.5, u / a, e**0.5)),
    ],
    "tf-rmsprop-class": [
        (("accumulator begins at 0",), tf_rule(v0=0.0)),
        (("ε outside the root",), tf_rule(den=lambda v, old, eps: np.sqrt(v) + eps)),
        (("momentum as an average",), tf_rule(buf=lambda u, d, m: m * u + (1 - m) * d)),
        (("new square not weighted",), tf_rule(avg=lambda v, g, r: r * v + g * g)),
        (("up instead of down",), tf_rule(out=lambda t, u: t + u)),
        (("accumulator begins at 0", "ε outside the root"), tf_rule(v0=0.0, den=lambda v, old, eps: np.sqrt(v) + eps)),
        (
            ("accumulator updated after its use", "momentum as an average"),
            tf_rule(den=lambda v, old, eps: np.sqrt(old + eps), buf=lambda u, d, m: m * u + (1 - m) * d),
        ),
        (
            ("divided by v, not by its root", "accumulator begins at 0"),
            tf_rule(v0=0.0, den=lambda v, old, eps: v + eps),
        ),
    ],
    "decay-both": [
        (("no coupled decay",), decay_rule(g_in=lambda g, t, c, d: g)),
        (("decoupled decay without the rate",), decay_rule(out=lambda t, d, eta, w: t - eta * d - w * t)),
        (("coupled decay away from zero",), decay_rule(g_in=lambda g, t, c, d: g - c * t)),
        (("new square not weighted",), decay_rule(avg=lambda v, h, r: r * v + h * h)),
        (
            ("decoupled decay with the rate twice",),
            decay_rule(out=lambda t, d, eta, w: t - eta * d - eta * eta * w * t),
        ),
        (
            ("no decoupled decay", "ε inside the root"),
            decay_rule(den=lambda n, v, e: np.sqrt(n + e), out=lambda t, d, eta, w: t - eta * d),
        ),
        (
            ("coupled decay in the average only", "decoupled decay without the rate"),
            decay_rule(num=lambda h, g: g, out=lambda t, d, eta, w: t - eta * d - w * t),
        ),
        (
            ("divided by v, not by its root", "no coupled decay"),
            decay_rule(g_in=lambda g, t, c, d: g, den=lambda n, v, e: n + e),
        ),
    ],
    "average-ends": [
        (("exact arithmetic",), lambda g, rho, p: g * g),
        (("rounded down",), lambda g, rho, p: 2.0 ** math.floor(math.log2((1 - rho) * g * g * 2**p))),
        (("not a power of two",), lambda g, rho, p: (1 - rho) * g * g * 2**p),
        (("a sum, not an average",), lambda g, rho, p: 2.0 ** math.ceil(math.log2(rho * g * g * 2**p))),
        (("times u, not divided",), lambda g, rho, p: 2.0 ** math.ceil(math.log2((1 - rho) * g * g / 2**p))),
        (("square forgotten", "rounded down"), lambda g, rho, p: 2.0 ** math.floor(math.log2((1 - rho) * g * 2**p))),
        (
            ("not a power of two", "u taken twice too large"),
            lambda g, rho, p: (1 - rho) * g * g / 2.0 ** (1 - p),
        ),
        (("a sum, not an average", "not a power of two"), lambda g, rho, p: g * g * 2.0**p),
    ],
    "stochastic-chance": [
        (
            ("towards zero",),
            lambda x, p, emin: neighbours(x, p, emin, np.trunc, chance=lambda x, low, g: abs(x - low) / g),
        ),
        (("gap twice too small",), lambda x, p, emin: neighbours(x, p, emin, gap_=lambda e, p: 2.0 ** (e - p))),
        (
            ("chance of going down",),
            lambda x, p, emin: neighbours(x, p, emin, chance=lambda x, low, g: 1 - (x - low) / g),
        ),
        (("no subnormal numbers",), lambda x, p, emin: neighbours(x, p, emin, least=0)),
        (
            ("distance not divided by the gap",),
            lambda x, p, emin: neighbours(x, p, emin, chance=lambda x, low, g: x - low),
        ),
        (
            ("no subnormal numbers", "gap twice too small"),
            lambda x, p, emin: neighbours(x, p, emin, least=0, gap_=lambda e, p: 2.0 ** (e - p)),
        ),
        (
            ("gap twice too large", "chance of going down"),
            lambda x, p, emin: neighbours(
                x, p, emin, gap_=lambda e, p: 2.0 ** (e - p + 2), chance=lambda x, low, g: 1 - (x - low) / g
            ),
        ),
        (
            ("the upper neighbour", "no subnormal numbers"),
            lambda x, p, emin: neighbours(
                x, p, emin, np.ceil, least=0, chance=lambda x, low, g: (x - np.floor(x / g) * g) / g
            ),
        ),
        (("towards zero, with its sign",), chance_from_trunc),
        (("exponent one too large", "distance not divided by the gap"), distance_with_frexp_s_exponent),
    ],
    "kahan-step": [
        (("never given back",), kahan(y_=lambda s, c: -s)),
        (("sign of c in the step",), kahan(y_=lambda s, c: -s + c)),
        (("brackets",), kahan(c_=lambda n, t, y, s, c: (n - y) - t)),
        (("sign of the new c",), kahan(c_=lambda n, t, y, s, c: y - (n - t))),
        (("c is what the weight did",), kahan(c_=lambda n, t, y, s, c: n - t)),
        (
            ("sign of c in the step", "compared with the step alone"),
            kahan(y_=lambda s, c: c - s, c_=lambda n, t, y, s, c: (n - t) + s),
        ),
        (
            ("up instead of down", "sign of the new c"),
            kahan(y_=lambda s, c: s - c, c_=lambda n, t, y, s, c: y - (n - t)),
        ),
        (("never given back", "c added up"), kahan(y_=lambda s, c: -s, c_=lambda n, t, y, s, c: c + ((n - t) - y))),
    ],
    "speed-bytes": [
        (("gradient left out",), lambda n, k, wt, wg, ws: 2 * n * (wt + k * ws)),
        (("gradient written",), lambda n, k, wt, wg, ws: 2 * n * (wt + wg + k * ws)),
        (("accumulators moved once",), lambda n, k, wt, wg, ws: n * (2 * wt + wg + k * ws)),
        (("one accumulator, always",), lambda n, k, wt, wg, ws: n * (2 * wt + wg + 2 * ws)),
        (("for one parameter",), lambda n, k, wt, wg, ws: 2 * wt + wg + 2 * k * ws),
        (("gradient written", "one accumulator, always"), lambda n, k, wt, wg, ws: 2 * n * (wt + wg + ws)),
        (("for one parameter", "gradient left out"), lambda n, k, wt, wg, ws: 2 * wt + 2 * k * ws),
    ],
    "speed-clip": [
        (("root forgotten",), lambda g, squares, c: g * min(1, c / sum(squares))),
        (("always scaled",), lambda g, squares, c: g * c / math.sqrt(sum(squares))),
        (("by the shard's own length",), lambda g, squares, c: g * min(1, c / max(np.linalg.norm(g), 1e-99))),
        (("norm over c",), lambda g, squares, c: g * max(1, np.sqrt(squares.sum()) / c)),
        (("not clipped",), lambda g, squares, c: 1.0 * g),
        (("always scaled", "root forgotten"), lambda g, squares, c: g * c / sum(squares)),
        (("squares averaged", "root forgotten"), lambda g, squares, c: g * min(1, c / squares.mean())),
        (("lengths added", "always scaled"), lambda g, squares, c: g * c / np.sqrt(squares).sum()),
    ],
    "speed-shard": [
        (("own gradient alone",), shard_rule(mean=lambda g, m: g[m])),
        (("gradients summed",), shard_rule(mean=lambda g, m: g.sum(axis=0))),
        (("every N-th element",), shard_rule(part=lambda G, m, n: G[m::n])),
        (("new square not weighted",), shard_rule(avg=lambda v, h, r: r * v + h**2)),
        (("the next machine's slice",), shard_rule(part=lambda G, m, n: np.roll(G, -n)[m * n : (m + 1) * n])),
        (
            ("gradients summed", "ε inside the root"),
            shard_rule(mean=lambda g, m: g.sum(axis=0), den=lambda n, v, e: np.sqrt(n + e)),
        ),
        (
            ("own gradient alone", "the first machine's slice"),
            shard_rule(mean=lambda g, m: g[m], part=lambda G, m, n: G[:n]),
        ),
        (
            ("v updated after its use", "gradients summed"),
            shard_rule(mean=lambda g, m: g.sum(axis=0), den=lambda n, v, e: np.sqrt(v) + e),
        ),
        (("squares averaged", "v updated after its use"), shard_with_mean_squares),
    ],
    "speed-fit": [
        (("rounded down",), lambda n, k, w, M: (room(n, k, w, M, way=math.floor), fsdp(n, k, w, M, math.floor))),
        (
            ("gradients divided too",),
            lambda n, k, w, M: (room(n, k, w, M, whole=1, divided=k + 1), fsdp(n, k, w, M)),
        ),
        (("one array beside the state in FSDP2",), lambda n, k, w, M: (room(n, k, w, M), fsdp(n, k, w, M, arrays=1))),
        (
            ("infinity forgotten where nothing is left",),
            lambda n, k, w, M: (math.ceil(k * w * n / abs(M - 2 * w * n or 1)), fsdp(n, k, w, M)),
        ),
        (("returned with_fsdp, with_zero",), lambda n, k, w, M: (fsdp(n, k, w, M), room(n, k, w, M))),
        (
            ("gradients divided too", "rounded down"),
            lambda n, k, w, M: (room(n, k, w, M, 1, k + 1, math.floor), fsdp(n, k, w, M, math.floor)),
        ),
        (
            ("one array beside the state in FSDP2", "words, not bytes"),
            lambda n, k, w, M: (room(n, k, 1, M), fsdp(n, k, 1, M, arrays=1)),
        ),
        (
            ("not rounded", "gradients divided too"),
            lambda n, k, w, M: (room(n, k, w, M, 1, k + 1, float), fsdp(n, k, w, M, float)),
        ),
    ],
    "edge-limit": [
        (("without momentum",), lambda eta, beta1: 2 / eta + 0 * beta1),
        (("upside down",), lambda eta, beta1: 2 * (1 - beta1) / ((1 + beta1) * eta)),
        (("the heavy ball's",), lambda eta, beta1: 2 * (1 + beta1) / eta),
        (("2 twice",), lambda eta, beta1: 4 * (1 + beta1) / ((1 - beta1) * eta)),
        (("rate forgotten",), lambda eta, beta1: 2 * (1 + beta1) / (1 - beta1) + 0 * eta),
        (("1 for 2", "the heavy ball's"), lambda eta, beta1: (1 + beta1) / eta),
        (("upside down", "1 for 2"), lambda eta, beta1: (1 - beta1) / (1 + beta1) / eta),
        (("times the rate", "the heavy ball's"), lambda eta, beta1: 2 * (1 + beta1) * eta),
    ],
    "edge-preconditioned": [
        (("root forgotten",), lambda H, v: np.linalg.eigvals(H / v[:, None]).real.max()),
        (("smallest",), lambda H, v: np.linalg.eigvals(H / np.sqrt(v)[:, None]).real.min()),
        (("trace",), lambda H, v: np.trace(H / np.sqrt(v)[:, None])),
        (("largest singular value",), lambda H, v: np.linalg.norm(H / np.sqrt(v)[:, None], 2)),
        (("condition number",), lambda H, v: (w := np.linalg.eigvals(H / np.sqrt(v)[:, None]).real).max() / w.min()),
        (("root forgotten", "smallest"), lambda H, v: np.linalg.eigvals(H / v[:, None]).real.min()),
        (("multiplied", "trace"), lambda H, v: np.trace(H * np.sqrt(v)[:, None])),
        (("root forgotten", "trace"), lambda H, v: np.sum(np.diag(H) / v)),
    ],
    "gu-adagrad-bound": [
        (("ε not squared",), lambda *a: bound(*a, log=np.log(1 + a[0] * a[3] ** 2 / a[2]))),
        (("rate forgotten in the distance",), lambda *a: bound(*a, dist=a[5])),
        (("no curvature",), lambda *a: bound(*a, price=a[6] * a[3])),
        (("Γ not squared",), lambda *a: bound(*a, log=np.log(1 + a[0] * a[3] / a[2] ** 2))),
        (("1 in the logarithm forgotten",), lambda *a: bound(*a, log=np.log(a[0] * a[3] ** 2 / a[2] ** 2))),
        (
            ("half of the descent forgotten", "one coordinate"),
            lambda *a: bound(*a, out=(a[3] * np.sqrt(a[0]) + a[2]) / a[0], price=a[3] + a[1] * a[4] / 2),
        ),
        (
            ("curvature not halved", "ε not squared"),
            lambda *a: bound(*a, price=a[6] * (a[3] + a[1] * a[4]), log=np.log(1 + a[0] * a[3] ** 2 / a[2])),
        ),
        (
            ("sum, not mean", "rate forgotten in the distance"),
            lambda *a: bound(*a, out=2 * (a[3] * np.sqrt(a[0]) + a[2]), dist=a[5]),
        ),
    ],
    "gu-rate-for-speed": [
        (("gradient not squared",), lambda delta, rho: speed(delta, rho, x=1 - rho * np.exp(delta))),
        (("growing gradients",), lambda delta, rho: speed(delta, rho, x=1 - rho * np.exp(-2 * delta))),
        (("root forgotten",), lambda delta, rho: speed(delta, rho, root=lambda x: x)),
        (("factor 1 − ρ missing",), lambda delta, rho: speed(delta, rho, w=1.0)),
        (("δ⁴, not δ²",), lambda delta, rho: speed(delta, rho, x=1 - rho * np.exp(4 * delta))),
        (
            ("gradient not squared", "root forgotten"),
            lambda delta, rho: speed(delta, rho, x=1 - rho * np.exp(delta), root=lambda x: x),
        ),
        (
            ("factor 1 − ρ missing", "root forgotten"),
            lambda delta, rho: speed(delta, rho, w=1.0, root=lambda x: x),
        ),
        (
            ("factor 1 − ρ missing", "gradient not squared"),
            lambda delta, rho: speed(delta, rho, w=1.0, x=1 - rho * np.exp(delta)),
        ),
    ],
    "words-drift": [
        (("uphill",), lambda d, eta, b1, b2: eta * d * (q := b1 / np.sqrt(b2)) / (1 - q)),
        (("last step counted",), lambda d, eta, b1, b2: -eta * d / (1 - b1 / np.sqrt(b2))),
        (("square not rooted",), lambda d, eta, b1, b2: -eta * d * (b1 / b2) / (1 - b1 / b2)),
        (("average of squares held fixed",), lambda d, eta, b1, b2: -eta * d * b1 / (1 - b1) + 0 * b2),
        (("one step only",), lambda d, eta, b1, b2: -eta * d * b1 / b2**0.5),
        (("square not rooted", "last step counted"), lambda d, eta, b1, b2: -eta * d / (1 - b1 / b2)),
        (("rate forgotten", "uphill"), lambda d, eta, b1, b2: d * (q := b1 / np.sqrt(b2)) / (1 - q)),
        (("both rooted", "uphill"), lambda d, eta, b1, b2: eta * d * (q := (b1 / b2) ** 0.5) / (1 - q)),
    ],
    "words-lazy": [
        (("divided by v, not by its root",), lazy(den=lambda n, v, e: n + e)),
        (("not lazy",), lazy(rows_v=lambda s, n, o: n)),
        (("ε inside the root",), lazy(den=lambda n, v, e: np.sqrt(n + e))),
        (("element by element",), lazy_by_elements),
        (("ρ and 1 − ρ swapped",), lazy(avg=lambda v, g, r: (1 - r) * v + r * g * g)),
        (("one sum for each row",), lazy(avg=lambda v, g, r: r * v + (1 - r) * (g**2).sum(axis=1, keepdims=True))),
        (
            ("not lazy", "ε inside the root"),
            lazy(rows_v=lambda s, n, o: n, den=lambda n, v, e: np.sqrt(n + e)),
        ),
        (
            ("new square not weighted", "up instead of down"),
            lazy(avg=lambda v, g, r: r * v + g * g, out=lambda t, e, d: t + e * d),
        ),
        (
            ("unseen rows start again", "divided by v, not by its root"),
            lazy(rows_v=lambda s, n, o: n * s, den=lambda n, v, e: n + e),
        ),
    ],
    "games-dqn": [
        (("outside the root",), dqn(d_=lambda g, n, m: g / (np.sqrt(n - m * m) + 0.01))),
        (("not centered",), dqn(d_=lambda g, n, m: g / np.sqrt(n + 0.01))),
        (("mean not squared",), dqn(d_=lambda g, n, m: g / np.sqrt(n - m + 0.01))),
        (("0.95 and 0.05 swapped",), dqn(lambda n, g: 0.05 * n + 0.95 * g * g, lambda m, g: 0.05 * m + 0.95 * g)),
        (("averages after use",), dqn(old=True)),
        (("0.95 and 0.05 swapped in mu",), dqn(mu_=lambda m, g: 0.05 * m + 0.95 * g)),
        (("mean not squared", "outside the root"), dqn(d_=lambda g, n, m: g / (np.sqrt(n - m) + 0.01))),
        (
            ("divided by the variance, not by its root", "not centered"),
            dqn(d_=lambda g, n, m: g / (n + 0.01)),
        ),
        (
            ("squared mean added", "averages after use"),
            dqn(d_=lambda g, n, m: g / np.sqrt(n + m * m + 0.01), old=True),
        ),
    ],
    "games-return": [
        (("the value forgotten",), lambda rewards, gamma, ahead: run_back(rewards, gamma, 0.0)),
        (("the wrong way round",), lambda rewards, gamma, ahead: run_back(rewards[::-1], gamma, ahead)),
        (("the value not discounted",), lambda rewards, gamma, ahead: run_back(rewards, gamma, 0.0) + ahead),
        (
            ("rewards discounted once too often",),
            lambda rewards, gamma, ahead: gamma * run_back(rewards, gamma, 0.0) + gamma ** len(rewards) * ahead,
        ),
        (("no discount",), lambda rewards, gamma, ahead: rewards.sum() + ahead),
        (("one step, then the value",), lambda rewards, gamma, ahead: rewards[0] + gamma * ahead),
        (
            ("the value forgotten", "rewards discounted once too often"),
            lambda rewards, gamma, ahead: sum(gamma ** (k + 1) * r for k, r in enumerate(rewards)),
        ),
        (
            ("the wrong way round", "the value forgotten"),
            lambda rewards, gamma, ahead: run_back(rewards[::-1], gamma, 0.0),
        ),
        (
            ("mean instead of sum", "the value forgotten"),
            lambda rewards, gamma, ahead: np.mean(rewards * gamma ** np.arange(len(rewards))),
        ),
    ],
    "images-average": [
        (("standard deviations",), lambda eta, h, b: np.sqrt(of_average(1 - eta * h, b))),
        (("as if independent",), lambda eta, h, b: (1 - b) / (1 + b)),
        (("ηλ for the correlation",), lambda eta, h, b: of_average(eta * h, b)),
        (("upside down",), lambda eta, h, b: 1 / of_average(1 - eta * h, b)),
        (("1 − β forgotten",), lambda eta, h, b: of_average(1 - eta * h, b, 1)),
        (
            ("ηλ for the correlation", "standard deviations"),
            lambda eta, h, b: of_average(eta * h, b) ** 0.5,
        ),
        (("upside down", "as if independent"), lambda eta, h, b: (1 + b) / (1 - b)),
        (("curvature forgotten", "1 − β not squared"), lambda eta, h, b: of_average(1 - eta, b, 1 - b)),
    ],
    "images-further": [
        (("the other sign",), lambda etas, gamma: -np.polyval(etas[::-1], gamma) * gamma / (1 - gamma)),
        (("counted from zero",), lambda etas, gamma: sum(e * gamma**i for i, e in enumerate(etas)) / (1 - gamma)),
        (("stopped at the last rate",), lambda etas, gamma: (f := two_forms(etas, gamma))[0] - f[1]),
        (("the whole distance",), lambda etas, gamma: np.sum(etas) / (1 - gamma)),
        (("one step of each rate",), lambda etas, gamma: sum(e * gamma ** (i + 1) for i, e in enumerate(etas))),
        (
            ("the other sign", "stopped at the last rate"),
            lambda etas, gamma: (f := two_forms(etas, gamma))[1] - f[0],
        ),
        (
            ("the other run's distance", "counted from zero"),
            lambda etas, gamma: np.sum(etas * (1 - gamma ** np.arange(len(etas)))) / (1 - gamma),
        ),
        (
            ("the last rate for all", "the other sign"),
            lambda etas, gamma: -etas[-1] * sum(gamma ** (i + 1) for i in range(len(etas))) / (1 - gamma),
        ),
    ],
    "family-lion": [
        (("no sign",), lambda g, m, a, b: (a * m + (1 - a) * g, b * m + (1 - b) * g)),
        (("decays swapped",), lambda g, m, a, b: (np.sign(b * m + (1 - b) * g), a * m + (1 - a) * g)),
        (("signum",), lambda g, m, a, b: (np.sign(new := b * m + (1 - b) * g), new)),
        (("one memory",), lambda g, m, a, b: (np.sign(c := a * m + (1 - a) * g), c)),
        (("the other sign",), lambda g, m, a, b: (-np.sign(a * m + (1 - a) * g), b * m + (1 - b) * g)),
        (("decays swapped", "no sign"), lambda g, m, a, b: (b * m + (1 - b) * g, a * m + (1 - a) * g)),
        (
            ("gradient not weighted in the direction", "new gradient not weighted"),
            lambda g, m, a, b: (np.sign(a * m + g), b * m + g),
        ),
        (
            ("sign of the gradient", "beta2 and 1 − beta2 swapped in m"),
            lambda g, m, a, b: (np.sign(g), (1 - b) * m + b * g),
        ),
    ],
    "family-yogi": [
        (("wrong way",), lambda g, v, b: v + (1 - b) * np.sign(v - g**2) * g**2),
        (("sign forgotten",), lambda g, v, b: v - (1 - b) * (v - g**2) * g**2),
        (("Adam's",), lambda g, v, b: b * v + (1 - b) * g**2),
        (("decay for the share",), lambda g, v, b: v - b * np.sign(v - g**2) * g**2),
        (("compared with the gradient",), lambda g, v, b: v - (1 - b) * np.sign(v - g) * g**2),
        (("old v decayed", "wrong way"), lambda g, v, b: b * v + (1 - b) * np.sign(v - g * g) * g * g),
        (
            ("wrong way", "square forgotten in the change"),
            lambda g, v, b: v + (1 - b) * np.sign(v - g * g) * abs(g),
        ),
        (
            ("gradient itself in the change", "compared with the gradient"),
            lambda g, v, b: v - (1 - b) * np.sign(v - g) * g,
        ),
    ],
    "gd-best-rate": [
        (("diagonal instead of eigenvalues",), gd(np.diag)),
        (("1/L, with its own factor",), gd(rate=lambda low, high: 1 / high, factor=lambda low, high: 1 - low / high)),
        (("the condition number",), gd(factor=lambda low, high: high / low)),
        (("1 for 2",), gd(rate=lambda low, high: 1 / (low + high))),
        (("the factor of the loss",), gd(factor=lambda low, high: ((high - low) / (high + low)) ** 2)),
        (
            ("2 over the trace",),
            lambda H: (2 / np.trace(H), ((c := np.linalg.cond(H)) - 1) / (c + 1)),
        ),
        (
            ("diagonal instead of eigenvalues", "the condition number"),
            gd(np.diag, factor=lambda low, high: high / low),
        ),
        (
            ("1 for 2", "the factor of the loss"),
            gd(rate=lambda low, high: 1 / (low + high), factor=lambda low, high: ((high - low) / (high + low)) ** 2),
        ),
        (
            ("the rate at the edge", "the factor at 1/L"),
            gd(rate=lambda low, high: 2 / high, factor=lambda low, high: 1 - low / high),
        ),
    ],
    "minibatch-gradient": [
        (("sum instead of mean",), logistic(mean=lambda batch, y: 1)),
        (("up instead of down",), logistic(push=lambda p, y, x: p * y * x)),
        (("divided by the number of all examples",), logistic(mean=lambda batch, y: len(y))),
        (("probability of being right",), logistic(lambda batch, N: batch, lambda z: 1 / (1 + np.exp(-z)))),
        (("label missing before x",), logistic(push=lambda p, y, x: -p * x)),
        (
            ("sum instead of mean", "up instead of down"),
            logistic(push=lambda p, y, x: p * y * x, mean=lambda batch, y: 1),
        ),
        (
            ("divided by the number of all examples", "probability of being right"),
            logistic(p_=lambda z: 1 / (1 + np.exp(-z)), mean=lambda batch, y: len(y)),
        ),
        (
            ("all examples", "sum instead of mean"),
            logistic(lambda batch, N: range(N), mean=lambda batch, y: 1),
        ),
    ],
    "adagrad-rate": [
        (("initial sum ignored",), cover(begin=False)),
        (("sum updated after its use",), cover(first=0)),
        (("a negative rate",), cover(size=lambda g: g)),
        (("divided by the sum, not by its root",), cover(root=lambda x: x)),
        (
            ("quotient upside down",),
            lambda D, T, g, G: sum(abs(g) / np.sqrt(G + t * g * g) for t in range(1, T + 1)) / D,
        ),
        (("initial sum ignored", "divided by the sum, not by its root"), cover(begin=False, root=lambda x: x)),
        (
            ("a negative rate", "steps that do not shorten"),
            lambda D, T, g, G: D * np.sqrt(G + g * g) / (T * g),
        ),
        (
            ("quotient upside down", "initial sum ignored"),
            lambda D, T, g, G: sum(1 / np.sqrt(t) for t in range(1, T + 1)) / D,
        ),
        (
            ("divided by the sum, not by its root",),
            lambda D, T, g, G: D / (np.abs(g) / (G + g**2 * np.arange(1, T + 1))).sum(),
        ),
        (("root of the initial sum added", "multiplied, not divided"), way_by_two_roots),
        (("one step too few", "a negative rate"), way_of_one_step_too_few),
    ],
    "adagrad-bounds": [
        (("the bound in hindsight",), bounds(lambda g, G, D: D * np.sqrt(G).sum(), fixed)),
        (
            ("axes exchanged",),
            lambda g, D: (
                np.sqrt(2) * D * np.linalg.norm(g, axis=1).sum(),
                D * np.sqrt(len(g)) * np.linalg.norm(g),
            ),
        ),
        (("number of coordinates missing",), bounds(hedged, lambda g, G, D: D * np.linalg.norm(g))),
        (("one root for all coordinates",), bounds(lambda g, G, D: np.sqrt(2) * D * np.linalg.norm(g), fixed)),
        (
            ("rounds instead of coordinates",),
            bounds(hedged, lambda g, G, D: D * np.sqrt(len(g) * G.sum())),
        ),
        (
            ("the bound in hindsight", "number of coordinates missing"),
            bounds(lambda g, G, D: D * np.sqrt(G).sum(), lambda g, G, D: D * np.linalg.norm(g)),
        ),
        (
            ("axes exchanged", "the bound in hindsight"),
            lambda g, D: (D * np.linalg.norm(g, axis=1).sum(), D * np.sqrt(len(g)) * np.linalg.norm(g)),
        ),
        (
            ("returned common, adaptive", "number of coordinates missing"),
            bounds(lambda g, G, D: D * np.linalg.norm(g), hedged),
        ),
        (
            ("the bound in hindsight", "rounds instead of coordinates"),
            lambda g, D: (D * np.sum((g**2).sum(axis=0) ** 0.5), D * (len(g) * np.sum(g**2)) ** 0.5),
        ),
        (("squared after the sum", "one root for all coordinates"), bounds_of_the_squared_sum),
    ],
    "centered-phantom": [
        (("variance divided like an average",), lambda v, mu, t, rho: v / (1 - rho**t)),
        (("mean not divided",), lambda v, mu, t, rho: (v + mu**2) / (1 - rho**t) - mu**2),
        (
            ("divided by the newest weight",),
            lambda v, mu, t, rho: (v + mu**2) / (1 - rho) - (mu / (1 - rho)) ** 2,
        ),
        (
            ("v taken for the average of squares",),
            lambda v, mu, t, rho: v / (1 - rho**t) - (mu / (1 - rho**t)) ** 2,
        ),
        (("mean square not divided",), lambda v, mu, t, rho: v + mu**2 - (mu / (1 - rho**t)) ** 2),
        (
            ("variance divided like an average", "divided by the newest weight"),
            lambda v, mu, t, rho: v / (1 - rho),
        ),
        (
            ("standard deviation", "mean not divided"),
            lambda v, mu, t, rho: np.sqrt((v + mu * mu) / (1 - rho**t) - mu * mu),
        ),
        (
            ("divided by the zero's weight", "v taken for the average of squares"),
            lambda v, mu, t, rho: v / rho**t - (mu / rho**t) ** 2,
        ),
        (
            ("one step too many", "mean not divided"),
            lambda v, mu, t, rho: (v + mu * mu) / (1 - rho ** (t + 1)) - mu * mu,
        ),
        (
            ("divided by the zero's weight", "variance divided like an average"),
            lambda v, mu, t, rho: v / rho**t,
        ),
    ],
    "momentum-rate-drop": [
        (("outside minus inside",), coast(out=lambda u, b: b - u)),
        (("last steps only",), coast(last=True)),
        (("inside form alone",), coast(out=lambda u, b: u)),
        (("new direction decayed at once",), coast(lambda u, r, c: c * (u + r))),
        (("dampened",), coast(lambda u, r, c: c * u + (1 - c) * r)),
        (
            ("outside minus inside", "dampened"),
            coast(lambda u, r, c: c * u + (1 - c) * r, lambda u, b: b - u),
        ),
        (("last steps only", "outside minus inside"), coast(out=lambda u, b: b - u, last=True)),
        (
            ("dampened", "size of each difference"),
            coast(lambda u, r, c: c * u + (1 - c) * r, lambda u, b: abs(u - b)),
        ),
        (("outside form with the old buffer",), with_the_old_buffer_outside),
        (("outside form dampened", "mean instead of sum"), dampened_outside_and_averaged),
    ],
    "momentum-two-cycle": [
        (("the other zero",), cycle(sign=-1)),
        (("leading coefficient forgotten in the division",), cycle(divisor=lambda rho: 2)),
        (("sign of the constant",), cycle(inside=lambda b, rho: b**2 - 4 * rho)),
        (("4 forgotten",), cycle(inside=lambda b, rho: b**2 + rho)),
        (("sign of b",), cycle(before=1)),
        (
            ("only the root divided",),
            lambda rho: -(1 + 3 * rho) + np.sqrt((1 + 3 * rho) ** 2 + 4 * rho) / (2 * rho),
        ),
        (
            ("sign of the constant", "leading coefficient forgotten in the division"),
            cycle(inside=lambda b, rho: b**2 - 4 * rho, divisor=lambda rho: 2),
        ),
        (("3 forgotten", "the other zero"), cycle(lambda rho: 1 + rho, sign=-1)),
        (("2 forgotten in the division", "sign of b"), cycle(divisor=lambda rho: rho, before=1)),
    ],
    "centered-ratio": [
        (
            ("no ε in the plain denominator",),
            lambda v, mu, eps: np.sqrt(v + mu * mu) / (np.sqrt(v) + eps),
        ),
    ],
    "amsgrad-step": [
        (("largest without the new average",), with_the_maximum_first),
    ],
}
