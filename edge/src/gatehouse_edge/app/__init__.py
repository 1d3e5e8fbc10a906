"""Composition: the only place that knows which adapter plays which part.

`build.py` puts the parts together, `sight.py` those of a camera, `agent.py` runs them, `analyze.py` runs them over a
recording, `check.py` tries what a configuration names, `doctor.py` looks at the machine, `machine.py` measures it.
"""
