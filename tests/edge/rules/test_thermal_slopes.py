"""A slope that is left out changes nothing that a thermal rule says."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.rules.rule import Memory
from gatehouse_edge.rules.thermal_hotspot import ThermalParams, ThermalSense
from gatehouse_testing.watched import moment, warmth


class Thorough(ThermalSense):
    """Looks for a slope at every sample."""

    def _may_matter(self, sample):
        return True


COURSES = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.floats(-0.5, 0.5),
        st.sampled_from([0, 0, 0, 15, -15]),
        st.sampled_from([None, 18.0, 22.0, 35.0]),
        st.sampled_from([4, 40]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(COURSES, st.booleans(), st.sampled_from([{}, {"living_c": 0}, {"pre_above_k": 3}]))
def test_a_sense_that_leaves_slopes_out_says_what_a_thorough_one_says(course, absolute, params):
    given_ = ThermalParams(**params)
    quick, thorough = ThermalSense(given_), Thorough(given_)
    memories, at, hot = [Memory(), Memory()], 0.0, 24.0
    for seconds, slope, jump, ambient, pixels in course:
        hot += jump
        for _ in range(seconds * 2):
            at, hot = at + 0.5, hot + slope / 2
            told = warmth(at, hot, ambient_c=ambient, hot_px=pixels)
            told = replace(told, absolute=absolute)
            said = []
            for n, sense in enumerate((quick, thorough)):
                memories[n], sample = sense.sense(memories[n], told, moment(at))
                said.append(sample)
            a, b = said
            assert (a.on, a.hold, a.facts.measure) == (b.on, b.hold, b.facts.measure)
            assert a.facts == b.facts or not any(b.hold)
