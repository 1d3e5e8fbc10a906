from gatehouse_hub.api.throttle import (
    FREE_TRIES,
    MAX_KEYS,
    MAX_TRIES,
    MAX_WAIT_S,
    TRIES_WINDOW_S,
    Throttle,
)


def test_waits_double_up_to_a_bound_and_a_right_password_ends_them():
    throttle, now_s = Throttle(), 0.0
    for _ in range(FREE_TRIES):
        assert throttle.wait_s("a", "x", now_s) == 0
        throttle.failed("a", "x", now_s)
    waits = []
    for _ in range(10):
        wait_s = throttle.wait_s("a", "x", now_s)
        waits.append(wait_s)
        now_s += wait_s
        assert throttle.wait_s("a", "x", now_s) == 0
        throttle.failed("a", "x", now_s)
    assert waits[:3] == [10, 20, 40]
    assert max(waits) == MAX_WAIT_S
    throttle.succeeded("a", "x")
    assert throttle.wait_s("a", "x", now_s) == 0


def test_an_address_that_tries_many_names_must_wait_too():
    throttle = Throttle()
    for n in range(FREE_TRIES * 10):
        throttle.failed(f"name_{n}", "x", 0.0)
    assert throttle.wait_s("fresh", "x", 0.0) > 0
    assert throttle.wait_s("fresh", "y", 0.0) == 0


def test_ten_thousand_keys_and_no_more_are_remembered():
    throttle = Throttle()
    for n in range(MAX_KEYS):
        throttle.failed(f"name_{n}", f"address_{n}", 0.0)
    assert len(throttle) == MAX_KEYS


def test_all_tries_together_are_bounded():
    throttle = Throttle()
    for n in range(MAX_TRIES):
        assert throttle.wait_s(f"name_{n}", f"address_{n}", float(n) / 100) == 0
    assert throttle.wait_s("one", "more", 2.0) > 0
    assert throttle.wait_s("one", "more", TRIES_WINDOW_S + 0.1) == 0
