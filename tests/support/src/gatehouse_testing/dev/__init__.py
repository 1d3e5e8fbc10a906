"""The developer's commands behind `./dev`: one module each, listed in `commands.py`. Never shipped."""
