"""Durable queue of accepted events. I/O, but for `bounds.py`, `merging.py`, `hazards.py`, `drafts.py` and `moving.py`, which are
pure.

Promise   accepted is committed: what `append` returned survives the loss of power. A row goes only when the hub says that it
          has it, plus 24 hours; or it leaves a gap that says so.
Shape     rows are numbered from 1 without holes per (epoch, lane); an epoch is the random id of one life of the file.
Reading   `store.py` the outbox itself, `schema.py` the file, `bounds.py` what goes when it is full, `merging.py` and `merger.py`
          how counts become fewer before that, `published.py` what the hub may have seen, `salvage.py` what is left of a damaged
          file, `moving.py` and `renewal.py` how unacknowledged rows take a new epoch, `hazards.py` findings as rows, `drafts.py`
          the rest.
"""
