"""Any interleaving of send, loss, drop, gap, ack, restart and restore ends with the ack at the last number, and no alarm is
lost.
"""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from gatehouse_edge.outbox.bounds import Limits
from gatehouse_edge.ports import Batch
from gatehouse_edge.rules.observations import Moment
from gatehouse_shared.names import Phase
from gatehouse_testing.gateway_parts import Gateway, smoke
from gatehouse_testing.model_hub import ModelHub

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""No disk is harmed: what is tested here is order, not durability."""
TINY = Limits(max_rows=80, max_mib=8, max_age_days=7)


class Interleaving(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        self.gateway = Gateway(self.folder, limits=TINY)
        self.hub = ModelHub("riverside", "gw_1")
        self.backup = self.hub.snapshot()
        self.copy: Path | None = None
        self.answers: list[tuple[str, bytes]] = []
        self.raised = 0
        self.forgotten: set[str] = set()

    def teardown(self) -> None:
        try:
            self.heal()
            self.check()
        finally:
            self.gateway.stop()
            shutil.rmtree(self.folder)

    @rule(count=st.integers(1, 25))
    def bulk(self, count: int) -> None:
        self.gateway.append_bulk(count)

    @rule()
    def alarm(self) -> None:
        self.say(smoke(self.raised, self.gateway.clock.now()))
        self.raised += 1

    @rule()
    def clear_the_last_alarm(self) -> None:
        if self.raised:
            self.say(smoke(self.raised - 1, self.gateway.clock.now(), Phase.CLEARED))

    @rule()
    def connect(self) -> None:
        self.gateway.link.connect()

    @rule()
    def lose_the_connection(self) -> None:
        self.gateway.link.lose()
        self.answers.clear()

    @rule(seconds=st.sampled_from([0.5, 2.0, 6.0, 31.0, 400.0]))
    def turn(self, seconds: float) -> None:
        self.gateway.wait(seconds)
        self.gateway.step()

    @rule(seed=st.integers(0, 3))
    def deliver_some(self, seed: int) -> None:
        """Every fourth message is lost, from a drawn one on; the broker says PUBACK to all."""
        for index, (topic, payload) in enumerate(self.gateway.link.out):
            if index % 4 != seed:
                self.answers += self.hub.receive(topic, payload)
        self.gateway.link.out.clear()
        self.gateway.link.puback_all()

    @rule(keep=st.integers(0, 2))
    def hear_some(self, keep: int) -> None:
        for topic, payload in self.answers[keep:]:
            self.gateway.link.hear(topic, payload)
        self.answers.clear()
        self.gateway.step()

    @rule()
    def restart(self) -> None:
        self.gateway.stop()
        self.gateway.start()
        self.answers.clear()

    @rule()
    def a_day_passes_and_what_was_kept_is_forgotten(self) -> None:
        self.gateway.wait(25 * 3600.0)
        self.gateway.outbox.tidy(self.gateway.clock.now())

    @rule()
    def back_up_the_hub(self) -> None:
        self.backup = self.hub.snapshot()

    @rule()
    def restore_the_hub(self) -> None:
        self.hub.restore(self.backup)
        self.answers.clear()

    @rule()
    def copy_the_outbox(self) -> None:
        self.gateway.stop()
        shutil.rmtree(self.folder / "copy", ignore_errors=True)
        (self.folder / "copy").mkdir()
        self.copy = self.folder / "copy" / "outbox.db"
        shutil.copy(self.folder / "outbox.db", self.copy)
        self.copied = self.raised
        self.gateway.start()

    @rule()
    def put_the_copy_back(self) -> None:
        """Alarms between the copy and now may be with the hub or not: they are gone from the outbox by the hand of man."""
        if self.copy is None:
            return
        self.gateway.stop()
        self.forgotten |= {f"smoke_{n}" for n in range(self.copied, self.raised)}
        for path in self.folder.glob("outbox.db-*"):
            path.unlink()
        shutil.copy(self.copy, self.folder / "outbox.db")
        self.gateway.start()
        self.answers.clear()

    def say(self, finding: object) -> None:
        clock = self.gateway.clock
        self.gateway.ledger.accept(Batch(findings=(finding,)), Moment(clock.at, clock.time))  # type: ignore[arg-type]

    def heal(self) -> None:
        """Nothing is lost any more: time passes until all is quiet."""
        self.answers.clear()
        self.gateway.link.lose()
        self.gateway.link.connect()
        for _ in range(400):
            self.gateway.wait(7.0)
            self.gateway.step()
            answers = []
            for topic, payload in self.gateway.link.out:
                answers += self.hub.receive(topic, payload)
            self.gateway.link.out.clear()
            self.gateway.link.puback_all()
            for topic, payload in answers:
                self.gateway.link.hear(topic, payload)
            self.gateway.step()
            if not answers and all(m.acked == m.last for m in self.gateway.outbox.marks()):
                break

    def check(self) -> None:
        for mark in self.gateway.outbox.marks():
            assert mark.acked == mark.last, mark
        marks = self.gateway.outbox.marks()
        for mark in marks[:2]:
            ledger = self.hub.ledgers.get((mark.epoch, mark.lane))
            assert (ledger.accounted() if ledger else 0) == mark.last, mark
        told = {event.data.rule for event in self.hub.hazards()}
        expected = {f"smoke_{n}" for n in range(self.raised)} - self.forgotten
        assert expected <= told


TestAnyInterleaving = Interleaving.TestCase
TestAnyInterleaving.settings = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)
