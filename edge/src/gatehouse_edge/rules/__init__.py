"""What counts as a hazard, a count or a passage. Pure: state in, state out, the time is an argument; no numpy, no I/O.

How the pipeline uses it (one `RuleSet` a gateway, one `ReleaseDesk` behind it):

    ruleset = build_rules(site, "gw_1")                      # rules/build.py; RuleConfigError names rule, parameter, range
    state, findings = ruleset.resume(kept, now)              # after a restart; `ruleset.start()` where nothing was kept
    state, judged = ruleset.step(state, observation, now)    # for every observation, and `Tick()` about once a second
    judged.findings  judged.hidden  judged.counts  judged.passages  judged.tallies  judged.signals
    kept = ruleset.kept(state)                               # msgspec struct, small; persist with the findings' rows

    desk = build_release(site, "gw_1")                       # rules/build.py
    windows_state = desk.start()                             # or what was persisted
    windows_state, windows = desk.step(windows_state, judged.counts, judged.tallies, now)
    windows_state                                            # msgspec-serialisable; persist (open flow windows live in it)

`observation` is one of `rules/observations.py`: what cameras and sensors say, `Acknowledged`, an order (`DrillOrder`,
`MaintenanceOrder`; `rules/orders.py` says what they do), or `Tick`. `now` is `Moment(at, time, time_known)`: `at` seconds
of ONE timeline that never goes back (monotonic in `run`, media time in `analyze`), `time` aware UTC. An earlier `at` than
the step before raises TimeWentBackError. Findings and windows carry exact times; the encoder on the wire floors them.
Tracks die in the state: `kept` holds none.

See edge/docs/rules.md for every rule, its parameters and the meaning of its grades.
"""
