"""The decode child: one process per camera, started as `python -m gatehouse_edge.sources.decoder`.

Whatever a hostile picture does, it does here: with limits on memory, without the agent's environment and without a file
to write. Only this package imports OpenCV among the sources.
"""
