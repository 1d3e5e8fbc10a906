"""A process that appends rows and says each accepted number on standard output, until it is killed."""

import sys
from datetime import timedelta
from itertools import count
from pathlib import Path

from gatehouse_edge.outbox.ledger import RowLedger
from gatehouse_edge.ports import Batch
from gatehouse_edge.rules.observations import Moment
from gatehouse_shared.events import ClockState
from gatehouse_testing.gateway_parts import START, gas, open_in, small_site, smoke


def main(folder: Path, start: int) -> None:
    """Append for ever: bulk of growing size, an alarm now and then. A line is written only after its commit."""
    outbox = open_in(folder, count(start * 1000 + 1))
    ledger = RowLedger(small_site(), "gw_1", outbox)
    for turn in count():
        now = START + timedelta(seconds=turn)
        if turn % 3 == 0:
            events = ledger.accept(
                Batch(findings=(smoke(f"{start}_{turn}", now),)), Moment(float(turn), now)
            )
        else:
            drafts = [gas(n, now) for n in range(1 + turn % 7)]
            events = outbox.append(drafts, {}, now, ClockState.SYNCED)
        for event in events:
            sys.stdout.write(f"{event.epoch} {event.lane} {event.seq} {event.id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
