"""Writes tests/data/statistics.json: what SciPy and statsmodels say of the cases that tests/statistics holds the
program's own statistics against. Run it only to add cases:

    pip install scipy statsmodels && python tests/statistics/reference.py > tests/data/statistics.json
"""

import json
import random
import warnings

import scipy
import statsmodels
from scipy.stats import binom, false_discovery_control, fisher_exact, hypergeom
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

warnings.filterwarnings("ignore")
dice = random.Random(500)

PAIRS = [
    (0, 1, 0, 1), (1, 1, 0, 1), (0, 10, 10, 10), (3, 3, 0, 2), (5, 5, 0, 20), (8, 10, 1, 12), (1, 9, 11, 14),
    (56, 70, 48, 80), (9, 10, 3, 10), (10, 10, 0, 10), (12, 400, 3, 380), (40, 42, 170, 512), (0, 5000, 7, 300),
    (17, 1000000, 40, 1000000), (900, 1000, 400, 1000), (2500, 10000, 2400, 10000), (30000, 400000, 200, 512),
]
for _ in range(60):
    n1, n2 = (round(10 ** dice.uniform(0, 4)) for _ in range(2))
    share = dice.random() ** 2
    a = sum(dice.random() < share for _ in range(n1))
    b = sum(dice.random() < min(1.0, share * dice.uniform(0.5, 1.5)) for _ in range(n2))
    PAIRS.append((a, n1, b, n2))

# So large that SciPy's search for the other tail takes long: one side each, by the distribution itself.
LARGE = [
    (1000, 10**8, 1200, 10**8), (500000, 10**9, 501000, 10**9), (5000000, 10**7, 5003000, 10**7),
    (3, 10**9, 0, 10**6), (512, 600, 2, 10**9), (10**6, 2 * 10**6, 10**6, 2 * 10**6),
]


def interval(bounds):
    return [float(bound) for bound in bounds]


def pair(a, n1, b, n2):
    table = [[a, n1 - a], [b, n2 - b]]
    return {
        "counts": [a, n1, b, n2],
        "wilson": interval(proportion_confint(a, n1, method="wilson")),
        "newcombe": interval(confint_proportions_2indep(a, n1, b, n2, method="newcomb", compare="diff")),
        "less": float(fisher_exact(table, alternative="less").pvalue),
        "greater": float(fisher_exact(table, alternative="greater").pvalue),
        "two_sided": float(fisher_exact(table).pvalue),
    }


def large(a, n1, b, n2):
    law = hypergeom(n1 + n2, a + b, n1)
    return {"counts": [a, n1, b, n2], "less": float(law.cdf(a)), "greater": float(law.sf(a - 1))}


def series(counts):
    """Every split by SciPy's binomial law: the likeliest rise, and its test."""
    total = [sum(c[0] for c in counts), sum(c[1] for c in counts)]
    likelihood = lambda k, n: float(binom.logpmf(k, n, k / n))
    # The binomial coefficients of the two sides do not belong to the likelihood of a series: take them out.
    bare = lambda k, n: likelihood(k, n) - float(binom.logpmf(k, n, 0.5) + n * 0.6931471805599453)
    best, splits = None, 0
    for at in range(1, len(counts)):
        k1, n1 = sum(c[0] for c in counts[:at]), sum(c[1] for c in counts[:at])
        k2, n2 = total[0] - k1, total[1] - n1
        if n1 == 0 or n2 == 0 or counts[at][1] == 0:
            continue
        splits += 1
        ratio = bare(k1, n1) + bare(k2, n2) - bare(*total)
        if k2 / n2 > k1 / n1 and (best is None or ratio > best[1] + 1e-9):
            best = (at, ratio, [k1, n1, k2, n2])
    if best is None:
        return {"series": counts, "at": None}
    at, ratio, (k1, n1, k2, n2) = best
    p = fisher_exact([[k2, n2 - k2], [k1, n1 - k1]], alternative="greater").pvalue
    return {"series": counts, "at": at, "ln_ratio": ratio, "p_value": min(1.0, float(p) * splits)}


def drawn(minutes, change, before, after):
    counts = []
    for minute in range(minutes):
        n = dice.randrange(0, 40)
        share = before if minute < change else after
        counts.append([sum(dice.random() < share for _ in range(n)), n])
    return counts


SERIES = [
    [[0, 10], [0, 10], [5, 10], [6, 10]], [[5, 10], [0, 10]], [[1, 1]], [[0, 3], [0, 0], [3, 3]],
    [[0, 20], [0, 18], [0, 21], [1, 20], [0, 19]], drawn(60, 30, 0.01, 0.3), drawn(60, 45, 0.0, 0.05),
    drawn(120, 120, 0.05, 0.05), drawn(240, 200, 0.1, 0.15), drawn(30, 1, 0.0, 1.0),
]

P_VALUES = [
    [0.01, 0.04, 0.03, 0.005], [0.5], [], [0.9, 0.9, 0.9], [1e-12, 0.02, 0.02, 0.5, 1.0],
    [dice.random() ** 4 for _ in range(50)],
]


def adjusted(values):
    if not values:
        return {"p": values, "q": []}
    q = [float(v) for v in multipletests(values, method="fdr_bh")[1]]
    assert max(abs(x - y) for x, y in zip(q, false_discovery_control(values))) < 1e-12
    return {"p": values, "q": q}


made_by = f"tests/statistics/reference.py, SciPy {scipy.__version__}, statsmodels {statsmodels.__version__}"
groups = {
    "pairs": [pair(*case) for case in PAIRS],
    "large": [large(*case) for case in LARGE],
    "series": [series(case) for case in SERIES],
    "adjusted": [adjusted(case) for case in P_VALUES],
}
# A case a line.
print("{" + f'"made_by": {json.dumps(made_by)}', end="")
for name, cases in groups.items():
    print(f',\n"{name}": [\n' + ",\n".join(map(json.dumps, cases)) + "\n]", end="")
print("}")
