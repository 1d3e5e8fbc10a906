"""Whatever was told and whenever, the replay of what was kept raises what was raised."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.rules.observations import Moment, SourceUp, Tick
from gatehouse_edge.values import Reading, ThermalSample
from gatehouse_shared.names import Label, Phase
from gatehouse_testing.keeping import hazards, keep, replayed
from gatehouse_testing.rule_site import rule_site
from gatehouse_testing.watched import moment, person, thing, tracks


def _now(at: float, lag_s: float) -> Moment:
    """The moment of judging is a little later than that of the frame, and its clock is read a little later still."""
    now = moment(at + lag_s)
    return Moment(now.at, now.time + timedelta(milliseconds=7))


def _stream(parts):
    """A stream of a few minutes from runs of what is seen: (what, how many, seconds), with jitter."""
    at, told = 0.0, []
    for what, amount, seconds, jitter in parts:
        for step in range(seconds * 5):
            at += 0.2 + jitter * ((step * 7) % 5 - 2) / 200
            told += [(_now(at, 0.13), one) for one in _frames(what, amount, at)]
            if step % 5 == 0:
                told.append((_now(at, 0.13), Tick()))
    return told


def _frames(what, amount, at):
    people = [person(i, (0.1 + (0.02 * at + 0.11 * i) % 0.8, 0.8)) for i in range(amount)]
    still = [person(50 + i, (0.1 + 0.09 * i, 0.7)) for i in range(min(amount, 9))]
    car = [thing(90, (0.3, 0.5, 0.6, 0.8), Label.CAR)]
    seen = {"nobody": (), "walks": people, "stays": still, "car": car}.get(what, ())
    if what == "down":
        return [SourceUp("cam_shed")]
    hot = 20.0 + amount * 8 + (at % 1)
    time = moment(at).time
    shed = ThermalSample("thermal_1", "shed", at, time, hot, 20.0, None, 40)
    door = Reading("contact_1", time, at, state=what == "walks")
    return [
        tracks(at, *seen, device="cam_fence"),
        tracks(at, *seen, device="cam_lane"),
        tracks(at, *seen, device="cam_plaza"),
        shed,
        *([door] if int(at * 5) % 7 == 0 else []),
    ]


RUNS = st.lists(
    st.tuples(
        st.sampled_from(["nobody", "walks", "stays", "car", "down"]),
        st.integers(0, 14),
        st.sampled_from([2, 7, 15]),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=4, deadline=None)
@given(RUNS)
def test_a_replay_raises_and_clears_what_was_raised_and_cleared(parts):
    kept = keep(rule_site(), _stream(parts))
    said = _ends(kept.findings)
    assert _ends(replayed(rule_site(), kept.blocks)) == said
    assert _ends(replayed(rule_site(), kept.blocks, exact=True)) == said


def _ends(findings):
    return [h for h in hazards(findings) if h[4] != Phase.UPDATED.value]
