"""Bare onnxruntime sessions, to measure the agent beside."""

from __future__ import annotations

from pathlib import Path

import onnxruntime


def session(file: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """A session that computes in the calling thread, or divides its work over several threads, none of which spins."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
