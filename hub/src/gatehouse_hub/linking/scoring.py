"""How good a partition is against known truth: the measures of the benchmark. Pure.

Source  B-cubed: Bagga and Baldwin 1998; Amigo and others 2009.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkingScore:
    """`b3_*` over the rows that are part of something; `false_merge` the share of incidents holding rows of two true ones or
    more; `split` the share of true ones spread over two or more; `noise_taken` the share of noise that stands in an incident with
    others' rows.
    """

    rows: int
    incidents: int
    true: int
    b3_precision: float
    b3_recall: float
    b3_f1: float
    false_merge: float
    split: float
    noise: int
    noise_taken: float


def score_partition(
    found: Mapping[str, str], truth: Mapping[str, str], noise: Set[str] = frozenset()
) -> LinkingScore:
    """Compare. Keys are row ids, values names; a row that was not found stands alone. `noise` are values of `truth`."""
    where = {row: found.get(row, f"alone {row}") for row in truth}
    signal = {row: name for row, name in truth.items() if name not in noise}
    both = Counter((where[row], name) for row, name in signal.items())
    of_found = Counter(where[row] for row in signal)
    of_true = Counter(signal.values())
    count = max(1, len(signal))
    precision = sum(n * n / of_found[place] for (place, _), n in both.items()) / count
    recall = sum(n * n / of_true[name] for (_, name), n in both.items()) / count
    holds: defaultdict[str, set[str]] = defaultdict(set)
    spread: defaultdict[str, set[str]] = defaultdict(set)
    for place, name in both:
        holds[place].add(name)
        spread[name].add(place)
    stray = [row for row, name in truth.items() if name in noise]
    return LinkingScore(
        rows=len(truth),
        incidents=len(set(where.values())),
        true=len(of_true),
        b3_precision=precision,
        b3_recall=recall,
        b3_f1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        false_merge=_share(sum(len(names) > 1 for names in holds.values()), len(holds)),
        split=_share(sum(len(places) > 1 for places in spread.values()), len(spread)),
        noise=len(stray),
        noise_taken=_share(sum(where[row] in of_found for row in stray), len(stray)),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
