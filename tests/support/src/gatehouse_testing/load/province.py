"""What a province needs, worked out: assumptions and costs in, the tables of `hub/docs/province.md` out. Pure but for `main`.

    python -m gatehouse_testing.load.province     writes the tables into the page; a test compares

Change a cost here when the benches say another, and its date.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatehouse_testing.dev.paths import ROOT

PAGE = ROOT / "hub" / "docs" / "province.md"
BEGIN, END = "<!-- worked out: begin -->", "<!-- worked out: end -->"
DAY_S = 86_400

CAMERAS, COMMUNITIES, CAMERAS_A_GATEWAY = 300_000, 9_000, 8
GATEWAYS = CAMERAS // CAMERAS_A_GATEWAY

ROWS_A_MESSAGE = 10
PEAK = 3.0
"""The busiest minute over the mean: windows close together, evenings are busy."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows a camera and day, and how that comes about, when windows are short and when they are long."""

    name: str
    short: float
    long: float
    why: str


KINDS = (
    Kind("count", 1_440, 96, "one zone a camera; windows of 60 s, or 900 s"),
    Kind("flow", 24, 12, "a line at every fourth camera, windows closed by ten passages"),
    Kind("reading", 173, 58, "20 sensors a community, every 5 min, or 15"),
    Kind("health", 324, 324, "every 5 min of each camera and gateway"),
    Kind("alarm", 2, 2, "half a hazard a camera and day, four rows each"),
)


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured, on the day that the page names. Microseconds of one processor; bytes."""

    ingest_us: float = 86.0  # a row, in messages of ten: between 59 in those of 50 and 389 alone
    db_us: float = 40.0  # a row, all processes of PostgreSQL, likewise: 33 and 114
    broker_us: float = 46.0  # a message at QoS 1, in and out
    linker_us: float = 1_900.0  # an alarm row, its site linked again
    heartbeat_us: float = 200.0  # a request for the time and its answer, in the hub
    payload_bytes: float = 387.0
    stored_bytes: float = 795.0  # a row in its partition with the indexes
    wal_bytes: float = 915.0
    message_bytes: float = 75.0  # topic and headers of MQTT, TLS and TCP, a message
    gateway_hub_kib: float = 40.0
    gateway_broker_kib: float = 25.0


COSTS = Costs()


@dataclass(frozen=True, slots=True)
class Need:
    """What one choice of windows needs."""

    rows_a_day: float
    alarms_a_day: float

    @property
    def rows_s(self) -> float:
        """The mean."""
        return self.rows_a_day / DAY_S

    @property
    def messages_s(self) -> float:
        """Messages up a second; the heartbeats are beside them."""
        return self.rows_s / ROWS_A_MESSAGE

    @property
    def heartbeats_s(self) -> float:
        """Requests for the time a second; an answer each."""
        return GATEWAYS / 20

    @property
    def mbit_s(self) -> float:
        """What gateways send."""
        size = self.rows_s * COSTS.payload_bytes
        size += (self.messages_s + self.heartbeats_s) * COSTS.message_bytes
        return size * 8 / 1e6

    def cores(self) -> dict[str, float]:
        """Processors that are busy on average, by part."""
        # Each message comes in and goes out once; an ack and a heartbeat are two more of each.
        passed = self.messages_s * 2 + self.heartbeats_s * 2
        return {
            "broker": passed * COSTS.broker_us / 1e6,
            "ingest": (self.rows_s * COSTS.ingest_us + self.heartbeats_s * COSTS.heartbeat_us)
            / 1e6,
            "database": self.rows_s * COSTS.db_us / 1e6,
            "linker": self.alarms_a_day / DAY_S * COSTS.linker_us / 1e6,
        }


def need(short: float) -> Need:
    """What the province needs when so large a share of its cameras has short windows."""
    rows = sum(kind.short * short + kind.long * (1 - short) for kind in KINDS)
    alarms = sum(kind.short for kind in KINDS if kind.name == "alarm")
    return Need(rows * CAMERAS, alarms * CAMERAS)


CHOICES = {"900 s everywhere": 0.0, "60 s at every fifth camera": 0.2, "60 s everywhere": 1.0}


def tables() -> str:
    """Everything that follows from assumptions and costs."""
    needs = {name: need(short) for name, short in CHOICES.items()}
    head = ["", *needs]
    lines = [
        row(head),
        row(["---", *["---:"] * len(needs)]),
        row(["rows a camera and day", *(f"{n.rows_a_day / CAMERAS:,.0f}" for n in needs.values())]),
        row(["rows a day, millions", *(f"{n.rows_a_day / 1e6:,.0f}" for n in needs.values())]),
        row(["rows a second, mean", *(f"{n.rows_s:,.0f}" for n in needs.values())]),
        row(
            ["rows a second, busiest minute", *(f"{n.rows_s * PEAK:,.0f}" for n in needs.values())]
        ),
        row(["messages a second with rows", *(f"{n.messages_s:,.0f}" for n in needs.values())]),
        row(["heartbeats a second", *(f"{n.heartbeats_s:,.0f}" for n in needs.values())]),
        row(["from all gateways, Mbit/s", *(f"{n.mbit_s:,.1f}" for n in needs.values())]),
    ]
    for part in ("broker", "ingest", "database", "linker"):
        cells = (f"{n.cores()[part]:.2f} / {n.cores()[part] * PEAK:.1f}" for n in needs.values())
        lines.append(row([f"{part}, processors mean / busiest", *cells]))
    day = 1e9 / DAY_S
    lines += [
        row(["WAL, MB/s", *(f"{n.rows_s * COSTS.wal_bytes / 1e6:,.1f}" for n in needs.values())]),
        row(
            [
                "database, GB a day",
                *(f"{n.rows_s * COSTS.stored_bytes / day:,.0f}" for n in needs.values()),
            ]
        ),
        row(
            [
                "database, TB a year, if all is kept",
                *(
                    f"{n.rows_s * COSTS.stored_bytes / day * 365 / 1000:,.0f}"
                    for n in needs.values()
                ),
            ]
        ),
        row(
            [
                "database, TB, bulk kept 30 days",
                *(
                    f"{n.rows_s * COSTS.stored_bytes / day * 30 / 1000:,.1f}"
                    for n in needs.values()
                ),
            ]
        ),
    ]
    memory = (
        f"Memory for {GATEWAYS:,} gateways: hub {GATEWAYS * COSTS.gateway_hub_kib / 2**20:.1f} GiB beside its own needs, "
        f"broker {GATEWAYS * COSTS.gateway_broker_kib / 2**20:.1f} GiB."
    )
    return "\n".join([*lines, "", memory])


def row(cells: list[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def filled(page: str) -> str:
    """The page with its tables as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def main() -> None:
    """Write the page."""
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
