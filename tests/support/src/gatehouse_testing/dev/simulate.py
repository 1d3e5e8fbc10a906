"""`./dev simulate SEED`: live one seed of the deterministic simulator again, with everything that happened.

    ./dev simulate 4711                       the trace of that world, then what was wrong in it
    ./dev simulate 4711 --mutant NAME         the same with one promise of the product broken
    ./dev simulate --from 0 --count 10000     many seeds on all cores: failures, then the sum of faults

The same seed gives the same trace, line by line, on every run and machine of one version. `--quiet` leaves the trace out. The
exit status is 1 when something was wrong.
"""

import argparse

from gatehouse_testing.simulation.hunting import hunt
from gatehouse_testing.simulation.mutants import MUTANTS
from gatehouse_testing.simulation.world import Build, simulate


def main(argv: list[str]) -> int:
    """Run one seed, or many."""
    parser = argparse.ArgumentParser(prog="./dev simulate")
    parser.add_argument("seed", nargs="?", type=int, help="the seed to live again")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="break a promise of the product")
    parser.add_argument("--quiet", action="store_true", help="without the trace")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first of many seeds")
    parser.add_argument("--count", type=int, default=500, help="how many")
    options = parser.parse_args(argv)
    if options.seed is None:
        haul = hunt(range(options.first, options.first + options.count))
        print(haul.report())
        return 1 if haul.failed else 0
    build = MUTANTS[options.mutant] if options.mutant else Build()
    outcome = simulate(options.seed, build, wanted=not options.quiet)
    print("\n".join(outcome.lines))
    print("\n".join(outcome.violations) or "nothing was wrong")
    print(f"seed {outcome.seed}: {outcome.events} events, {outcome.rows} rows, {outcome.hash}")
    return 1 if outcome.violations else 0
