"""stub"""

from pathlib import Path
from fastapi import FastAPI


def install_console(app: FastAPI, static: Path) -> None: ...
